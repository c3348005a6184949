//! The counts of connections that come and go.

use super::{Latencies, Window};
use crate::clock::NANOS_PER_SECOND;

/// What a churning thread counts beside its exchanges. Everything belongs to the second in which it happens.
#[derive(Debug, Clone)]
pub struct ChurnTally {
    window: Window,
    /// Connections that came up, by second of the window.
    pub opened_by_second: Vec<u64>,
    /// Connections that ended as `--close` says, after all their replies.
    pub closed_by_second: Vec<u64>,
    /// Connections that failed at any stage: they are in `errors` by kind.
    pub failed_by_second: Vec<u64>,
    /// From the half-close to the server's end.
    pub close: Latencies,
    /// Most connections that this thread had open at a time.
    pub peak: u64,
    /// Half-closed, and not closed by the server when the grace time was over.
    pub unclosed: u64,
}

impl ChurnTally {
    /// Nothing yet, in this window.
    #[must_use]
    pub fn new(window: Window) -> Self {
        let seconds = vec![0; (window.end_ns - window.begin_ns).div_ceil(NANOS_PER_SECOND) as usize];
        Self {
            window,
            opened_by_second: seconds.clone(),
            closed_by_second: seconds.clone(),
            failed_by_second: seconds,
            close: Latencies::new(),
            peak: 0,
            unclosed: 0,
        }
    }

    /// A connection came up, and `open` are open now.
    pub fn opened(&mut self, now_ns: u64, open: u64) {
        self.peak = self.peak.max(open);
        count(self.window, &mut self.opened_by_second, now_ns);
    }

    /// A connection ended well; `since_ns` is its half-close, if it had one.
    pub fn closed(&mut self, now_ns: u64, since_ns: Option<u64>) {
        count(self.window, &mut self.closed_by_second, now_ns);
        if let Some(since_ns) = since_ns.filter(|_| self.window.contains(now_ns)) {
            self.close.record(now_ns.saturating_sub(since_ns));
        }
    }

    /// A connection failed.
    pub fn failed(&mut self, now_ns: u64) {
        count(self.window, &mut self.failed_by_second, now_ns);
    }

    /// Adds another thread's. Their peaks need not have been at the same time: the sum is a bound.
    pub fn merge(&mut self, other: &Self) {
        let pairs = [
            (&mut self.opened_by_second, &other.opened_by_second),
            (&mut self.closed_by_second, &other.closed_by_second),
            (&mut self.failed_by_second, &other.failed_by_second),
        ];
        for (own, other) in pairs {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        }
        self.close.merge(&other.close);
        self.peak += other.peak;
        self.unclosed += other.unclosed;
    }
}

fn count(window: Window, by_second: &mut [u64], now_ns: u64) {
    if window.contains(now_ns) {
        by_second[((now_ns - window.begin_ns) / NANOS_PER_SECOND) as usize] += 1;
    }
}
