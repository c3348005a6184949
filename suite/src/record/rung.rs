//! Loads at fixed rates that follow a peak search.

use serde::{Deserialize, Serialize};

use super::Load;

/// One rate of a ladder: an open load, and where its rate comes from.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    pub at: RateOf,
    pub load: Load,
}

/// Where a rate comes from.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateOf {
    /// The experiment's, in frames/s over all connections: the same for all.
    Fixed(u64),
    /// So many per cent of the slowest variant's peak in the cell: the same for all.
    CommonPeak(u8),
    /// So many per cent of the variant's own peak.
    OwnPeak(u8),
}
