//! The whole host: idle and stolen time, and what its network dropped.

use std::time::Instant;

use anyhow::Context;

use super::Foreign;
use crate::record::{HostUsage, Usage};

/// Counters of the host since boot.
#[derive(Debug, Clone, Copy)]
pub struct HostSample {
    at: Instant,
    cpus: u32,
    idle_ticks: u64,
    steal_ticks: u64,
    listen_overflows: u64,
    listen_drops: u64,
    retransmits: u64,
}

/// Samples the host now.
///
/// # Errors
/// When `/proc/stat` cannot be read.
pub fn host() -> anyhow::Result<HostSample> {
    let stat = std::fs::read_to_string("/proc/stat").context("failed to read /proc/stat")?;
    let netstat = std::fs::read_to_string("/proc/net/netstat").unwrap_or_default();
    let snmp = std::fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let at = Instant::now();
    let all: Vec<u64> = stat.lines().next().map(numbers).unwrap_or_default();
    let cpus = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count() as u32;
    let tick = |index: usize| all.get(index).copied().unwrap_or(0);
    Ok(HostSample {
        at,
        cpus,
        // user nice system idle iowait irq softirq steal
        idle_ticks: tick(3) + tick(4),
        steal_ticks: tick(7),
        listen_overflows: counter(&netstat, "TcpExt:", "ListenOverflows"),
        listen_drops: counter(&netstat, "TcpExt:", "ListenDrops"),
        retransmits: counter(&snmp, "Tcp:", "RetransSegs"),
    })
}

impl HostSample {
    /// What happened from `before` until this sample, beside what `server` and `client` used in that time;
    /// `foreign` is what others used, and over how long.
    ///
    /// Busy time is what is not idle: the kernel keeps idle time exactly, while user and system time are drawn
    /// by the timer. Both are told in ticks of 10 ms, so short windows see `unaccounted_ns` in coarse steps.
    #[must_use]
    pub fn since(&self, before: &Self, server: &Usage, client: &Usage, foreign: Foreign) -> HostUsage {
        let tick_ns = 1_000_000_000 / procfs::ticks_per_second();
        let window_ns = self.at.duration_since(before.at).as_nanos() as u64;
        let idle_ns = self.idle_ticks.saturating_sub(before.idle_ticks) * tick_ns;
        let steal_ns = self.steal_ticks.saturating_sub(before.steal_ticks) * tick_ns;
        let share = window_ns as f64 / foreign.window_ns.max(1) as f64;
        let foreign_here_ns = (foreign.cpu_ns as f64 * share) as u64;
        let accounted_ns = idle_ns + steal_ns + server.cpu_ns + client.cpu_ns + foreign_here_ns;
        HostUsage {
            window_ns,
            cpus: self.cpus,
            steal_ns,
            foreign_ns: foreign.cpu_ns,
            foreign_window_ns: foreign.window_ns,
            unaccounted_ns: (window_ns * u64::from(self.cpus)).saturating_sub(accounted_ns),
            listen_overflows: self.listen_overflows.saturating_sub(before.listen_overflows),
            listen_drops: self.listen_drops.saturating_sub(before.listen_drops),
            tcp_retransmits: self.retransmits.saturating_sub(before.retransmits),
        }
    }
}

fn numbers(line: &str) -> Vec<u64> {
    line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect()
}

/// A counter of `/proc/net/netstat` or `snmp`: a line of names, then a line of values, with the same prefix.
fn counter(text: &str, prefix: &str, name: &str) -> u64 {
    let mut lines = text.lines().filter(|line| line.starts_with(prefix));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return 0 };
    let at = names.split_whitespace().position(|field| field == name);
    at.and_then(|at| values.split_whitespace().nth(at)?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn counters_are_found_by_name() {
        let text = "TcpExt: A ListenOverflows B\nTcpExt: 1 22 3\nIpExt: A\nIpExt: 9\n";
        assert_eq!(counter(text, "TcpExt:", "ListenOverflows"), 22);
        assert_eq!(counter(text, "TcpExt:", "Missing"), 0);
        assert_eq!(counter("", "TcpExt:", "A"), 0);
    }

    #[test]
    fn unaccounted_time_is_what_no_process_used() {
        let at = Instant::now();
        let before = HostSample {
            at,
            cpus: 2,
            idle_ticks: 0,
            steal_ticks: 0,
            listen_overflows: 5,
            listen_drops: 0,
            retransmits: 0,
        };
        let after = HostSample { at: at + Duration::from_secs(1), idle_ticks: 100, listen_overflows: 6, ..before };
        let server = Usage { cpu_ns: 600_000_000, ..Usage::default() };
        let client = Usage { cpu_ns: 300_000_000, ..Usage::default() };
        let foreign = Foreign { cpu_ns: 60_000_000, window_ns: 2_000_000_000 };
        let used = after.since(&before, &server, &client, foreign);
        assert_eq!((used.foreign_ns, used.unaccounted_ns), (60_000_000, 70_000_000));
        assert_eq!((used.listen_overflows, used.steal_ns), (1, 0));
    }
}
