//! CPU time of everybody else: all processes that are neither server nor client.

use std::time::Instant;

/// CPU time of everybody else since they started, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct ForeignSample {
    at: Instant,
    ticks: u64,
}

/// What everybody else used over some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Foreign {
    pub cpu_ns: u64,
    pub window_ns: u64,
}

/// Samples every process of the host but `own`: the trial's servers and clients.
///
/// Reading hundreds of processes takes milliseconds: sample outside the measured window.
#[must_use]
pub fn foreign(own: &[u32]) -> ForeignSample {
    let processes = std::path::Path::new("/proc").read_dir().into_iter().flatten().flatten();
    let ticks = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| !own.contains(pid))
        // A process may end before it is read.
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|stat| ticks(&stat))
        .sum();
    ForeignSample { at: Instant::now(), ticks }
}

impl ForeignSample {
    /// What was used from `before` until this sample, in steps of 10 ms for each process.
    #[must_use]
    pub fn since(&self, before: &Self) -> Foreign {
        Foreign {
            cpu_ns: self.ticks.saturating_sub(before.ticks) * (1_000_000_000 / procfs::ticks_per_second()),
            window_ns: self.at.duration_since(before.at).as_nanos() as u64,
        }
    }
}

/// User and system time of a process and of its children that ended: what a child used moves to its parent with
/// its end, so the sum over all processes loses nothing.
fn ticks(stat: &str) -> Option<u64> {
    // The name, in parentheses, may hold anything: fields are counted behind it. State is the third.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(14 - 3).take(4);
    times.map(|ticks| ticks.parse::<i64>().ok().map(|ticks| ticks.max(0).unsigned_abs())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 11 22 3 4 20 0 1 0 5";
        assert_eq!(ticks(stat), Some(11 + 22 + 3 + 4));
        assert_eq!(ticks("nonsense"), None);
    }

    #[test]
    fn the_work_of_others_is_seen_and_ones_own_is_not() {
        let own = std::process::id();
        let (mine, others) = (foreign(&[]), foreign(&[own]));
        let mut sum = 0_u64;
        while foreign(&[]).since(&mine).cpu_ns < 50_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
        // In this order the time without one's own work lies within the time with it, whatever others do.
        let without_own = foreign(&[own]).since(&others).cpu_ns;
        let with_own = foreign(&[]).since(&mine).cpu_ns;
        assert!(with_own >= 50_000_000 && without_own < with_own, "{with_own} {without_own}");
    }
}
