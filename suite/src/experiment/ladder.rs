//! The rates at which every variant is looked at once the peaks are known.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// A second phase after a peak search: each variant again in each cell and block, on a fresh server, at rates that are
/// partly fixed and partly follow from the peaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Rates for all, frames/s over all connections: from near idle up.
    pub rates_per_s: Vec<u64>,
    /// How much of its own peak each variant is then given, and how much of the slowest variant's peak all are given.
    pub peak_percent: u8,
    /// Whose peaks: the place of the goal in the search, from 0.
    pub goal: u32,
    /// A rate is looked at for so many frames at least: longer than a window where that has fewer.
    pub frames_min: u64,
    /// The client waits actively for the last microseconds before a due time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spin_us: Option<u32>,
}

impl Ladder {
    /// Whether all values make sense, for a search with so many goals.
    ///
    /// # Errors
    /// Names the first value that does not, and what would.
    pub fn check(&self, goals: usize) -> anyhow::Result<()> {
        ensure!(goals > 0, "[ladder] follows a [[load]] with mode = \"search\": there is none");
        ensure!((self.goal as usize) < goals, "[ladder] goal {}: the search has goals 0 to {}", self.goal, goals - 1);
        let percent = self.peak_percent;
        ensure!((1..=100).contains(&percent), "[ladder] peak_percent {percent}: must be 1 to 100");
        ensure!(self.rates_per_s.iter().all(|rate| *rate > 0), "[ladder] rates_per_s 0: must be more than 0");
        Ok(())
    }
}
