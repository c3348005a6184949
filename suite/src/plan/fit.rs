//! Does a count of connections fit this host? Arithmetic, before anything is started.

use harness::manifest::PerConnection;
use serde::{Deserialize, Serialize};

use crate::record::Transport;

/// What the host has of the things that connections use up. 0 means: not known here, so not checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostLimits {
    /// Open files of the whole host (`fs.file-max`).
    pub files_max: u64,
    pub memory_available_bytes: u64,
    /// Processes and threads (`kernel.pid_max`, `kernel.threads-max`, the smaller).
    pub threads_max: u64,
    /// Of one process (`vm.max_map_count`).
    pub maps_max: u64,
    /// Socket buffers of the whole host (the third of `net.ipv4.tcp_mem`).
    pub tcp_buffers_max_bytes: u64,
    /// Ports that clients may use (`net.ipv4.ip_local_port_range`).
    pub client_ports: u64,
}

/// What both sides of one connection take, server and client on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub server: PerConnection,
    pub transport: Transport,
    pub connections: u32,
    /// Processes on each side.
    pub processes: u32,
}

/// Kernel memory of one endpoint: socket, inode, file, directory entry, poll registration. 3.8 KB were measured on
/// Linux 6.18, x86-64.
const ENDPOINT_BYTES: u64 = 4096;
/// Memory of the load client for one connection.
const CLIENT_BYTES: u64 = 256;
/// Memory of one process of either side before its first connection.
const PROCESS_BYTES: u64 = 4 << 20;
/// A thread's stack in the kernel, and what else the kernel keeps of it.
const THREAD_KERNEL_BYTES: u64 = 24 << 10;
/// Share of the available memory that a trial may take: the rest is for those who were there before.
const MEMORY_SHARE: f64 = 0.9;
/// Descriptors of a process that are no connections: standard streams, listeners, pollers, the framework's own.
const FILES_RESERVED: u64 = 256;
/// Maps of a process that are no connection's: its program, libraries, arenas.
const MAPS_RESERVED: u64 = 2048;
/// Threads on the host that are no connection's.
const THREADS_RESERVED: u64 = 1024;
/// Source addresses of the clients of one load.
const SOURCES: u64 = 2;

/// Connections that one process of either side may have under the limit on open files, and the server's under that on
/// memory maps.
pub(super) fn connections_each(open_files_max: u64, limits: &HostLimits, server: PerConnection) -> u64 {
    let by_files = open_files_max.saturating_sub(FILES_RESERVED).max(1);
    match (limits.maps_max, server.maps) {
        (0, _) | (_, 0) => by_files,
        (max, each) => by_files.min((max.saturating_sub(MAPS_RESERVED) / each).max(1)),
    }
}

