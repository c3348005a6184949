//! What a page shows of one load and of one sample of memory: the evidence behind a trial's numbers.

use crate::record::{KernelMemory, Load, Memory};

/// A number that is shown as it was recorded.
pub(super) struct Fact<T> {
    pub(super) name: &'static str,
    /// `ns`, `bytes` or a plain count.
    pub(super) unit: &'static str,
    pub(super) of: fn(&T) -> f64,
}

const fn fact<T>(name: &'static str, unit: &'static str, of: fn(&T) -> f64) -> Fact<T> {
    Fact { name, unit, of }
}

/// Of a load. The page finds the first six by their place.
pub(super) const LOAD: [Fact<Load>; 28] = [
    fact("frames the server counted", "count", |load| load.server_frames as f64),
    fact("server, on CPU", "ns", |load| load.server.cpu_ns as f64),
    fact("server, user time (ticks)", "ns", |load| load.server.user_ns as f64),
    fact("server, system time (ticks)", "ns", |load| load.server.system_ns as f64),
    fact("offered rate per second", "count", |load| load.client.rate_intended_per_s),
    fact("measured window", "ns", |load| load.client.duration_ns as f64),
    fact("achieved rate per second", "count", |load| load.client.rate_achieved_per_s),
    fact("replies verified", "count", |load| load.client.frames_ok as f64),
    fact("replies wrong", "count", |load| load.client.frames_wrong as f64),
    fact("requests unsent", "count", |load| load.client.frames_unsent as f64),
    fact("requests unanswered", "count", |load| load.client.frames_unanswered as f64),
    fact("connections alive", "count", |load| load.client.conns_live as f64),
    fact("server, waiting for a CPU", "ns", |load| load.server.run_delay_ns as f64),
    fact("server, voluntary switches", "count", |load| load.server.voluntary_switches as f64),
    fact("server, involuntary switches", "count", |load| load.server.involuntary_switches as f64),
    fact("server, threads", "count", |load| f64::from(load.server.threads)),
    fact("server, allocations", "count", |load| load.server_allocs as f64),
    fact("client, on CPU", "ns", |load| load.client.cpu_ns as f64),
    fact("client, of it waiting actively", "ns", |load| load.client.spin_ns as f64),
    fact("client, waiting for a CPU", "ns", |load| load.client.run_delay_ns as f64),
    fact("client, busiest thread in per cent", "count", |load| load.client.thread_busy_max * 100.0),
    fact("client, frames per write", "count", |load| load.client.frames_per_write),
    fact("host, stolen", "ns", |load| load.host.steal_ns as f64),
    fact("host, other processes", "ns", |load| load.host.foreign_ns as f64),
    fact("host, interrupts and idle wake-ups", "ns", |load| load.host.unaccounted_ns as f64),
    fact("host, listen overflows", "count", |load| load.host.listen_overflows as f64),
    fact("host, listen drops", "count", |load| load.host.listen_drops as f64),
    fact("host, TCP retransmits", "count", |load| load.host.tcp_retransmits as f64),
];

/// Of a sample of memory. The page finds the first by its place.
pub(super) const MEMORY: [Fact<Memory>; 10] = [
    fact("connections", "count", |memory| memory.connections as f64),
    fact("Pss_Anon", "bytes", |memory| memory.pss_anon_bytes as f64),
    fact("Pss", "bytes", |memory| memory.pss_bytes as f64),
    fact("Rss", "bytes", |memory| memory.rss_bytes as f64),
    fact("allocated", "bytes", |memory| memory.allocated_bytes as f64),
    fact("protocol buffers", "bytes", |memory| memory.conn_buffer_bytes as f64),
    fact("page tables", "bytes", |memory| memory.page_tables_bytes as f64),
    fact("maps", "count", |memory| memory.maps as f64),
    fact("slabs of sockets, host", "bytes", |memory| sockets(&memory.kernel) as f64),
    fact("TCP buffers, host", "bytes", |memory| memory.kernel.tcp_mem_bytes as f64),
];

const fn sockets(kernel: &KernelMemory) -> u64 {
    kernel.slab_tcp_bytes
        + kernel.slab_unix_bytes
        + kernel.slab_sock_inode_bytes
        + kernel.slab_filp_bytes
        + kernel.slab_dentry_bytes
}
