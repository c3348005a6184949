//! The counts of bulk data.

use super::Window;
use crate::clock::NANOS_PER_SECOND;

/// What a streaming thread counts beside its frames. All belongs to the second in which its acknowledgement came.
#[derive(Debug, Clone)]
pub struct StreamTally {
    window: Window,
    /// Payload bytes acknowledged, by second of the window.
    pub bytes_acked_by_second: Vec<u64>,
    /// Streams whose last frame was acknowledged in the window.
    pub finished: u64,
    /// Streams begun, and not acknowledged in full when the grace time was over.
    pub unfinished: u64,
}

impl StreamTally {
    /// Nothing yet, in this window.
    #[must_use]
    pub fn new(window: Window) -> Self {
        let seconds = (window.end_ns - window.begin_ns).div_ceil(NANOS_PER_SECOND) as usize;
        Self { window, bytes_acked_by_second: vec![0; seconds], finished: 0, unfinished: 0 }
    }

    /// Acknowledgements came for so many payload bytes, and completed so many streams.
    pub fn acked(&mut self, now_ns: u64, payload_bytes: u64, streams: u64) {
        if self.window.contains(now_ns) {
            self.bytes_acked_by_second[((now_ns - self.window.begin_ns) / NANOS_PER_SECOND) as usize] += payload_bytes;
            self.finished += streams;
        }
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: &Self) {
        let pairs = self.bytes_acked_by_second.iter_mut().zip(&other.bytes_acked_by_second);
        pairs.for_each(|(own, other)| *own += other);
        self.finished += other.finished;
        self.unfinished += other.unfinished;
    }
}