impl Need {
    /// Memory of both sides, user and kernel, at most.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let thread_bytes = self.server.threads * THREAD_KERNEL_BYTES;
        let each = self.server.user_bytes + thread_bytes + CLIENT_BYTES + 2 * ENDPOINT_BYTES;
        u64::from(self.connections) * each + u64::from(2 * self.processes) * PROCESS_BYTES
    }

    /// Why it does not fit, and what would have to change; `None` when it does.
    #[must_use]
    pub fn obstacle(&self, limits: &HostLimits) -> Option<String> {
        let connections = u64::from(self.connections);
        let exceeds = |need: u64, max: u64| max > 0 && need > max;
        let threads = connections * self.server.threads + THREADS_RESERVED;
        if self.server.threads > 0 && exceeds(threads, limits.threads_max) {
            return Some(format!(
                "{connections} connections with a thread each take {threads} threads, the host has {}: \
                 raise kernel.pid_max and kernel.threads-max",
                limits.threads_max
            ));
        }
        let files = 2 * connections + u64::from(2 * self.processes) * FILES_RESERVED;
        if exceeds(files, limits.files_max) {
            return Some(format!("it takes {files} open files, the host has {}: raise fs.file-max", limits.files_max));
        }
        if self.transport == Transport::Tcp {
            let each = connections.div_ceil(u64::from(self.processes.max(1)));
            let ports = limits.client_ports * if self.processes > 1 { SOURCES } else { 1 };
            if exceeds(each, ports) {
                return Some(format!(
                    "{each} connections to one server process take as many client ports, there are {ports}: \
                     widen net.ipv4.ip_local_port_range"
                ));
            }
            // A page on its way at either end is the least that a burst takes; idle sockets take none.
            let buffers = connections / 100 * 2 * 4096;
            if exceeds(buffers, limits.tcp_buffers_max_bytes) {
                return Some(format!(
                    "{} MB of socket buffers with one connection in a hundred active, the host allows {} MB: \
                     raise net.ipv4.tcp_mem",
                    buffers / 1_000_000,
                    limits.tcp_buffers_max_bytes / 1_000_000
                ));
            }
        }
        let available = (limits.memory_available_bytes as f64 * MEMORY_SHARE) as u64;
        if exceeds(self.memory_bytes(), available) {
            let mb = |bytes: u64| bytes / 1_000_000;
            return Some(format!(
                "it takes up to {} MB of memory ({} B of user memory a connection on the server, {} B on the client, \
                 {} B in the kernel on each side), {} MB of the available {} MB may be used",
                mb(self.memory_bytes()),
                self.server.user_bytes,
                CLIENT_BYTES,
                ENDPOINT_BYTES,
                mb(available),
                mb(limits.memory_available_bytes)
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: HostLimits = HostLimits {
        files_max: 2_466_165,
        memory_available_bytes: 22_000_000_000,
        threads_max: 32_768,
        maps_max: 65_530,
        tcp_buffers_max_bytes: 2_358_000_000,
        client_ports: 28_232,
    };
    const TASK: PerConnection = PerConnection { user_bytes: 4096, maps: 0, threads: 0 };
    const COROUTINE: PerConnection = PerConnection { user_bytes: 10_240, maps: 2, threads: 0 };
    const THREAD: PerConnection = PerConnection { user_bytes: 12_288, maps: 4, threads: 1 };

    fn check(server: PerConnection, connections: u32, limits: HostLimits, expected: Option<&str>) {
        let processes = u64::from(connections).div_ceil(connections_each(20_000, &limits, server)) as u32;
        let need = Need { server, transport: Transport::Tcp, connections, processes };
        match (need.obstacle(&limits), expected) {
            (None, None) => {}
            (Some(obstacle), Some(words)) => assert!(obstacle.contains(words), "{obstacle}"),
            (obstacle, _) => panic!("{connections}: {obstacle:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn what_does_not_fit_says_why() {
        check(TASK, 1_000_000, HOST, None);
        check(COROUTINE, 300_000, HOST, None);
        check(COROUTINE, 1_000_000, HostLimits { memory_available_bytes: 20_000_000_000, ..HOST }, Some("of memory"));
        check(TASK, 1_000_000, HostLimits { memory_available_bytes: 10_000_000_000, ..HOST }, Some("of memory"));
        check(THREAD, 10_000, HOST, None);
        check(THREAD, 100_000, HOST, Some("kernel.pid_max"));
        check(TASK, 1_300_000, HOST, Some("fs.file-max"));
        check(TASK, 100_000, HostLimits { client_ports: 5_000, ..HOST }, Some("ip_local_port_range"));
        check(TASK, 1_000_000, HostLimits { tcp_buffers_max_bytes: 1_000_000, ..HOST }, Some("net.ipv4.tcp_mem"));
    }

    #[test]
    fn what_is_not_known_is_not_checked() {
        check(THREAD, 2_000_000, HostLimits::default(), None);
    }

    #[test]
    fn a_process_has_as_many_as_files_and_maps_allow() {
        assert_eq!(connections_each(20_000, &HOST, TASK), 19_744);
        assert_eq!(connections_each(20_000, &HOST, COROUTINE), 19_744);
        assert_eq!(connections_each(20_000, &HOST, THREAD), (65_530 - 2048) / 4);
        assert_eq!(connections_each(260, &HostLimits::default(), THREAD), 4);
        assert_eq!(connections_each(10, &HOST, TASK), 1);
    }
}
