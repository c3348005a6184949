//! What an engine says on stdout and hears on stdin, one line each. The suite reads these types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A line on an engine's stdout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Ready(Ready),
    Snapshot(Snapshot),
    Drained(Drained),
}

/// The first line: the engine listens.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    pub engine: String,
    pub variant: String,
    /// Version of the framework, as pinned.
    pub version: String,
    /// What was bound, ports resolved: `tcp://127.0.0.1:40211`, `unix:///path`, `udp://…`.
    pub addrs: Vec<String>,
    pub pid: u32,
    pub workers: u32,
    /// The options in effect, defaults included, as their flags spell them.
    pub options: BTreeMap<String, String>,
    /// Socket options as the kernel reports them back, by `<addr> <option>`.
    pub sockets: BTreeMap<String, String>,
}

/// The answer to `snapshot`: counters since the start, and gauges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub conns_open: u64,
    pub accept_total: u64,
    pub frames_total: u64,
    pub bytes_in_total: u64,
    pub bytes_out_total: u64,
    pub protocol_errors_total: u64,
    pub rejected_total: u64,
    pub timeouts_total: u64,
    pub write_queue_drops_total: u64,
    pub accept_errors_total: u64,
    /// Calls to the allocator (alloc, realloc) of the whole process.
    pub allocs_total: u64,
    /// Bytes that the allocator has out now.
    pub allocated_bytes: u64,
    /// Bytes of protocol buffers that connections hold now: our cost, not the framework's.
    pub conn_buffer_bytes: u64,
    /// Bytes of the shared code's own types for the open connections, buffers not included: what of the heap is
    /// neither a buffer nor the framework's. 0 where the engine does without these types.
    #[serde(default)]
    pub conn_state_bytes: u64,
    pub conns_per_worker: Vec<u64>,
}

/// The last line: everything is closed.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Connections that closed in order.
    pub closed: u64,
    /// Connections that `--drain-timeout` cut off.
    pub forced: u64,
    pub elapsed_ms: u64,
}

/// A line on an engine's stdin. End of input is [`Command::Drain`] too: the parent is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Snapshot,
    Drain,
}

impl Command {
    /// The command that this line spells, if any.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        match line.trim() {
            "snapshot" => Some(Self::Snapshot),
            "drain" => Some(Self::Drain),
            _ => None,
        }
    }
}
