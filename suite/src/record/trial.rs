//! One line of `records.jsonl`: what one trial was asked, and what it left.

use serde::{Deserialize, Serialize};

use super::{CommandLine, Memory, Rung, Usage};
use crate::search::Search;

/// Version of [`Trial`]. Fields are only ever added; a reader refuses a newer number.
pub const SCHEMA: u32 = 1;

/// One execution of one cell by one engine variant, on a fresh server process.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub schema: u32,
    /// Its number in the plan, from 0; unique in a run, and what `suite show RUN TRIAL` takes.
    pub trial: u32,
    /// The block it belongs to, from 0.
    pub block: u32,
    pub experiment: String,
    pub engine: String,
    pub variant: String,
    /// `true` for the second of two identical trials in a block: the A/A pair that shows the noise floor.
    pub twin: bool,
    pub cell: Cell,
    /// The client's seed: the same for every engine of a cell in a block.
    pub seed: u64,
    pub started_unix_ms: u64,
    pub elapsed_ms: u64,
    /// The exact command lines, servers first, that repeat the trial by hand.
    pub commands: Vec<CommandLine>,
    /// What the engine said when it was ready; `None` if it never was.
    pub ready: Option<harness::control::Ready>,
    /// Memory of server and kernel, in the states that were reached.
    pub memory: Vec<Memory>,
    /// The loads that were applied, in order.
    pub loads: Vec<Load>,
    /// The peak search, where that was the load: its steps are no elements of `loads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// Open loads at rates that follow from the searches of the same run, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<Rung>,
    pub drained: Option<harness::control::Drained>,
    /// Why the trial failed; `None` when all of it ran. A failed trial keeps what it measured until then.
    pub failure: Option<Failure>,
}

/// One point of an experiment's axes.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    pub transport: Transport,
    pub connections: u32,
    pub payload_bytes: u32,
}

/// How the bytes travel. Their meaning is the same.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Tcp,
    Unix,
    Udp,
}

impl Transport {
    /// Its name in files, and the scheme of its addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Unix => "unix",
            Self::Udp => "udp",
        }
    }
}

impl std::str::FromStr for Transport {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Tcp, Self::Unix, Self::Udp]
            .into_iter()
            .find(|transport| transport.name() == name)
            .ok_or_else(|| format!("unknown transport {name:?}: use tcp, unix, udp"))
    }
}

/// One load on the running server.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub mode: Mode,
    /// The merged report of all client processes, histograms included.
    pub client: loadclient::report::Report,
    /// What the server processes used between the window's begin and end.
    pub server: Usage,
    /// What the client processes used in the same window.
    pub client_usage: Usage,
    /// What the whole host did in the window.
    pub host: HostUsage,
    /// Frames that the server counted in the window.
    pub server_frames: u64,
    /// Allocations of the server in the window.
    pub server_allocs: u64,
    /// From the start of the first client until the servers had accepted every connection; 0 in older records.
    #[serde(default)]
    pub connect_elapsed_ns: u64,
    /// Gates that tripped, the client's own included; empty means valid.
    pub gates: Vec<loadclient::report::Gate>,
}

/// How a load is applied.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// On a schedule at a fixed rate: the source of latency and of CPU per frame.
    Open,
    /// Closed loop at full speed: the source of throughput, and of nothing else.
    Saturate,
    /// Connections stay open, and at most send a heartbeat each: the source of memory, and of what idleness costs.
    Hold,
    /// A peak search: open loads at one rate after the other. Its steps are recorded in [`Trial::search`].
    Search,
    /// On a schedule, by clients that read their replies at a fixed rate: the source of memory that replies wait in.
    #[serde(rename = "slow-reader")]
    SlowReader,
}

/// The host in a window: who else used it, and what the kernel dropped.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostUsage {
    pub window_ns: u64,
    pub cpus: u32,
    /// Stolen by the hypervisor, all CPUs.
    pub steal_ns: u64,
    /// CPU time of all other processes, the kernel's threads and the suite included, over `foreign_window_ns`.
    pub foreign_ns: u64,
    /// From just before the load began until the end of the window: so that reading every process disturbs neither.
    #[serde(default)]
    pub foreign_window_ns: u64,
    /// Busy time in `window_ns` that no process accounts for: interrupts, and waking CPUs from idle.
    #[serde(default)]
    pub unaccounted_ns: u64,
    pub listen_overflows: u64,
    pub listen_drops: u64,
    pub tcp_retransmits: u64,
}

/// A trial that did not get to its end.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `build`, `fit`, `start`, `connect`, `load`, `drain`.
    pub stage: String,
    pub error: String,
    /// The last lines of the stderr of the process that failed.
    pub stderr_tail: Vec<String>,
}
