//! What one worker thread counts. Only that thread writes the totals, so counting costs no locked instruction.

use std::sync::atomic::{AtomicU64, Ordering};

use protocol::ProtocolError;

use crate::service::ServiceTimes;

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
    pub(crate) protocol_errors: ByKind<7>,
    pub(crate) rejected: Total,
    pub(crate) accept_errors: ByKind<4>,
    /// Buffer bytes that connections took minus those they gave back, on this thread: only the sum over
    /// threads means something, modulo 2^64.
    pub(crate) buffer_bytes: Total,
    /// The same of our own types for open connections.
    pub(crate) state_bytes: Total,
    pub(crate) service: ServiceTimes,
}

/// Totals of one thing, told apart by kind.
#[derive(Debug)]
pub(crate) struct ByKind<const N: usize>([Total; N]);

impl<const N: usize> Default for ByKind<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Total::default()))
    }
}

impl<const N: usize> ByKind<N> {
    pub(crate) fn add(&self, kind: impl Kind) {
        self.0[kind.index()].add(1);
    }

    pub(crate) fn of(&self, index: usize) -> u64 {
        self.0[index].get()
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(Total::get).sum()
    }
}

/// What [`ByKind`] tells apart.
pub(crate) trait Kind {
    /// Below the length of the [`ByKind`] that counts it.
    fn index(&self) -> usize;
}

/// Kinds of [`ProtocolError`], in the order of [`Kind::index`].
pub(crate) const PROTOCOL_ERRORS: [&str; 7] = [
    "unknown_type",
    "frame_too_large",
    "unexpected_chunk",
    "bad_stream",
    "ping_with_payload",
    "truncated_frame",
    "truncated_stream",
];

impl Kind for ProtocolError {
    fn index(&self) -> usize {
        match self {
            Self::UnknownType(_) => 0,
            Self::FrameTooLarge { .. } => 1,
            Self::UnexpectedChunk => 2,
            Self::BadStream => 3,
            Self::PingWithPayload => 4,
            Self::TruncatedFrame => 5,
            Self::TruncatedStream => 6,
        }
    }
}

/// Why an accept failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AcceptError {
    Descriptors,
    Memory,
    Aborted,
    Other,
}

/// [`AcceptError`]s, in the order of [`Kind::index`].
pub(crate) const ACCEPT_ERRORS: [&str; 4] = ["descriptors", "memory", "aborted", "other"];

impl Kind for AcceptError {
    fn index(&self) -> usize {
        *self as usize
    }
}
