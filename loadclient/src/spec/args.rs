//! The command line as clap reads it; [`Spec`](super::Spec) is what it means.

use clap::{Parser, ValueEnum};

use super::mode::{BulkFrame, BulkSource, Close};
use super::parse::{self, Cpus, SourceAddresses};
use super::phases::Phases;
use super::target::Target;
use crate::payload::Payload;

const EXAMPLES: &str = "Examples:
  loadclient --target tcp://127.0.0.1:7000 --conns 50 --total-rate 10000 --payload 64 --duration 10s
  loadclient --target tcp://127.0.0.1:7000 --conns 50 --phases 10s@1000,20s@1000..5000,1s@20000
  loadclient --target tcp://127.0.0.1:7000 --conns 50 --total-rate 10000 --payload 64:90%,4096-65536:10% --verify
  loadclient --target tcp://127.0.0.1:7000 --conns 50 --mode saturate --in-flight 1
  loadclient --target unix:///tmp/echo.sock --conns 1000 --mode hold --heartbeat 10s --duration 1m
  loadclient --target tcp://127.0.0.1:7000 --mode churn --total-rate 2000 --close fin
  loadclient --target tcp://127.0.0.1:7000 --mode churn --in-flight 64 --close rst
  loadclient --target tcp://127.0.0.1:7000 --conns 4 --mode stream --stream-bytes 64MiB --source sendfile:FILE
  loadclient --target tcp://127.0.0.1:7000 --conns 10 --mode slow-reader --rate 100 --payload 16384 --read-rate 4096

  loadclient calibrate        what this client costs and reaches on this host (see calibrate --help)

Exit codes: 0 the report is on stdout (its `gates` say whether it can be trusted),
1 the report is on stdout, but the load could not be kept up (queue overflow, no connection left),
2 the request is wrong or cannot be met: nothing was measured.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeName {
    /// On a schedule that no reply delays: the source of latency.
    Open,
    /// Each active connection keeps `--in-flight` requests in flight: throughput, and nothing else.
    Saturate,
    /// Connections stay open; active ones send one frame per `--heartbeat`, if given.
    Hold,
    /// Connect, exchange `--frames`, close, and again: at `--total-rate` connections/s, or `--in-flight` at a time.
    Churn,
    /// Bulk data in one direction, every frame acknowledged: bytes/s, CPU per byte.
    Stream,
    /// As open, but each connection reads only `--read-rate` bytes/s: what does the server do?
    SlowReader,
}

/// How intended times are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Exponential gaps, each frame on a connection drawn at random.
    Poisson,
    /// Equal gaps, connections in turn.
    Fixed,
    /// Every connection at its own fixed period, from a phase drawn at random.
    UniformPhase,
}

