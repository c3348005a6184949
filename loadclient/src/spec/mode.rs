//! What a client does with its connections, and which options each mode understands.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::args::{Args, ModeName, Shape};
use super::plan::SpecError;
use crate::schedule::Phase;

/// Connections at once of a churning open loop that names no `--conns`.
const CHURN_CONNS_DEFAULT: u32 = 1024;

/// How load is applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// Intended times at `total_rate_per_s` (on average, if there are [phases](super::Spec::phases)) over all active
    /// connections, of which each has at most `in_flight_max`
    /// requests in flight.
    Open { total_rate_per_s: f64, shape: Shape, in_flight_max: Option<u32> },
    /// `in_flight` requests in flight on each active connection.
    Saturate { in_flight: u32 },
    /// No load but the heartbeats, if any: one frame per `period_ns` and active connection.
    Hold { heartbeat: Option<(u64, Shape)> },
    /// Connect, exchange, close, over and over.
    Churn(Churn),
    /// Bulk data in one direction.
    Stream(Bulk),
    /// Requests on a schedule, replies read slowly.
    SlowReader(SlowReader),
}

/// Connections that come and go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// Connections per second and their spacing; `None`: as fast as `conns` at a time go.
    pub pace: Option<(f64, Shape)>,
    /// Frames exchanged on each, one after the other; at least 1.
    pub frames: u32,
    pub close: Close,
}

/// How the client ends a connection of its own accord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Close {
    /// Half-close, wait for the server's end, close: the client closes first, TIME_WAIT is the client's.
    Fin,
    /// SO_LINGER 0: a reset, and no TIME_WAIT on either side.
    Rst,
}

impl Close {
    /// As `--close` spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
        }
    }
}

/// Bulk data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    pub frame: BulkFrame,
    /// Bytes of one stream; the next begins on the same connection when it is done. At least 1.
    pub stream_bytes: u64,
    /// Payload bytes of one frame; at least 1.
    pub chunk_bytes: u16,
    pub source: BulkSource,
}

/// What carries bulk data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum BulkFrame {
    /// A STREAM header, then CHUNKs.
    Stream,
    /// SINKs.
    Sink,
}

impl BulkFrame {
    /// As `--bulk` spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Sink => "sink",
        }
    }
}

/// Where bulk data comes from. A file shorter than a stream is read again from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkSource {
    /// One buffer, filled and framed before the load.
    Memory,
    /// Read into a buffer, and sent from there.
    Copy(PathBuf),
    /// Header by `send`, payload by `sendfile`.
    Sendfile(PathBuf),
    /// Header by `send`, payload through a pipe by `splice`.
    Splice(PathBuf),
}

impl BulkSource {
    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Memory => None,
            Self::Copy(path) | Self::Sendfile(path) | Self::Splice(path) => Some(path),
        }
    }
}

impl fmt::Display for BulkSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Copy(path) => write!(f, "copy:{}", path.display()),
            Self::Sendfile(path) => write!(f, "sendfile:{}", path.display()),
            Self::Splice(path) => write!(f, "splice:{}", path.display()),
        }
    }
}

impl FromStr for BulkSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some((_, "")) => Err("the file's name is empty".into()),
            Some(("copy", path)) => Ok(Self::Copy(path.into())),
            Some(("sendfile", path)) => Ok(Self::Sendfile(path.into())),
            Some(("splice", path)) => Ok(Self::Splice(path.into())),
            _ => Err("expected memory, copy:FILE, sendfile:FILE or splice:FILE".into()),
        }
    }
}

/// A client that does not keep up with its replies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowReader {
    pub total_rate_per_s: f64,
    pub shape: Shape,
    /// Bytes that each connection reads per second; at least 1.
    pub read_rate_bytes_per_s: u64,
    /// SO_RCVBUF asked for; `None` leaves the kernel's choice.
    pub rcvbuf_bytes: Option<u32>,
}

impl Mode {
    /// As `--mode` spells it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Saturate { .. } => "saturate",
            Self::Hold { .. } => "hold",
            Self::Churn(_) => "churn",
            Self::Stream(_) => "stream",
            Self::SlowReader(_) => "slow-reader",
        }
    }

    /// Whether requests are ECHO frames of `--payload` bytes.
    #[must_use]
    pub const fn is_of_frames(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }
}

/// `--conns`, which only a churning client may leave out.
pub(super) fn conns(args: &Args) -> Result<u32, SpecError> {
    if args.mode != ModeName::Churn {
        return args.conns.ok_or(SpecError::NoConns);
    }
    match (args.conns, args.in_flight) {
        (Some(conns), Some(in_flight)) if conns != in_flight => Err(SpecError::TwiceAtOnce { conns, in_flight }),
        (Some(at_once), _) | (None, Some(at_once)) => Ok(at_once),
        (None, None) => Ok(CHURN_CONNS_DEFAULT),
    }
}

