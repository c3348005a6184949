//! The two clocks of the client: wall (monotonic) and the CPU time of the calling thread, in nanoseconds.

use rustix::time::{ClockId, Timespec, clock_gettime};

pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Nanoseconds of the monotonic clock: the same for all threads and processes of the host.
#[inline]
#[must_use]
pub fn now_ns() -> u64 {
    nanos(clock_gettime(ClockId::Monotonic))
}

/// CPU time of the calling thread: exact, where schedstat of a running thread lags by up to a tick.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    nanos(clock_gettime(ClockId::ThreadCPUTime))
}

/// `ns` as the kernel wants a timeout.
#[inline]
#[must_use]
pub const fn timespec(ns: u64) -> Timespec {
    Timespec { tv_sec: (ns / NANOS_PER_SECOND) as i64, tv_nsec: (ns % NANOS_PER_SECOND) as i64 }
}

#[inline]
const fn nanos(time: Timespec) -> u64 {
    time.tv_sec as u64 * NANOS_PER_SECOND + time.tv_nsec as u64
}
