//! The options of every engine, in one place: their names, defaults and bounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgAction, Args};
use protocol::Limits;

use crate::address::Address;
use crate::affinity::CpuList;

/// What can be asked of any engine. `0` switches a limit off where it says so.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Where to serve: tcp://HOST:PORT (port 0 = any), unix:///PATH, udp://HOST:PORT. Repeatable
    #[arg(long, required = true, value_name = "URL", action = ArgAction::Append)]
    pub(crate) addr: Vec<Address>,

    /// Worker threads [default: one per CPU of --cpus, or of the machine]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,

    /// Listening sockets an address, sharded by SO_REUSEPORT [default: one a worker]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) acceptors: Option<u16>,

    /// Length of the accept queue; the kernel caps it at net.core.somaxconn
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) backlog: i32,

    /// TCP_NODELAY
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    pub(crate) nodelay: bool,

    /// SO_RCVBUF in bytes; 0 = the system's
    #[arg(long, default_value_t = 0, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=1 << 30))]
    pub(crate) rcvbuf: u32,

    /// SO_SNDBUF in bytes; 0 = the system's
    #[arg(long, default_value_t = 0, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=1 << 30))]
    pub(crate) sndbuf: u32,

    /// Receive buffer in bytes: what one read can bring
    #[arg(long, default_value_t = 16_384, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(64..=1 << 24))]
    pub(crate) readbuf: u32,

    /// Reply bytes a connection may have waiting before its requests are held back; 0 = unbounded
    #[arg(long, default_value_t = 262_144, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=1 << 30))]
    pub(crate) write_queue: u32,

    /// Close a connection without a complete frame for this long; 0s = never
    #[arg(long, default_value = "0s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) idle_timeout: Duration,

    /// Close a connection that takes none of its waiting replies for this long; 0s = never
    #[arg(long, default_value = "0s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) write_timeout: Duration,

    /// Longest payload accepted, in bytes
    #[arg(long, default_value_t = u16::MAX, value_name = "BYTES")]
    pub(crate) max_frame: u16,

    /// Connections served at a time; the next gets ERROR 5 and is closed; 0 = unlimited
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub(crate) max_conns: u64,

    /// How long a drain waits before it cuts connections off
    #[arg(long, default_value = "5s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) drain_timeout: Duration,

    /// true: an idle connection holds no buffer where the framework allows it; false: each keeps its own
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    pub(crate) pool: bool,

    /// TCP congestion control, such as reno or cubic [default: the system's]
    #[arg(long, value_name = "NAME")]
    pub(crate) congestion: Option<String>,

    /// CPUs to run on, such as 0,2-3: worker i is pinned to the i-th, round and round
    #[arg(long, value_name = "LIST")]
    pub(crate) cpus: Option<CpuList>,

    /// Serve /metrics, /healthz and /debug/pprof over HTTP here, on threads of its own [default: off]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) metrics_addr: Option<SocketAddr>,
}

impl Options {
    pub(crate) fn workers(&self) -> usize {
        let one_per_cpu = || match &self.cpus {
            Some(cpus) => cpus.len(),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        self.workers.map_or_else(one_per_cpu, usize::from)
    }

    pub(crate) fn acceptors(&self) -> usize {
        self.acceptors.map_or_else(|| self.workers(), usize::from)
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            max_frame_bytes: self.max_frame,
            write_queue_bytes: self.write_queue as usize,
            readbuf_bytes: self.readbuf as usize,
            pool: self.pool,
        }
    }

    /// The options in effect, by flag name, as they would be written.
    pub(crate) fn effective(&self) -> BTreeMap<String, String> {
        let addrs: Vec<String> = self.addr.iter().map(ToString::to_string).collect();
        let system = || "system".to_owned();
        [
            ("addr", addrs.join(" ")),
            ("workers", self.workers().to_string()),
            ("acceptors", self.acceptors().to_string()),
            ("backlog", self.backlog.to_string()),
            ("nodelay", self.nodelay.to_string()),
            ("rcvbuf", self.rcvbuf.to_string()),
            ("sndbuf", self.sndbuf.to_string()),
            ("readbuf", self.readbuf.to_string()),
            ("write-queue", self.write_queue.to_string()),
            ("idle-timeout", humantime::format_duration(self.idle_timeout).to_string()),
            ("write-timeout", humantime::format_duration(self.write_timeout).to_string()),
            ("max-frame", self.max_frame.to_string()),
            ("max-conns", self.max_conns.to_string()),
            ("drain-timeout", humantime::format_duration(self.drain_timeout).to_string()),
            ("pool", self.pool.to_string()),
            ("congestion", self.congestion.clone().unwrap_or_else(system)),
            ("cpus", self.cpus.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string)),
            ("metrics-addr", self.metrics_addr.map_or_else(|| "off".to_owned(), |addr| addr.to_string())),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}
