//! The JSON report: what one load client asked for, what it got, and how far it can be trusted.

mod churn;
mod payload;
mod slow;
mod stream;
mod sum;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use churn::Churn;
pub use payload::{PayloadMix, PayloadPart};
pub use slow::SlowReader;
pub use stream::Stream;
pub(crate) use stream::cpu_per_byte;
pub(crate) use sum::each;

/// Version of [`Report`]; fields are only ever added.
pub const SCHEMA: u32 = 1;

/// What a client prints on stdout, one JSON object a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// With `--hold`: all connections are up; load starts at `go` on stdin.
    Connected { pid: u32, conns_asked: u64, conns_live: u64 },
    /// The connections are up, warm-up is over, and the measured window begins now.
    Measuring { pid: u32, conns_live: u64 },
    /// The measured window is over; connections are still open (until `done` on stdin with `--linger`).
    Measured { pid: u32 },
    /// The last line of every client that got as far as its arguments.
    Report(Box<Report>),
}

/// The report of one client process, or of several merged by adding histograms.
///
/// Durations are nanoseconds, sizes are bytes, rates are frames per second.
/// Unanswered and unsent requests count as +∞: a quantile that falls among them is `null`.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    /// Version of the client.
    pub version: String,
    pub mode: String,
    pub targets: Vec<String>,
    pub seed: u64,
    /// Client processes merged into this report.
    pub processes: u32,
    pub threads: u32,
    /// Of each frame; of mixed ones the mean that was asked for, rounded.
    pub payload_bytes: u32,
    /// Requests in flight on an active connection: always (saturate), or at most (open, 0 = without a limit).
    pub in_flight: u32,
    pub conns_asked: u64,
    /// Connections up at the end of the measured window.
    pub conns_live: u64,
    pub conns_active: u64,
    /// Active connections that got at least one reply, warm-up included.
    pub conns_answered: u64,
    /// Length of the measured window.
    pub duration_ns: u64,
    /// Requests that the schedule made due in the window (open), or that were written (saturate).
    pub frames_intended: u64,
    pub frames_sent: u64,
    /// Replies that came and were right.
    pub frames_ok: u64,
    /// Replies that were wrong in type, length, order or content.
    pub frames_wrong: u64,
    /// Due in the window and never written.
    pub frames_unsent: u64,
    /// Written in the window and not answered by the end of the grace time.
    pub frames_unanswered: u64,
    /// Errors by kind: `connect_refused`, `reset`, `eof`, `wrong_sequence`, `refused_5`, …
    pub errors: BTreeMap<String, u64>,
    pub rate_intended_per_s: f64,
    pub rate_achieved_per_s: f64,
    pub response_ns: Quantiles,
    pub service_ns: Quantiles,
    pub lag_ns: Quantiles,
    pub connect_ns: Quantiles,
    /// Lag p99 of the four quarters of the window, to see a trend.
    pub lag_p99_ns_by_quarter: Vec<u64>,
    pub frames_per_write: f64,
    pub bytes_out: u64,
    pub bytes_in: u64,
    /// CPU time of the client's load threads in the window, from schedstat.
    pub cpu_ns: u64,
    /// Of `cpu_ns`, what went into waiting actively (`--spin-us`) and was of no use.
    pub spin_ns: u64,
    /// Time the load threads were runnable but not running.
    pub run_delay_ns: u64,
    /// Largest share of productive CPU (`cpu − spin`) of any load thread, 0..=1.
    pub thread_busy_max: f64,
    /// Per-second frames answered in the window, oldest first.
    pub frames_ok_by_second: Vec<u64>,
    /// The window in [`PARTS`] equal parts, to see whether the load was steady; empty in reports of older clients.
    #[serde(default)]
    pub parts: Vec<Part>,
    pub hdr: Histograms,
    /// Of a load whose rate changes (`--phases`), in order; empty of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseReport>,
    /// Where payloads are mixed: what was drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<PayloadMix>,
    /// What only `--mode churn` has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
    /// What only `--mode stream` has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// What only `--mode slow-reader` has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_reader: Option<SlowReader>,
    /// Gates that the client itself saw tripped; empty means valid as far as the client can tell.
    pub gates: Vec<Gate>,
}

/// One phase of a load whose rate changes. Frames belong to it by their intended time.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseReport {
    /// Since the begin of the window.
    pub begin_ns: u64,
    pub duration_ns: u64,
    /// As asked, over all active connections; between the two the rate changes evenly.
    pub rate_begin_per_s: f64,
    pub rate_end_per_s: f64,
    pub frames_intended: u64,
    pub frames_ok: u64,
    pub frames_unsent: u64,
    pub frames_unanswered: u64,
    pub response_ns: Quantiles,
    pub service_ns: Quantiles,
    pub lag_ns: Quantiles,
    pub hdr: PhaseHistograms,
}

/// As [`Histograms`].
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseHistograms {
    pub response: String,
    pub service: String,
    pub lag: String,
}

/// Parts that a window is divided into.
pub const PARTS: usize = 20;

/// What was answered in one part of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Part {
    pub frames_ok: u64,
    /// Sum of the service times of these frames.
    pub service_ns_sum: u64,
}

impl Part {
    pub(crate) fn add(&mut self, service_ns: u64) {
        self.merge(Self { frames_ok: 1, service_ns_sum: service_ns });
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.frames_ok += other.frames_ok;
        self.service_ns_sum = self.service_ns_sum.saturating_add(other.service_ns_sum);
    }
}

/// A reason not to trust a number.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Its name in METHODOLOGY, e.g. `lag`.
    pub gate: String,
    /// What was seen against what is allowed.
    pub detail: String,
}

/// Quantiles of one histogram; `null` where the quantile falls among the unanswered, or nothing was measured.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Finite samples.
    pub count: u64,
    /// Samples at +∞ (unanswered and unsent), on top of `count`.
    pub infinite: u64,
    pub mean: Option<f64>,
    pub p50: Option<u64>,
    pub p90: Option<u64>,
    pub p99: Option<u64>,
    pub p999: Option<u64>,
    pub max: Option<u64>,
}

/// Histograms in HdrHistogram's V2 encoding, deflated, base64: nanoseconds, 3 significant digits.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histograms {
    pub response: String,
    pub service: String,
    pub lag: String,
    pub connect: String,
}