/// What `--mode` and the options that go with it mean.
pub(super) fn mode(args: &Args, active: u32) -> Result<Mode, SpecError> {
    let (name, allowed): (_, &[&str]) = match args.mode {
        ModeName::Open => {
            ("open", &["rate", "total-rate", "phases", "schedule", "in-flight", "payload", "active-frac"])
        }
        ModeName::Saturate => ("saturate", &["in-flight", "payload", "active-frac"]),
        ModeName::Hold => ("hold", &["heartbeat", "schedule", "payload", "active-frac"]),
        ModeName::Churn => ("churn", &["total-rate", "schedule", "in-flight", "frames", "close", "payload"]),
        ModeName::Stream => ("stream", &["bulk", "stream-bytes", "chunk", "source", "active-frac"]),
        ModeName::SlowReader => {
            ("slow-reader", &["rate", "total-rate", "schedule", "payload", "active-frac", "read-rate", "rcvbuf"])
        }
    };
    let given = [
        ("rate", args.rate.is_some()),
        ("total-rate", args.total_rate.is_some()),
        ("phases", args.phases.is_some()),
        ("schedule", args.schedule.is_some()),
        ("in-flight", args.in_flight.is_some()),
        ("heartbeat", args.heartbeat.is_some()),
        ("payload", args.payload.is_some()),
        ("active-frac", args.active_frac.is_some()),
        ("frames", args.frames.is_some()),
        ("close", args.close.is_some()),
        ("bulk", args.bulk.is_some()),
        ("stream-bytes", args.stream_bytes.is_some()),
        ("chunk", args.chunk.is_some()),
        ("source", args.source.is_some()),
        ("read-rate", args.read_rate.is_some()),
        ("rcvbuf", args.rcvbuf.is_some()),
    ];
    // An option that would be ignored is a misunderstanding: better said now than found in a result.
    if let Some(&(option, _)) = given.iter().find(|(option, is_given)| *is_given && !allowed.contains(option)) {
        return Err(SpecError::Meaningless { option, mode: name });
    }
    let of_connections = matches!(args.mode, ModeName::Churn | ModeName::Stream | ModeName::SlowReader);
    if of_connections && args.targets.iter().any(super::Target::is_datagram) {
        return Err(SpecError::NoDatagrams(name));
    }
    let poisson = args.schedule.unwrap_or(Shape::Poisson);
    match args.mode {
        ModeName::Open => {
            let phases = args.phases.as_ref().map(|phases| mean_per_s(&phases.0));
            let total_rate_per_s =
                total_rate(args, active)?.or(phases).ok_or(SpecError::NoRate(name, " or --phases"))?;
            Ok(Mode::Open { total_rate_per_s, shape: poisson, in_flight_max: args.in_flight })
        }
        ModeName::Saturate => Ok(Mode::Saturate { in_flight: args.in_flight.unwrap_or(1) }),
        ModeName::Hold => match args.heartbeat {
            Some(0) => Err(SpecError::ZeroTime("heartbeat")),
            Some(period) => Ok(Mode::Hold { heartbeat: Some((period, args.schedule.unwrap_or(Shape::UniformPhase))) }),
            None if args.schedule.is_some() => Err(SpecError::Meaningless { option: "schedule", mode: name }),
            None => Ok(Mode::Hold { heartbeat: None }),
        },
        ModeName::Churn => churn(args, poisson),
        ModeName::Stream => Ok(Mode::Stream(Bulk {
            frame: args.bulk.unwrap_or(BulkFrame::Stream),
            stream_bytes: args.stream_bytes.unwrap_or(1 << 20),
            chunk_bytes: args.chunk.unwrap_or(u16::MAX),
            source: args.source.clone().unwrap_or(BulkSource::Memory),
        })),
        ModeName::SlowReader => Ok(Mode::SlowReader(SlowReader {
            total_rate_per_s: total_rate(args, active)?.ok_or(SpecError::NoRate(name, ""))?,
            shape: poisson,
            read_rate_bytes_per_s: args.read_rate.ok_or(SpecError::NoReadRate)?,
            rcvbuf_bytes: args.rcvbuf,
        })),
    }
}

fn mean_per_s(phases: &[Phase]) -> f64 {
    let ns: u64 = phases.iter().map(|phase| phase.length_ns).sum();
    phases.iter().map(Phase::frames).sum::<f64>() * 1e9 / ns as f64
}

fn total_rate(args: &Args, active: u32) -> Result<Option<f64>, SpecError> {
    let total = args.rate.map(|each| each * f64::from(active)).or(args.total_rate);
    match total {
        Some(total) if total > 1e9 => Err(SpecError::RateTooHigh(total.to_string())),
        total => Ok(total),
    }
}

fn churn(args: &Args, shape: Shape) -> Result<Mode, SpecError> {
    if args.total_rate.is_some() && args.in_flight.is_some() {
        return Err(SpecError::PacedInFlight);
    }
    if args.total_rate.is_none() && args.schedule.is_some() {
        return Err(SpecError::Meaningless { option: "schedule", mode: "churn without --total-rate" });
    }
    if args.close == Some(Close::Rst) && args.targets.iter().any(|target| matches!(target, super::Target::Unix(_))) {
        return Err(SpecError::UnixReset);
    }
    Ok(Mode::Churn(Churn {
        pace: args.total_rate.map(|rate| (rate, shape)),
        frames: args.frames.unwrap_or(1),
        close: args.close.unwrap_or(Close::Fin),
    }))
}
