//! The block bootstrap: seeded resamples of whole blocks, and percentile intervals.

use std::collections::BTreeMap;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Resamples behind every interval.
pub const RESAMPLES: usize = 10_000;

/// Share of the resamples that an interval holds.
const COVERAGE: f64 = 0.95;

/// A two-sided 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub lo: f64,
    pub hi: f64,
}

impl Interval {
    /// The interval through a monotone function.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (f(self.lo), f(self.hi));
        Self { lo: a.min(b), hi: a.max(b) }
    }

    /// The percentile interval of what the resamples gave. `None` of nothing.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - COVERAGE) / 2.0;
        Some(Self { lo: quantile_sorted(&values, tail)?, hi: quantile_sorted(&values, 1.0 - tail)? })
    }
}

/// Draws blocks with replacement. The draws for `n` blocks are made once, and are the same for every
/// variant, cell and metric: what was measured in one block is resampled together.
#[derive(Debug)]
pub struct Resampler {
    seed: u64,
    resamples: usize,
    draws: BTreeMap<usize, Vec<u32>>,
}

impl Resampler {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self::with(seed, RESAMPLES)
    }

    /// With another number of resamples: simulations of many runs need fewer, as their bounds then scatter
    /// between runs by less than the runs do.
    #[must_use]
    pub const fn with(seed: u64, resamples: usize) -> Self {
        Self { seed, resamples, draws: BTreeMap::new() }
    }

    /// The draws of `count` out of `from` blocks, one after the other: as many times `count` places as it resamples.
    pub fn draws(&mut self, count: usize, from: usize) -> &[u32] {
        assert!(count > 0 && from > 0, "nothing can be drawn from nothing");
        let (seed, resamples) = (self.seed ^ ((from as u64) << 32), self.resamples);
        // Keyed by both, as a floor draws fewer than it has.
        self.draws.entry(count << 20 | from).or_insert_with(|| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            let place = |word: u64| ((u128::from(word) * from as u128) >> 64) as u32;
            (0..resamples * count).map(|_| place(random.next_u64())).collect()
        })
    }

    /// The statistic of every resample of `values`.
    pub fn statistics(&mut self, values: &[f64], count: usize, statistic: impl Fn(&mut [f64]) -> f64) -> Vec<f64> {
        let mut picked = vec![0.0; count];
        let draws = self.draws(count, values.len());
        let of = |draw: &[u32]| {
            for (slot, place) in picked.iter_mut().zip(draw) {
                *slot = values[*place as usize];
            }
            statistic(&mut picked)
        };
        draws.chunks_exact(count).map(of).collect()
    }

    /// The interval of the median. `None` of nothing.
    pub fn median_interval(&mut self, values: &[f64]) -> Option<Interval> {
        if values.is_empty() {
            return None;
        }
        Interval::of(self.statistics(values, values.len(), median_of))
    }
}

/// The median; sorts in place. Of nothing: NaN, which no caller may let happen.
pub(super) fn median_of(values: &mut [f64]) -> f64 {
    debug_assert!(!values.is_empty(), "a median needs a value");
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// The median of values that keep their order.
#[must_use]
pub(super) fn median(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(median_of(&mut values.to_vec())) }
}

/// The quantile of sorted values: the smallest value that at least this share does not exceed.
fn quantile_sorted(values: &[f64], q: f64) -> Option<f64> {
    let rank = (q * values.len() as f64).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied()
}

/// The quantile of unsorted values.
#[must_use]
pub(super) fn quantile(mut values: Vec<f64>, q: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    quantile_sorted(&values, q)
}
