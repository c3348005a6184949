//! The metrics of one trial: what each is, in which unit, which direction is better, and where it comes from.

use serde::{Deserialize, Serialize};

use crate::record::{KernelMemory, Load, Memory, Mode, State, Trial};
use loadclient::report::Quantiles;

/// A number that one trial yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    ServerCpuOpen,
    ResponseP50,
    ResponseP99,
    ResponseP999,
    ServiceP99,
    Throughput,
    ServerCpuSaturated,
    SwitchesPerFrame,
    AllocsPerFrame,
    ClientCpuOpen,
    ConnectElapsed,
    MemoryUser,
    MemoryKernel,
}

/// What a number counts. Values are always in this base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Nanoseconds,
    FramesPerSecond,
    Bytes,
    Count,
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Lower,
    Higher,
}

impl Metric {
    /// All of them, in the order in which reports show them: the steadiest first.
    pub const ALL: [Self; 13] = [
        Self::ServerCpuOpen,
        Self::ResponseP50,
        Self::ResponseP99,
        Self::ResponseP999,
        Self::ServiceP99,
        Self::Throughput,
        Self::ServerCpuSaturated,
        Self::SwitchesPerFrame,
        Self::AllocsPerFrame,
        Self::ClientCpuOpen,
        Self::ConnectElapsed,
        Self::MemoryUser,
        Self::MemoryKernel,
    ];

    /// Its name in files and URLs, unit last.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ServerCpuOpen => "server_cpu_per_frame_ns",
            Self::ResponseP50 => "response_p50_ns",
            Self::ResponseP99 => "response_p99_ns",
            Self::ResponseP999 => "response_p999_ns",
            Self::ServiceP99 => "service_p99_ns",
            Self::Throughput => "throughput_per_s",
            Self::ServerCpuSaturated => "server_cpu_per_frame_saturated_ns",
            Self::SwitchesPerFrame => "switches_per_frame_count",
            Self::AllocsPerFrame => "allocs_per_frame_count",
            Self::ClientCpuOpen => "client_cpu_per_frame_ns",
            Self::ConnectElapsed => "connect_elapsed_ns",
            Self::MemoryUser => "memory_user_bytes",
            Self::MemoryKernel => "memory_kernel_bytes",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ServerCpuOpen => "Server CPU per frame at the fixed rate",
            Self::ResponseP50 => "Response time p50 at the fixed rate",
            Self::ResponseP99 => "Response time p99 at the fixed rate",
            Self::ResponseP999 => "Response time p99.9 at the fixed rate",
            Self::ServiceP99 => "Service time p99 at the fixed rate",
            Self::Throughput => "Throughput at saturation",
            Self::ServerCpuSaturated => "Server CPU per frame at saturation",
            Self::SwitchesPerFrame => "Server context switches per frame at the fixed rate",
            Self::AllocsPerFrame => "Server allocations per frame at the fixed rate",
            Self::ClientCpuOpen => "Client CPU per frame at the fixed rate",
            Self::ConnectElapsed => "Time until all connections were up",
            Self::MemoryUser => "Server memory with all connections open",
            Self::MemoryKernel => "Kernel socket memory with all connections open, both sides",
        }
    }

    /// How it is computed from a trial, and from which source.
    #[must_use]
    pub const fn formula(self) -> &'static str {
        match self {
            Self::ServerCpuOpen => {
                "server on-CPU time (/proc/PID/task/*/schedstat) ÷ frames the server counted, open loop"
            }
            Self::ResponseP50 | Self::ResponseP99 | Self::ResponseP999 => {
                "reply − intended send time, HdrHistogram, unanswered and unsent count as infinite, open loop"
            }
            Self::ServiceP99 => "reply − actual send time, HdrHistogram, open loop",
            Self::Throughput => "verified replies ÷ measured window, closed loop",
            Self::ServerCpuSaturated => {
                "server on-CPU time (/proc/PID/task/*/schedstat) ÷ frames the server counted, closed loop"
            }
            Self::SwitchesPerFrame => "voluntary + involuntary switches (/proc/PID/task/*/status) ÷ frames, open loop",
            Self::AllocsPerFrame => "calls to the server's allocator ÷ frames, open loop",
            Self::ClientCpuOpen => {
                "client load threads' on-CPU time without active waiting ÷ verified replies, open loop"
            }
            Self::ConnectElapsed => {
                "from the start of the first client until the servers had accepted every connection, at the profile's \
                 connect rate at most, first load"
            }
            Self::MemoryUser => "Pss_Anon of the server (smaps_rollup), connections used and idle again",
            Self::MemoryKernel => {
                "growth since before the first connection of the slabs TCP or UNIX, sock_inode_cache, filp, dentry, \
                 and of TCP buffer memory; connections used and idle again"
            }
        }
    }

    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Throughput => Unit::FramesPerSecond,
            Self::SwitchesPerFrame | Self::AllocsPerFrame => Unit::Count,
            Self::MemoryUser | Self::MemoryKernel => Unit::Bytes,
            _ => Unit::Nanoseconds,
        }
    }

    #[must_use]
    pub const fn better(self) -> Better {
        match self {
            Self::Throughput => Better::Higher,
            _ => Better::Lower,
        }
    }

    /// The load that it is measured under; `None` for memory, which is sampled between loads.
    #[must_use]
    pub const fn mode(self) -> Option<Mode> {
        match self {
            Self::Throughput | Self::ServerCpuSaturated => Some(Mode::Saturate),
            Self::ConnectElapsed | Self::MemoryUser | Self::MemoryKernel => None,
            _ => Some(Mode::Open),
        }
    }

    /// The number itself, gates not yet considered.
    ///
    /// # Errors
    /// Why the trial does not yield it.
    pub fn extract(self, trial: &Trial) -> Result<f64, String> {
        match self {
            Self::MemoryUser => memory(trial, State::Used).map(|memory| memory.pss_anon_bytes as f64),
            Self::MemoryKernel => kernel_growth(trial, State::Used),
            Self::ConnectElapsed => match trial.loads.first().map_or(0, |load| load.connect_elapsed_ns) {
                0 => Err("the time to connect was not taken".into()),
                ns => Ok(ns as f64),
            },
            _ => {
                let load = load(trial, self.mode().expect("every other metric has a load"))?;
                self.of_load(load)
            }
        }
    }

    fn of_load(self, load: &Load) -> Result<f64, String> {
        let client = &load.client;
        match self {
            Self::ServerCpuOpen | Self::ServerCpuSaturated => per_frame(load.server.cpu_ns, load.server_frames),
            Self::SwitchesPerFrame => {
                per_frame(load.server.voluntary_switches + load.server.involuntary_switches, load.server_frames)
            }
            Self::AllocsPerFrame => per_frame(load.server_allocs, load.server_frames),
            Self::ClientCpuOpen => per_frame(client.cpu_ns.saturating_sub(client.spin_ns), client.frames_ok),
            Self::Throughput if client.duration_ns == 0 => Err("the measured window is empty".into()),
            Self::Throughput => Ok(client.frames_ok as f64 / (client.duration_ns as f64 / 1e9)),
            Self::ResponseP50 => quantile(&client.response_ns, client.response_ns.p50, 0.5),
            Self::ResponseP99 => quantile(&client.response_ns, client.response_ns.p99, 0.99),
            Self::ResponseP999 => quantile(&client.response_ns, client.response_ns.p999, 0.999),
            Self::ServiceP99 => quantile(&client.service_ns, client.service_ns.p99, 0.99),
            Self::ConnectElapsed | Self::MemoryUser | Self::MemoryKernel => {
                unreachable!("not measured under a load")
            }
        }
    }
}

