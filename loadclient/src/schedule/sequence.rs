//! Intended times of one thread's frames, and the connection of each: a pure function of seed, rates and shape.
//!
//! One schedule per thread, never a timer per connection. It knows neither replies nor sockets, so nothing
//! that happens to them can delay it. Times are offsets from the start of the load.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::profile::{Position, Profile};
use crate::spec::Shape;

/// A frame that is due at `at_ns`, on the `slot`-th active connection of the thread; `u64::MAX` is never.
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
    profile: Profile,
    source: Source,
}

/// How positions are drawn, at one frame a unit.
#[derive(Debug)]
enum Source {
    /// Gaps of one unit on average, exponential.
    Poisson { rng: Box<Xoshiro256PlusPlus>, position: Position },
    /// Frame `k` is at `k + offset`.
    Fixed { offset: f64, count: u64 },
    /// `phases` are sorted; each connection's is a share of its period in units of 2⁻³².
    UniformPhase { phases: Vec<(u32, u32)>, cycle: u64, at: usize },
}

impl Schedule {
    /// The schedule of thread `thread` of `threads`, with `slots` active connections and `rate_per_s` frames a
    /// second over all of them. Threads of one seed draw from sequences that do not overlap.
    ///
    /// # Panics
    /// Without slots or without a rate there is nothing to schedule: a mistake of the caller.
    #[must_use]
    pub fn new(shape: Shape, rate_per_s: f64, slots: u32, seed: u64, thread: u32, threads: u32) -> Self {
        Self::along(Profile::constant(rate_per_s), shape, slots, seed, thread, threads)
    }

