//! The part of a report that only `--mode stream` has.

use serde::{Deserialize, Serialize};

use super::sum::each;

/// Bulk data in one direction. Each frame (STREAM header, CHUNK, SINK) is one *frame* of the report's other fields;
/// `bytes_out` counts headers too.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// `stream` or `sink`.
    pub bulk: String,
    /// `memory`, or `copy:`, `sendfile:`, `splice:` and the file.
    pub source: String,
    /// Bytes of one stream.
    pub stream_bytes: u64,
    /// Payload bytes of one frame; the last of a stream may have fewer.
    pub chunk_bytes: u32,
    /// Streams whose last acknowledgement came in the window.
    pub streams_finished: u64,
    /// Streams begun, and not acknowledged in full when the grace time was over.
    pub streams_unfinished: u64,
    /// Payload bytes whose acknowledgement came in the window, and was right.
    pub bytes_acked: u64,
    pub bytes_acked_by_second: Vec<u64>,
    pub rate_bytes_per_s: f64,
    /// Productive CPU time of the load threads ÷ bytes acknowledged; `null` without any.
    pub cpu_ns_per_byte: Option<f64>,
}

impl Stream {
    /// Adds the counts of another process with the same load; `cpu_ns` is the productive time of all.
    pub(crate) fn add(&mut self, other: &Self, cpu_ns: u64) {
        self.streams_finished += other.streams_finished;
        self.streams_unfinished += other.streams_unfinished;
        self.bytes_acked += other.bytes_acked;
        each(&mut self.bytes_acked_by_second, &other.bytes_acked_by_second, |own, other| *own += other);
        self.rate_bytes_per_s += other.rate_bytes_per_s;
        self.cpu_ns_per_byte = cpu_per_byte(cpu_ns, self.bytes_acked);
    }
}

/// CPU time per byte, where there was any.
pub(crate) fn cpu_per_byte(cpu_ns: u64, bytes: u64) -> Option<f64> {
    (bytes > 0).then(|| cpu_ns as f64 / bytes as f64)
}
