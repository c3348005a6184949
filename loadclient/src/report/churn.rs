//! The part of a report that only `--mode churn` has.

use serde::{Deserialize, Serialize};

use super::Quantiles;
use super::sum::each;
use crate::merge::MergeError;
use crate::tally::Latencies;

/// Connections that came and went. In this mode each *frame* of the report's other fields is one connection's whole
/// exchange: `response_ns` is from its intended time to its last reply, `service_ns` from its connect.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Churn {
    /// Frames exchanged on each connection, one after the other.
    pub frames_per_conn: u32,
    /// `fin`: the client half-closes, waits for the server's end, and closes. `rst`: the client resets.
    pub close: String,
    /// The side that keeps TIME_WAIT, by the choice of `close`: `client`, or `none`.
    pub time_wait: String,
    /// Connections that came up in the window.
    pub conns_opened: u64,
    /// Connections that ended in the window as `close` says.
    pub conns_closed: u64,
    /// Connections that failed in the window; all failures of the run are in `errors` by kind.
    pub conns_failed: u64,
    /// Half-closed, and never closed by the server.
    pub conns_unclosed: u64,
    /// Most connections open at a time; of several threads or processes, the sum of their peaks.
    pub conns_peak: u64,
    pub opened_by_second: Vec<u64>,
    pub closed_by_second: Vec<u64>,
    pub failed_by_second: Vec<u64>,
    /// From the half-close to the server's end (`fin`).
    pub close_ns: Quantiles,
    /// The histogram of `close_ns`, encoded as those in `hdr` are.
    pub close_hdr: String,
}

impl Churn {
    /// Adds the counts of another process with the same load.
    pub(crate) fn add(&mut self, other: &Self) -> Result<(), MergeError> {
        let decode = |own: &Self| {
            Latencies::decode(&own.close_hdr, own.close_ns.infinite)
                .map_err(|source| MergeError::Histogram { what: "close", source })
        };
        let mut close = decode(self)?;
        close.merge(&decode(other)?);
        self.close_ns = close.quantiles();
        self.close_hdr = close.encode();
        self.conns_opened += other.conns_opened;
        self.conns_closed += other.conns_closed;
        self.conns_failed += other.conns_failed;
        self.conns_unclosed += other.conns_unclosed;
        self.conns_peak += other.conns_peak;
        each(&mut self.opened_by_second, &other.opened_by_second, |own, other| *own += other);
        each(&mut self.closed_by_second, &other.closed_by_second, |own, other| *own += other);
        each(&mut self.failed_by_second, &other.failed_by_second, |own, other| *own += other);
        Ok(())
    }
}
