//! What a host allows, read from `/proc` and the process's own limits. What cannot be read bounds nothing.

use std::fs;

use rustix::process::{Resource, getrlimit};

/// The limits that a load can break. `None` is unknown or unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Host {
    /// Hard limit of descriptors of this process.
    pub(super) descriptors_max: Option<u64>,
    /// fs.nr_open: what that limit can be raised to.
    pub(super) nr_open: Option<u64>,
    /// fs.file-max less what is open: of all processes.
    pub(super) files_free: Option<u64>,
    /// net.ipv4.ip_local_port_range.
    pub(super) ports: Option<(u16, u16)>,
    /// net.ipv4.tcp_tw_reuse: 0 never, 1 always, 2 on loopback.
    pub(super) tw_reuse: u8,
    /// MemAvailable.
    pub(super) memory_bytes: Option<u64>,
    pub(super) page_bytes: u64,
    /// The last of net.ipv4.tcp_mem: pages that all TCP buffers may take.
    pub(super) tcp_pages_max: Option<u64>,
    /// What they take now.
    pub(super) tcp_pages_used: u64,
    /// vm.max_map_count: memory mappings of one process.
    pub(super) maps_max: Option<u64>,
    /// This process's now.
    pub(super) maps_used: u64,
}

impl Host {
    /// The host and process this runs in.
    pub(super) fn read() -> Self {
        let file_nr = numbers("/proc/sys/fs/file-nr");
        let ports = numbers("/proc/sys/net/ipv4/ip_local_port_range");
        let port = |at: usize| ports.get(at).and_then(|&port| u16::try_from(port).ok());
        Self {
            descriptors_max: getrlimit(Resource::Nofile).maximum,
            nr_open: number("/proc/sys/fs/nr_open"),
            files_free: file_nr.get(2).zip(file_nr.first()).map(|(max, open)| max.saturating_sub(*open)),
            ports: port(0).zip(port(1)),
            tw_reuse: number("/proc/sys/net/ipv4/tcp_tw_reuse").map_or(0, |value| value as u8),
            memory_bytes: after("/proc/meminfo", "MemAvailable:").map(|kib| kib * 1024),
            page_bytes: rustix::param::page_size() as u64,
            tcp_pages_max: numbers("/proc/sys/net/ipv4/tcp_mem").get(2).copied(),
            tcp_pages_used: after("/proc/net/sockstat", "mem").unwrap_or(0),
            maps_max: number("/proc/sys/vm/max_map_count"),
            maps_used: fs::read_to_string("/proc/self/maps").map_or(0, |text| text.lines().count() as u64),
        }
    }
}

fn numbers(path: &str) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map_while(|field| field.parse().ok()).collect()
}

fn number(path: &str) -> Option<u64> {
    numbers(path).first().copied()
}

/// The number after the first `word` of a file: of `TCP: inuse 9 … mem 3`, it is 3 after `mem`.
fn after(path: &str, word: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let mut fields = text.split_whitespace();
    fields.find(|field| *field == word)?;
    fields.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_is_read() {
        let host = Host::read();
        assert!(host.ports.is_some_and(|(first, last)| first < last), "{host:?}");
        assert!(host.memory_bytes.is_some_and(|bytes| bytes > 1 << 20), "{host:?}");
        assert!(host.tcp_pages_max.is_some_and(|pages| pages > 0), "{host:?}");
        assert!(host.maps_max > Some(host.maps_used) && host.maps_used > 0, "{host:?}");
        assert!(host.nr_open.is_some() && host.files_free.is_some() && host.tw_reuse <= 2, "{host:?}");
    }
}
