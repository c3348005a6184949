//! Intended times of one thread's frames, and the connection of each: a pure function of seed, rate and shape.
//!
//! One schedule per thread, never a timer per connection. It knows neither replies nor sockets, so nothing
//! that happens to them can delay it. Times are offsets from the start of the load.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::spec::Shape;

/// A frame that is due at `at_ns`, on the `slot`-th active connection of the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub at_ns: u64,
    pub slot: u32,
}

/// An endless sequence of [`Due`], in order of time.
#[derive(Debug)]
pub struct Schedule {
    next: Due,
    slots: u32,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Poisson {
        rng: Box<Xoshiro256PlusPlus>,
        mean_gap_ns: f64,
        carry_ns: f64,
    },
    /// Frame `k` is due at `k × gap + offset`, computed from `k`: no error adds up.
    Fixed {
        gap_ns: f64,
        offset_ns: f64,
        count: u64,
    },
    /// `phases` are sorted; each connection's is a share of the period in units of 2⁻³².
    UniformPhase {
        phases: Vec<(u32, u32)>,
        period_ns: f64,
        cycle: u64,
        at: usize,
    },
}

impl Schedule {
    /// The schedule of thread `thread` of `threads`, with `slots` active connections and `rate_per_s` frames a
    /// second over all of them. Threads of one seed draw from sequences that do not overlap.
    ///
    /// # Panics
    /// Without slots or without a rate there is nothing to schedule: a mistake of the caller.
    #[must_use]
    pub fn new(shape: Shape, rate_per_s: f64, slots: u32, seed: u64, thread: u32, threads: u32) -> Self {
        assert!(slots > 0 && rate_per_s > 0.0 && thread < threads);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        for _ in 0..thread {
            rng.jump();
        }
        let gap_ns = 1e9 / rate_per_s;
        let source = match shape {
            Shape::Poisson => Source::Poisson { rng: Box::new(rng), mean_gap_ns: gap_ns, carry_ns: 0.0 },
            Shape::Fixed => {
                // The threads' combs interleave.
                Source::Fixed { gap_ns, offset_ns: gap_ns * f64::from(thread) / f64::from(threads), count: 0 }
            }
            Shape::UniformPhase => {
                let mut phases: Vec<(u32, u32)> = (0..slots).map(|slot| (rng.random(), slot)).collect();
                phases.sort_unstable();
                Source::UniformPhase { phases, period_ns: gap_ns * f64::from(slots), cycle: 0, at: 0 }
            }
        };
        let mut schedule = Self { next: Due { at_ns: 0, slot: 0 }, slots, source };
        schedule.advance();
        schedule
    }

    /// The earliest frame not taken yet.
    #[inline]
    #[must_use]
    pub const fn peek(&self) -> Due {
        self.next
    }

    /// Takes the earliest frame.
    #[inline]
    pub fn take(&mut self) -> Due {
        let due = self.next;
        self.advance();
        due
    }

