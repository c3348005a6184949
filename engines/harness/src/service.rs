//! How long the engine takes with a request, sampled, **for watching only**: no result is made of it, as an engine
//! never measures itself. Of about 128 reads one is timed, so no clock is read per frame.
//!
//! Timed is from the read that brought a frame to the write that handed the last waiting reply byte to the kernel:
//! decoding, queueing behind earlier replies, and the engine's scheduling in between; not the time in socket buffers.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Instant;

use crate::counters::Total;

/// Upper bounds of the buckets, in nanoseconds; one more bucket takes what is slower.
pub(crate) const BOUNDS_NS: [u64; 19] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
];

/// Sampled service times of one worker thread.
#[derive(Debug, Default)]
pub(crate) struct ServiceTimes {
    pub(crate) buckets: [Total; BOUNDS_NS.len() + 1],
    pub(crate) sum_ns: Total,
}

impl ServiceTimes {
    #[cold]
    pub(crate) fn record(&self, begun: Begun) {
        let ns = now_ns().saturating_sub(begun.0);
        self.buckets[BOUNDS_NS.partition_point(|bound| *bound < ns)].add(1);
        self.sum_ns.add(ns);
    }
}

/// When a sampled request was read; of no sample, if 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Begun(u64);

impl Begun {
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// Decides which reads are timed. A worker thread's own.
#[derive(Debug)]
pub(crate) struct Sampler {
    /// Reads until the next sample; 0 if nobody watches.
    left: Cell<u32>,
    seed: Cell<u32>,
}

impl Sampler {
    pub(crate) fn new(watched: bool) -> Self {
        Self { left: Cell::new(u32::from(watched)), seed: Cell::new(0x9E37_79B9) }
    }

    /// To be asked after every read: whether it is the one to time.
    #[inline]
    pub(crate) fn begin(&self) -> Begun {
        match self.left.get() {
            0 => Begun::NONE,
            1 => self.sample(),
            left => {
                self.left.set(left - 1);
                Begun::NONE
            }
        }
    }

    /// The gaps vary (xorshift), so that no pattern of connections is always, or never, sampled.
    #[cold]
    fn sample(&self) -> Begun {
        let mut seed = self.seed.get();
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        self.seed.set(seed);
        self.left.set(64 + seed % 128);
        Begun(now_ns())
    }
}

/// Nanoseconds since the first call; never 0.
fn now_ns() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    1 + FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_read_in_about_128_is_timed_and_none_when_nobody_watches() {
        let timed = |sampler: Sampler| (0..128_000).filter(|_| sampler.begin().is_some()).count();
        assert!((950..1050).contains(&timed(Sampler::new(true))));
        assert_eq!(timed(Sampler::new(false)), 0);
    }

    #[test]
    fn a_sample_goes_to_the_bucket_of_its_length() {
        let times = ServiceTimes::default();
        let begun = Begun(now_ns());
        while now_ns() <= begun.0 + 3_000 {}
        times.record(begun);
        let counts: Vec<u64> = times.buckets.iter().map(Total::get).collect();
        assert_eq!(counts.iter().sum::<u64>(), 1);
        assert_eq!(counts[..2], [0, 0], "3 µs are more than 2 µs");
        assert!(times.sum_ns.get() >= 3_000);
    }
}