    /// The same, with a rate that changes over time. After the last phase `at_ns` is `u64::MAX`.
    ///
    /// # Panics
    /// Without slots there is nothing to schedule: a mistake of the caller.
    #[must_use]
    pub fn along(profile: Profile, shape: Shape, slots: u32, seed: u64, thread: u32, threads: u32) -> Self {
        assert!(slots > 0 && thread < threads);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        for _ in 0..thread {
            rng.jump();
        }
        let source = match shape {
            Shape::Poisson => Source::Poisson { rng: Box::new(rng), position: Position::ZERO },
            // The threads' combs interleave.
            Shape::Fixed => Source::Fixed { offset: f64::from(thread) / f64::from(threads), count: 0 },
            Shape::UniformPhase => {
                let mut phases: Vec<(u32, u32)> = (0..slots).map(|slot| (rng.random(), slot)).collect();
                phases.sort_unstable();
                Source::UniformPhase { phases, cycle: 0, at: 0 }
            }
        };
        let mut schedule = Self { next: Due { at_ns: 0, slot: 0 }, slots, profile, source };
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
        let (position, slot) = match &mut self.source {
            Source::Poisson { rng, position } => {
                // 1 − u is in (0, 1]: the logarithm is finite.
                position.advance(-(1.0 - rng.random::<f64>()).ln());
                (*position, rng.random_range(0..self.slots))
            }
            Source::Fixed { offset, count } => {
                let position = Position { whole: *count, part: *offset };
                let slot = (*count % u64::from(self.slots)) as u32;
                *count += 1;
                (position, slot)
            }
            Source::UniformPhase { phases, cycle, at } => {
                let (phase, slot) = phases[*at];
                // A period is as many units as there are connections.
                let mut position = Position { whole: *cycle * u64::from(self.slots), part: 0.0 };
                position.advance(f64::from(phase) / 2f64.powi(32) * f64::from(self.slots));
                *at += 1;
                if *at == phases.len() {
                    (*at, *cycle) = (0, *cycle + 1);
                }
                (position, slot)
            }
        };
        self.next = Due { at_ns: self.profile.time_ns(position), slot };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Phase;

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
        let phased = |shape, seed| {
            let phases = [Phase { length_ns: 1_000_000_000, begin_per_s: 100.0, end_per_s: 9_000.0 }];
            let mut schedule = Schedule::along(Profile::new(&phases, 1.0), shape, 50, seed, 0, 1);
            (0..5_000).map(|_| schedule.take()).collect::<Vec<_>>()
        };
        for shape in SHAPES {
            assert_eq!(phased(shape, 7), phased(shape, 7));
            assert!(phased(shape, 7).is_sorted_by_key(|due| due.at_ns), "{shape:?}");
        }
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

    /// Anderson–Darling, for a distribution that is known in full: A² stays below its critical value at 1 %, 3.857. It
    /// looks harder at the tails than Kolmogorov–Smirnov does. `gaps` are in units of their mean.
    fn anderson_darling(gaps: &mut [f64]) -> f64 {
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len();
        let sum: f64 = (0..n)
            .map(|i| {
                // ln F of the i-th smallest, and ln (1 − F) of the i-th largest, which is minus the gap itself.
                (2 * i + 1) as f64 * ((-(-gaps[i]).exp_m1()).ln() - gaps[n - 1 - i])
            })
            .sum();
        -(n as f64) - sum / n as f64
    }

    #[test]
    fn poisson_gaps_are_exponential_to_the_tails() {
        for seed in 1..=5 {
            let mut gaps: Vec<f64> =
                gaps(&take(Shape::Poisson, 100.0, 10, seed, 100_001)).iter().map(|g| g / 1e7).collect();
            let a2 = anderson_darling(&mut gaps);
            assert!(a2 < 3.857, "seed {seed}: {a2}");
        }
        // A test that finds nothing is no test: even gaps, and gaps that are 2 % too long, are found out.
        let mut even = vec![1.0; 1000];
        assert!(anderson_darling(&mut even) > 100.0);
        let mut long: Vec<f64> =
            gaps(&take(Shape::Poisson, 100.0, 10, 1, 100_001)).iter().map(|g| g * 1.02 / 1e7).collect();
        assert!(anderson_darling(&mut long) > 3.857);
    }

    /// Seen through the integral of their rate, the gaps of a ramp are exponential with mean 1, as at any other rate.
    #[test]
    fn a_ramp_is_as_random_as_a_constant_rate() {
        let hour_ns = 3_600_000_000_000;
        let phases = [
            Phase { length_ns: hour_ns, begin_per_s: 10.0, end_per_s: 50.0 },
            Phase { length_ns: hour_ns, begin_per_s: 5.0, end_per_s: 5.0 },
        ];
        let due_until = |t_ns: u64| {
            let t = t_ns.min(hour_ns) as f64 / 1e9;
            10.0 * t + 40.0 / 3600.0 * t * t / 2.0 + t_ns.saturating_sub(hour_ns) as f64 / 1e9 * 5.0
        };
        for seed in 1..=3 {
            let mut schedule = Schedule::along(Profile::new(&phases, 1.0), Shape::Poisson, 10, seed, 0, 1);
            let times: Vec<u64> =
                std::iter::from_fn(|| Some(schedule.take().at_ns).filter(|&t| t != u64::MAX)).collect();
            // 126 000 are due; the count's standard deviation is its root, of which four are allowed.
            assert!(times.len().abs_diff(126_000) < 4 * 355, "{}", times.len());
            let mut gaps: Vec<f64> = times.windows(2).map(|pair| due_until(pair[1]) - due_until(pair[0])).collect();
            let a2 = anderson_darling(&mut gaps);
            assert!(a2 < 3.857, "seed {seed}: {a2}");
        }
    }

    /// Ten hours at a rate whose gap is no whole number of nanoseconds, next to a sum that makes no error: of the same
    /// draws in units of 2⁻⁶⁴.
    #[test]
    fn ten_hours_of_random_gaps_do_not_drift() {
        let rate = 97.0;
        let mut schedule = Schedule::new(Shape::Poisson, rate, 4, 3, 0, 1);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let (mut sum, mut frames) = (0u128, 0u64);
        loop {
            let gap = -(1.0 - rng.random::<f64>()).ln();
            let _slot: u32 = rng.random_range(0..4);
            sum += (gap * 2f64.powi(64)) as u128;
            // Units of 2⁻⁶⁴ ÷ 97 s, in nanoseconds.
            let exact_ns = ((sum >> 24) * 1_000_000_000 / 97) >> 40;
            let at_ns = u128::from(schedule.take().at_ns);
            assert!(at_ns.abs_diff(exact_ns) <= 1, "frame {frames}: {at_ns}, {exact_ns} is right");
            frames += 1;
            if exact_ns > 36_000_000_000_000 {
                break;
            }
        }
        assert!(frames.abs_diff(97 * 36_000) < 10_000, "{frames}");
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
