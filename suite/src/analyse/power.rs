//! What a comparison can tell apart before it is made: the smallest difference that blocks and noise let it call.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::bootstrap::median_of;
use super::compare::{BLOCKS_MIN, DELTA_MIN};
use super::family::strictest;
use super::student;

/// The chance with which a difference of the stated size is called.
pub const POWER: f64 = 0.8;

/// The noise where no earlier run of this host says otherwise: the standard deviation of the log ratio of two
/// identical trials in one block.
pub const NOISE_ASSUMED: f64 = 0.05;

/// Blocks beyond which nobody should wait for a difference.
const BLOCKS_MAX: usize = 64;

/// Simulated comparisons behind a resolution: its own standard error is a few hundredths of the noise.
const SIMULATIONS: usize = 300;

/// Resamples behind each simulated floor; the scatter between simulations is far larger.
const FLOOR_RESAMPLES: usize = 120;

/// A comparison to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// Standard deviation of the log ratio of two identical trials in one block.
    pub noise: f64,
    /// Pairs of variants that are judged together in one column.
    pub pairs: usize,
    /// A/A pairs in each block.
    pub twins: usize,
}

impl Design {
    /// The log ratio that is called with a chance of [`POWER`] in `blocks` blocks; `None` where nothing ever is.
    ///
    /// The rule of the comparison itself is simulated on normal noise, with a fixed seed: for each simulation there
    /// is a smallest true difference from which on it would be called, and their 80 % quantile is the answer. The
    /// interval of the simulated comparison is the bootstrap's; that of the family the strictest step of Holm.
    #[must_use]
    pub fn resolution(&self, blocks: u32) -> Option<f64> {
        let blocks = blocks as usize;
        if blocks < BLOCKS_MIN {
            return None;
        }
        let mut normal = Normal::new(blocks as u64);
        let t = student::reached_with(strictest(self.pairs), blocks as u32 - 1);
        let needed = (0..SIMULATIONS).map(|_| self.needed(blocks, t, &mut normal));
        super::bootstrap::quantile(needed.collect(), POWER)
    }

    /// The fewest blocks that call this ratio with a chance of [`POWER`], rounded up to a sensible number; `None`
    /// when even 64 do not.
    #[must_use]
    pub fn blocks_for(&self, ratio: f64) -> Option<u32> {
        let wanted = ratio.ln();
        let enough = |blocks: &u32| self.resolution(*blocks).is_some_and(|found| found <= wanted);
        const SENSIBLE: [u32; 16] = [3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, BLOCKS_MAX as u32];
        // Most often nothing helps, and the largest says so at once.
        enough(&(BLOCKS_MAX as u32)).then(|| SENSIBLE.into_iter().find(enough)).flatten()
    }

    /// The true difference from which on one simulated comparison is called.
    fn needed(&self, blocks: usize, t: f64, normal: &mut Normal) -> f64 {
        let noise: Vec<f64> = (0..blocks).map(|_| self.noise * normal.next()).collect();
        let twins: Vec<f64> = (0..blocks * self.twins).map(|_| self.noise * normal.next()).collect();
        let mut medians = resampled(&noise, blocks, FLOOR_RESAMPLES, normal);
        medians.sort_unstable_by(f64::total_cmp);
        let lowest = medians[FLOOR_RESAMPLES / 40];
        let floor = if twins.len() < BLOCKS_MIN {
            0.0
        } else {
            let medians = resampled(&twins, blocks, FLOOR_RESAMPLES, normal).into_iter().map(f64::abs).collect();
            super::bootstrap::quantile(medians, 0.95).expect("there are resamples")
        };
        let n = blocks as f64;
        let mean = noise.iter().sum::<f64>() / n;
        let deviation = (noise.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let by_interval = floor.max(DELTA_MIN.ln_1p()) - lowest;
        let by_family = t * deviation / n.sqrt() - mean;
        by_interval.max(by_family)
    }
}

/// The noise that A/A pairs show: the root mean square of their log ratios. An outlier weighs in it, as it should in
/// a promise. `None` with fewer than [`BLOCKS_MIN`].
#[must_use]
pub fn noise_of(log_ratios: &[f64]) -> Option<f64> {
    let squares: f64 = log_ratios.iter().map(|ratio| ratio * ratio).sum();
    (log_ratios.len() >= BLOCKS_MIN).then(|| (squares / log_ratios.len() as f64).sqrt())
}

fn resampled(values: &[f64], count: usize, times: usize, normal: &mut Normal) -> Vec<f64> {
    let mut picked = vec![0.0; count];
    let mut one = |_| {
        picked.iter_mut().for_each(|slot| *slot = values[normal.below(values.len())]);
        median_of(&mut picked)
    };
    (0..times).map(&mut one).collect()
}

/// Seeded draws.
struct Normal(Xoshiro256PlusPlus);

impl Normal {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A standard normal number: Box–Muller.
    fn next(&mut self) -> f64 {
        let (a, b) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Design = Design { noise: 0.02, pairs: 10, twins: 1 };

    #[test]
    fn more_noise_and_more_pairs_need_more_blocks() {
        let blocks = |design: Design| design.blocks_for(1.05);
        assert!(blocks(QUIET) < blocks(Design { noise: 0.04, ..QUIET }));
        assert!(blocks(QUIET) <= blocks(Design { pairs: 300, ..QUIET }));
        assert_eq!(blocks(Design { noise: 1.0, ..QUIET }), None);
    }

    #[test]
    fn the_band_of_ties_is_the_end_of_all_precision() {
        let exact = Design { noise: 1e-6, ..QUIET };
        let resolution = exact.resolution(10).expect("ten blocks");
        assert!((resolution - 0.02_f64.ln_1p()).abs() < 1e-4, "{resolution}");
        assert_eq!(exact.blocks_for(1.015), None);
        assert_eq!(QUIET.resolution(2), None);
    }

    #[test]
    fn noise_is_the_root_mean_square() {
        assert_eq!(noise_of(&[0.03, -0.04, 0.0, 0.0]), Some(0.025));
        assert_eq!(noise_of(&[0.1, 0.1]), None);
    }
}
