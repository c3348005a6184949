//! The noise floor: how far the same engine lies from itself under two labels.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Resampler, median, median_of, quantile};
use super::compare::{BLOCKS_MIN, DELTA_MIN};

/// What the A/A pairs of a run say about one metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// A/A pairs behind it, over all cells and blocks.
    pub pairs: u32,
    /// The log ratio that a comparison of the same engine with itself, over as many blocks as the run has,
    /// stays below in 95 % of resamples. `None` with fewer than [`BLOCKS_MIN`] pairs: unknown.
    pub log_ratio: Option<f64>,
    /// The median of the pairs' absolute log ratios: what one trial against another differs by.
    pub typical: Option<f64>,
}

impl Floor {
    /// The floor for comparisons over `blocks` blocks.
    pub fn of(pairs: &[f64], blocks: usize, resampler: &mut Resampler) -> Self {
        let absolute: Vec<f64> = pairs.iter().map(|ratio| ratio.abs()).collect();
        let log_ratio = (pairs.len() >= BLOCKS_MIN).then(|| {
            // As many draws as a comparison has blocks: the floor then has the comparison's own precision.
            let draws = resampler.statistics(pairs, blocks.max(1), |picked| median_of(picked).abs());
            quantile(draws, 0.95).expect("there are resamples")
        });
        Self { pairs: pairs.len() as u32, log_ratio, typical: median(&absolute) }
    }

    /// The half width of the band in which a difference is a tie, as a log ratio.
    #[must_use]
    pub fn delta(&self) -> f64 {
        self.log_ratio.unwrap_or(0.0).max(DELTA_MIN.ln_1p())
    }
}