    fn advance(&mut self) {
        self.next = match &mut self.source {
            Source::Poisson { rng, mean_gap_ns, carry_ns } => {
                // 1 − u is in (0, 1]: the logarithm is finite. The fraction is carried, so rounding cannot drift.
                let gap_ns = -(1.0 - rng.random::<f64>()).ln() * *mean_gap_ns + *carry_ns;
                let whole = gap_ns.floor();
                *carry_ns = gap_ns - whole;
                Due { at_ns: self.next.at_ns + whole as u64, slot: rng.random_range(0..self.slots) }
            }
            Source::Fixed { gap_ns, offset_ns, count } => {
                let at_ns = (*count as f64 * *gap_ns + *offset_ns) as u64;
                let slot = (*count % u64::from(self.slots)) as u32;
                *count += 1;
                Due { at_ns, slot }
            }
            Source::UniformPhase { phases, period_ns, cycle, at } => {
                let (phase, slot) = phases[*at];
                let at_ns = ((*cycle as f64 + f64::from(phase) / 2f64.powi(32)) * *period_ns) as u64;
                *at += 1;
                if *at == phases.len() {
                    (*at, *cycle) = (0, *cycle + 1);
                }
                Due { at_ns, slot }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(shape: Shape, rate_per_s: f64, slots: u32, seed: u64, count: usize) -> Vec<Due> {
        let mut schedule = Schedule::new(shape, rate_per_s, slots, seed, 0, 1);
        (0..count).map(|_| schedule.take()).collect()
    }

    fn gaps(dues: &[Due]) -> Vec<f64> {
        dues.windows(2).map(|pair| (pair[1].at_ns - pair[0].at_ns) as f64).collect()
    }

    const SHAPES: [Shape; 3] = [Shape::Poisson, Shape::Fixed, Shape::UniformPhase];

    #[test]
    fn the_same_seed_gives_the_same_schedule() {
        for shape in SHAPES {
            assert_eq!(take(shape, 1e4, 50, 7, 10_000), take(shape, 1e4, 50, 7, 10_000));
        }
        assert_ne!(take(Shape::Poisson, 1e4, 50, 7, 100), take(Shape::Poisson, 1e4, 50, 8, 100));
        assert_ne!(take(Shape::UniformPhase, 1e4, 50, 7, 100), take(Shape::UniformPhase, 1e4, 50, 8, 100));
    }

    #[test]
    fn time_never_goes_back() {
        for shape in SHAPES {
            assert!(take(shape, 1e6, 33, 3, 100_000).is_sorted_by_key(|due| due.at_ns), "{shape:?}");
        }
    }

    /// Kolmogorov–Smirnov: the distance of the gaps' distribution from the exponential one stays below the
    /// critical value at 0.1 %, 1.95 ÷ √n. Seeds are fixed, so the test is no lottery.
    #[test]
    fn poisson_gaps_are_exponential() {
        let n = 100_000;
        for seed in 1..=5 {
            let mut gaps = gaps(&take(Shape::Poisson, 1000.0, 10, seed, n + 1));
            gaps.sort_by(f64::total_cmp);
            let distance = gaps.iter().enumerate().fold(0f64, |distance, (i, gap)| {
                let expected = 1.0 - (-gap / 1e6).exp();
                distance.max((expected - i as f64 / n as f64).abs()).max((expected - (i + 1) as f64 / n as f64).abs())
            });
            assert!(distance < 1.95 / (n as f64).sqrt(), "seed {seed}: {distance}");
        }
    }

    /// The mean of n exponential gaps has a relative standard error of 1 ÷ √n; four of them are allowed.
    #[test]
    fn the_mean_rate_is_the_rate_asked() {
        for rate in [0.1, 1000.0, 3e6] {
            let n = 200_000;
            let last = take(Shape::Poisson, rate, 10, 11, n)[n - 1];
            let mean = last.at_ns as f64 / n as f64 * rate / 1e9;
            assert!((mean - 1.0).abs() < 4.0 / (n as f64).sqrt(), "{rate}: {mean}");
        }
    }

    /// A gap that is no whole number of nanoseconds, for three hours of frames: no error adds up.
    #[test]
    fn a_fixed_schedule_does_not_drift() {
        let rate = 30_000.0;
        let mut schedule = Schedule::new(Shape::Fixed, rate, 7, 1, 0, 1);
        for k in 0u64..30_000 * 100 {
            let due = schedule.take();
            assert_eq!(due.slot, (k % 7) as u32);
            assert!(due.at_ns.abs_diff((u128::from(k) * 1_000_000_000 / 30_000) as u64) <= 1, "{k}");
        }
        if let Source::Fixed { count, .. } = &mut schedule.source {
            *count = 30_000 * 3600 * 3;
        }
        schedule.advance();
        assert_eq!(schedule.peek().at_ns, 3 * 3600 * 1_000_000_000);
    }

    /// Gaps far below a nanosecond each still make the right sum.
    #[test]
    fn fractions_are_carried() {
        let n = 1_000_000;
        let last = take(Shape::Poisson, 1e9, 1, 5, n)[n - 1];
        assert!((last.at_ns as f64 / n as f64 - 1.0).abs() < 0.004, "{}", last.at_ns);
    }

    #[test]
    fn threads_interleave_fixed_combs_and_share_no_randomness() {
        let of = |shape, thread| {
            let mut schedule = Schedule::new(shape, 1000.0, 5, 1, thread, 4);
            (0..100).map(|_| schedule.take()).collect::<Vec<_>>()
        };
        assert_eq!([0, 1, 2, 3].map(|t| of(Shape::Fixed, t)[0].at_ns), [0, 250_000, 500_000, 750_000]);
        assert_ne!(of(Shape::Poisson, 0), of(Shape::Poisson, 1));
    }

    #[test]
    fn poisson_uses_every_connection_alike() {
        let mut counts = [0u32; 20];
        for due in take(Shape::Poisson, 1e5, 20, 2, 200_000) {
            counts[due.slot as usize] += 1;
        }
        // 10 000 each; the standard deviation of a binomial count is 97.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 500), "{counts:?}");
    }

    #[test]
    fn uniform_phase_sends_once_a_period_on_every_connection() {
        let dues = take(Shape::UniformPhase, 100.0, 50, 9, 500);
        for (cycle, period) in dues.chunks(50).enumerate() {
            let mut slots: Vec<_> = period.iter().map(|due| due.slot).collect();
            slots.sort_unstable();
            assert_eq!(slots, (0..50).collect::<Vec<_>>());
            let (from, to) = (cycle as u64 * 500_000_000, (cycle as u64 + 1) * 500_000_000);
            assert!(period.iter().all(|due| (from..to).contains(&due.at_ns)));
        }
        assert!(dues.iter().zip(&dues[50..]).all(|(a, b)| (b.at_ns - a.at_ns).abs_diff(500_000_000) <= 1));
    }
}
