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
    fn sides_share_no_core_where_there_are_two() {
        check(&[&[0]], &[0], &[0]);
        check(&[&[0, 1]], &[0], &[1]);
        check(&[&[0], &[1]], &[0], &[1]);
        check(&[&[0, 4], &[1, 5], &[2, 6], &[3, 7]], &[0, 4, 1, 5], &[2, 6, 3, 7]);
        check(&[&[0], &[1], &[2]], &[0], &[1, 2]);
    }
}
