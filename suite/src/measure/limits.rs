//! What the host has of the things that connections use up.

use crate::plan::HostLimits;
use crate::run::ephemeral_ports;

/// Reads the host's limits; what cannot be read is 0.
#[must_use]
pub fn host_limits() -> HostLimits {
    let threads = [number("kernel/pid_max"), number("kernel/threads-max")];
    HostLimits {
        files_max: number("fs/file-max"),
        memory_available_bytes: available_kib(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default()) * 1024,
        threads_max: threads.into_iter().filter(|max| *max > 0).min().unwrap_or(0),
        maps_max: number("vm/max_map_count"),
        tcp_buffers_max_bytes: words("net/ipv4/tcp_mem").get(2).copied().unwrap_or(0) * procfs::page_size(),
        client_ports: ephemeral_ports().len() as u64,
    }
}

fn number(path: &str) -> u64 {
    words(path).first().copied().unwrap_or(0)
}

fn words(path: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(format!("/proc/sys/{path}")).unwrap_or_default();
    // A limit beyond 2⁶³ means that there is none.
    text.split_whitespace().map(|word| word.parse::<u64>().map_or(0, |n| n.min(i64::MAX as u64))).collect()
}

fn available_kib(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_this_host_is_found() {
        let HostLimits {
            files_max,
            memory_available_bytes,
            threads_max,
            maps_max,
            tcp_buffers_max_bytes,
            client_ports,
        } = host_limits();
        assert!(files_max > 0 && memory_available_bytes > 0 && threads_max > 0);
        assert!(maps_max > 0 && tcp_buffers_max_bytes > 0 && client_ports > 0);
    }

    #[test]
    fn available_memory_is_found() {
        assert_eq!(available_kib("MemFree: 5 kB\nMemAvailable:   22 kB\n"), 22);
        assert_eq!(available_kib(""), 0);
    }
}
