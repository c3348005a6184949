//! What one worker thread counts. Only that thread writes the totals, so counting costs no locked instruction.

use std::sync::atomic::{AtomicU64, Ordering};

/// A total with one writer and any number of readers.
#[derive(Debug, Default)]
pub(crate) struct Total(AtomicU64);

impl Total {
    /// To be called by the owning thread only; another caller would lose counts, not safety.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The totals of one worker thread, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    pub(crate) accepts: Total,
    pub(crate) frames: Total,
    pub(crate) bytes_in: Total,
    pub(crate) bytes_out: Total,
    pub(crate) protocol_errors: Total,
    pub(crate) rejected: Total,
    pub(crate) accept_errors: Total,
    /// Buffer bytes that connections took minus those they gave back, on this thread: only the sum over
    /// threads means something, modulo 2^64.
    pub(crate) buffer_bytes: Total,
}