/// Samples that a quantile needs: 100 ÷ (1 − q), so that about a hundred lie beyond it.
#[must_use]
pub(super) fn samples_needed(q: f64) -> u64 {
    // Rounded: 1 − 0.999 is not exact in binary, and the rule means 100 000.
    (100.0 / (1.0 - q)).round() as u64
}

fn quantile(quantiles: &Quantiles, value: Option<u64>, q: f64) -> Result<f64, String> {
    let samples = quantiles.count + quantiles.infinite;
    let needed = samples_needed(q);
    if samples < needed {
        return Err(format!("{samples} samples of the {needed} that this quantile needs"));
    }
    value.map(|ns| ns as f64).ok_or_else(|| format!("infinite: {} of {samples} unanswered", quantiles.infinite))
}

fn per_frame(amount: u64, frames: u64) -> Result<f64, String> {
    if frames == 0 { Err("no frame was served".into()) } else { Ok(amount as f64 / frames as f64) }
}

fn load(trial: &Trial, mode: Mode) -> Result<&Load, String> {
    trial.loads.iter().find(|load| load.mode == mode).ok_or_else(|| match mode {
        Mode::Open => "no load at a fixed rate".into(),
        Mode::Saturate => "no load at saturation".into(),
        Mode::Search => "no load of its own: a search has steps".into(),
        Mode::Hold => "no fleet was held".into(),
        Mode::SlowReader => "no slow readers".into(),
    })
}

pub(super) fn memory(trial: &Trial, state: State) -> Result<&Memory, String> {
    trial.memory.iter().find(|memory| memory.state == state).ok_or_else(|| "memory was not sampled".into())
}

/// Kernel socket memory of both endpoints that came since nobody was connected.
fn kernel_growth(trial: &Trial, state: State) -> Result<f64, String> {
    let before = memory(trial, State::Before)?.kernel;
    let after = memory(trial, state)?.kernel;
    Ok(sockets_bytes(&after) as f64 - sockets_bytes(&before) as f64)
}

/// What sockets occupy in the kernel, both endpoints. The epoll objects are not in it: they belong to the
/// process that made them, and on one host the client's cannot be told from the server's.
pub(super) fn sockets_bytes(kernel: &KernelMemory) -> u64 {
    kernel.slab_tcp_bytes
        + kernel.slab_unix_bytes
        + kernel.slab_sock_inode_bytes
        + kernel.slab_filp_bytes
        + kernel.slab_dentry_bytes
        + kernel.tcp_mem_bytes
}