/// An open-loop load client for the crossover protocol. Prints one JSON report on stdout.
#[derive(Debug, Clone, Parser)]
#[command(name = "loadclient", version, after_help = EXAMPLES)]
pub struct Args {
    /// Server address: tcp://ADDRESS:PORT, unix://PATH or udp://ADDRESS:PORT; connections go round-robin.
    #[arg(long = "target", value_name = "ADDRESS", required = true)]
    pub(super) targets: Vec<Target>,
    #[arg(long, value_enum, default_value = "open")]
    pub(super) mode: ModeName,
    /// Connections to open; the most at a time in churn (1024 there unless given).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) conns: Option<u32>,
    /// Share of the connections that carry load; the others stay idle (all but churn) [default: 1].
    #[arg(long, value_name = "SHARE", value_parser = parse::fraction)]
    pub(super) active_frac: Option<f64>,
    /// Frames per second on each active connection (open, slow-reader).
    #[arg(long, value_name = "PER_S", value_parser = parse::rate, conflicts_with = "total_rate")]
    pub(super) rate: Option<f64>,
    /// Frames per second over all active connections (open, slow-reader), connections per second (churn).
    #[arg(long, value_name = "PER_S", value_parser = parse::rate)]
    pub(super) total_rate: Option<f64>,
    /// A rate that changes (open), frames per second over all active connections: LENGTH@RATE, or LENGTH@RATE..RATE for a
    /// ramp, one after the other, such as 10s@1000,20s@1000..5000,1s@20000. The measured window is as long as all of them;
    /// the warm-up has the first one's rate. The report tells them apart.
    #[arg(long, value_name = "PHASES", conflicts_with_all = ["rate", "total_rate", "duration"])]
    pub(super) phases: Option<Phases>,
    /// Payload bytes of each ECHO, 0 to 65535 (65504 over UDP), or a mix drawn from the seed, such as
    /// 64:90%,4096-65536:10% (a range may end at the round 65536, and then ends at 65535) [default: 64].
    #[arg(long, value_name = "BYTES|MIX")]
    pub(super) payload: Option<Payload>,
    /// Requests in flight on each active connection (saturate: always so many, 1 by default; open: at most, no limit
    /// by default; the others wait in the client, their clocks running). Connections at a time (churn).
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(super) in_flight: Option<u32>,
    /// Spacing of intended times (open, hold, churn, slow-reader).
    #[arg(long, value_enum)]
    pub(super) schedule: Option<Shape>,
    /// Period at which an active connection sends (hold).
    #[arg(long, value_name = "TIME", value_parser = parse::duration_ns)]
    pub(super) heartbeat: Option<u64>,
    /// Frames exchanged on each connection, one after the other (churn) [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) frames: Option<u32>,
    /// How connections end: the client's half-close, or its reset, which leaves no TIME_WAIT (churn) [default: fin].
    #[arg(long, value_enum)]
    pub(super) close: Option<Close>,
    /// What carries the bulk data (stream) [default: stream].
    #[arg(long, value_enum)]
    pub(super) bulk: Option<BulkFrame>,
    /// Bytes of one stream, such as 1MiB or 1GiB; the next follows on the same connection (stream) [default: 1MiB].
    #[arg(long, value_name = "BYTES", value_parser = parse::bytes)]
    pub(super) stream_bytes: Option<u64>,
    /// Payload bytes of a CHUNK or SINK, at most 65535 (stream) [default: 65535].
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) chunk: Option<u16>,
    /// memory, copy:FILE, sendfile:FILE or splice:FILE; a short file is read again from its start (stream) [default: memory].
    #[arg(long, value_name = "SOURCE")]
    pub(super) source: Option<BulkSource>,
    /// Bytes that each connection reads per second, such as 4096 or 1MiB (slow-reader).
    #[arg(long, value_name = "BYTES", value_parser = parse::bytes)]
    pub(super) read_rate: Option<u64>,
    /// SO_RCVBUF of each connection: a small one lets slowness reach the server sooner (slow-reader).
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1 << 30))]
    pub(super) rcvbuf: Option<u32>,
    /// Length of the measured window.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse::duration_ns)]
    pub(super) duration: u64,
    /// Load before the measured window.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse::duration_ns)]
    pub(super) warmup: u64,
    /// How long to wait after the window for replies that are due.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse::duration_ns)]
    pub(super) grace: u64,
    /// Load threads.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: u32,
    /// CPUs to pin load threads to, such as 0,2-3; a thread each, in turn.
    #[arg(long, value_name = "LIST", value_parser = parse::cpus)]
    pub(super) cpus: Option<Cpus>,
    /// Connections opened per second.
    #[arg(long, value_name = "PER_S", default_value = "10000", value_parser = parse::rate)]
    pub(super) connect_rate: f64,
    /// Source ports to take, such as 40000-49999, out of the host's range (TCP, Linux 6.3).
    #[arg(long, value_name = "FIRST-LAST", value_parser = parse::ports)]
    pub(super) ports: Option<(u16, u16)>,
    /// Source addresses, such as 127.0.0.1-127.0.0.8; connections go round-robin.
    #[arg(long, value_name = "LIST", value_parser = parse::source_addresses)]
    pub(super) srcips: Option<SourceAddresses>,
    /// How long one connection may take to come up.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse::duration_ns)]
    pub(super) connect_timeout: u64,
    /// After how long a datagram counts as lost; a saturating connection then goes on (UDP).
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = parse::duration_ns)]
    pub(super) timeout: u64,
    /// Requests that may wait on one connection, due or in flight; one more fails the trial (open, hold, churn).
    #[arg(long, value_name = "N", default_value = "65536", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) queue: u32,
    /// Seed of everything that is drawn at random.
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) seed: u64,
    /// Compare every payload byte; type, length, order and sequence number are always checked.
    #[arg(long)]
    pub(super) verify: bool,
    /// Wait actively for the last N microseconds before a due time; reported as `spin_ns`.
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(super) spin_us: u32,
    /// TCP congestion control of the client's sockets, or `system` to leave it alone. bbr paces and distorts loopback.
    #[arg(long, value_name = "NAME", default_value = "reno")]
    pub(super) congestion: String,
    /// TCP_NODELAY.
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set)]
    pub(super) nodelay: bool,
    /// Connect, print `connected`, and wait for `go` on stdin. End of stdin ends the client.
    #[arg(long)]
    pub(super) hold: bool,
    /// After the load keep the connections open until `done` on stdin. End of stdin ends the client.
    #[arg(long)]
    pub(super) linger: bool,
    /// Say on stderr what happens, also when it is no terminal.
    #[arg(short, long)]
    pub(super) verbose: bool,
}
