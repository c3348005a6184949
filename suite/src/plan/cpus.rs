//! Which CPUs the servers get, and which the clients.

use serde::{Deserialize, Serialize};

/// The CPUs of each side. They overlap only where there is a single one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuSplit {
    pub server: Vec<u32>,
    pub client: Vec<u32>,
}

/// Halves the host, the servers first. `cores` lists the hardware threads of each core: they stay on one
/// side, so that server and client share no core. A host of a single core is halved by its threads.
#[must_use]
pub fn split(cores: &[Vec<u32>]) -> CpuSplit {
    assert!(cores.iter().any(|core| !core.is_empty()), "a host has a CPU");
    let units: Vec<Vec<u32>> = match cores {
        [only] => only.iter().map(|cpu| vec![*cpu]).collect(),
        several => several.to_vec(),
    };
    if units.len() == 1 {
        return CpuSplit { server: units[0].clone(), client: units[0].clone() };
    }
    let (server, client) = units.split_at(units.len() / 2);
    CpuSplit { server: server.concat(), client: client.concat() }
}

/// The CPUs as the kernel spells a set: `0,2,4`.
impl CpuSplit {
    /// The CPUs of process `index` of `count` on one side: equal parts, or one each in turn where there are fewer
    /// CPUs than processes.
    #[must_use]
    pub fn share(cpus: &[u32], index: usize, count: usize) -> &[u32] {
        if count >= cpus.len() {
            let place = index % cpus.len();
            return &cpus[place..=place];
        }
        &cpus[index * cpus.len() / count..(index + 1) * cpus.len() / count]
    }

    #[must_use]
    pub fn spell(cpus: &[u32]) -> String {
        cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cores: &[&[u32]], server: &[u32], client: &[u32]) {
        let cores: Vec<Vec<u32>> = cores.iter().map(|core| core.to_vec()).collect();
        assert_eq!(split(&cores), CpuSplit { server: server.to_vec(), client: client.to_vec() }, "{cores:?}");
    }

    #[test]
    fn processes_of_one_side_have_their_part() {
        let cpus = [0, 1, 2, 3, 4];
        let of = |count: usize| (0..count).map(|index| CpuSplit::share(&cpus, index, count)).collect::<Vec<_>>();
        assert_eq!(of(1), [&cpus[..]]);
        assert_eq!(of(2), [&cpus[..2], &cpus[2..]]);
        assert_eq!(of(7), [&[0][..], &[1], &[2], &[3], &[4], &[0], &[1]]);
        assert_eq!(CpuSplit::share(&[7], 59, 60), [7]);
    }

    #[test]
    fn sides_share_no_core_where_there_are_two() {
        check(&[&[0]], &[0], &[0]);
        check(&[&[0, 1]], &[0], &[1]);
        check(&[&[0], &[1]], &[0], &[1]);
        check(&[&[0, 4], &[1, 5], &[2, 6], &[3, 7]], &[0, 4, 1, 5], &[2, 6, 3, 7]);
        check(&[&[0], &[1], &[2]], &[0], &[1, 2]);
    }
}
