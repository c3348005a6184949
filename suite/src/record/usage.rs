//! What processes used and held, as sampled from outside through `/proc`.

use serde::{Deserialize, Serialize};

/// Differences over a window, added over the processes of one side.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// On-CPU time from `/proc/PID/task/*/schedstat`.
    pub cpu_ns: u64,
    /// Runnable and waiting for a CPU, from the same place.
    pub run_delay_ns: u64,
    /// User and system time: clock ticks, coarse in windows below 5 s.
    pub user_ns: u64,
    pub system_ns: u64,
    pub voluntary_switches: u64,
    pub involuntary_switches: u64,
    pub threads: u32,
}

/// Memory in one state of the connections, added over the server processes.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub state: State,
    /// Connections open on the server when sampled.
    pub connections: u64,
    pub rss_bytes: u64,
    pub pss_bytes: u64,
    /// Anonymous private memory: what the server's own data costs.
    pub pss_anon_bytes: u64,
    pub page_tables_bytes: u64,
    /// Memory maps of the processes, against `vm.max_map_count`.
    pub maps: u64,
    /// What the engine's allocator has out, and the protocol buffers in it, as it reports them itself.
    pub allocated_bytes: u64,
    pub conn_buffer_bytes: u64,
    /// What the shared code keeps of each open connection, beside buffers: sizes of its types, as the engine adds
    /// them up; 0 where it does not say.
    #[serde(default)]
    pub conn_state_bytes: u64,
    /// The client processes, added up; 0 before they started, and in older records.
    #[serde(default)]
    pub client: ProcessMemory,
    pub kernel: KernelMemory,
}

/// Memory of processes, added up.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMemory {
    pub processes: u32,
    pub rss_bytes: u64,
    pub pss_bytes: u64,
    /// Anonymous private memory.
    pub pss_anon_bytes: u64,
    pub page_tables_bytes: u64,
    /// Memory maps.
    pub maps: u64,
}

/// What the connections are doing when memory is sampled.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The server listens, nobody is connected.
    Before,
    /// All are connected, none was ever used.
    Connected,
    /// Under load.
    Active,
    /// Used, and idle again.
    Used,
}

/// Kernel memory of the whole host, in bytes: slabs by `/proc/slabinfo`, socket memory by `/proc/net/sockstat`.
/// On one host both endpoints of every connection are in it.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelMemory {
    pub slab_tcp_bytes: u64,
    pub slab_unix_bytes: u64,
    pub slab_sock_inode_bytes: u64,
    pub slab_filp_bytes: u64,
    pub slab_dentry_bytes: u64,
    pub slab_eventpoll_bytes: u64,
    /// Of it: what one registration of one socket takes, which tells the client's from the server's. 0 where the
    /// kernel keeps these objects among others of their size.
    #[serde(default)]
    pub eventpoll_bytes_each: u64,
    /// Memory maps: `vm_area_struct` and what goes with it. A stackful coroutine has two, a thread more.
    #[serde(default)]
    pub slab_maps_bytes: u64,
    /// Requests of io_uring: a receive that is armed is one.
    #[serde(default)]
    pub slab_io_uring_bytes: u64,
    /// Threads: `task_struct`, and their stacks in the kernel.
    #[serde(default)]
    pub threads_bytes: u64,
    pub slab_total_bytes: u64,
    pub tcp_mem_bytes: u64,
}
