//! The values of one metric, by variant, cell and block: the input of everything statistical.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::metric::Metric;
use super::validity::judge;
use crate::record::{Cell, Trial};

/// Why a value is not used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// The gate's name, or what is missing: footnotes gather by it.
    pub kind: String,
    /// What was seen.
    pub detail: String,
}

impl Reason {
    #[must_use]
    pub fn new(kind: &str, detail: &str) -> Self {
        Self { kind: kind.to_owned(), detail: detail.to_owned() }
    }
}

/// What one trial says about one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Usable(f64),
    /// The true number is at least this good: shown, never compared.
    Bound {
        value: f64,
        reason: Reason,
    },
    /// Measured and not to be trusted: shown, never used.
    Invalid {
        value: Option<f64>,
        reason: Reason,
    },
    Missing {
        reason: Reason,
    },
}

impl Outcome {
    /// The value, if it counts.
    #[must_use]
    pub const fn usable(&self) -> Option<f64> {
        if let Self::Usable(value) = self { Some(*value) } else { None }
    }
}

/// A metric's outcomes by block, for each variant (its place in the context) and cell. Twins are kept apart.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    values: BTreeMap<(usize, Cell), BTreeMap<u32, Outcome>>,
    twins: BTreeMap<(usize, Cell), BTreeMap<u32, Outcome>>,
}

impl Samples {
    /// Collects a metric. Of several trials of one variant, cell and block the last counts: a resumed run repeats one.
    #[must_use]
    pub fn collect(metric: Metric, trials: &[Trial], context: &Context) -> Self {
        Self::collect_by(trials, context, |trial| judge(metric, trial))
    }

    /// Collects whatever `outcome` makes of a trial.
    pub fn collect_by(trials: &[Trial], context: &Context, outcome: impl Fn(&Trial) -> Outcome) -> Self {
        let mut samples = Self::default();
        for trial in trials {
            let place = context.variants.iter().position(|v| v.engine == trial.engine && v.variant == trial.variant);
            let Some(variant) = place else { continue };
            let side = if trial.twin { &mut samples.twins } else { &mut samples.values };
            side.entry((variant, trial.cell)).or_default().insert(trial.block, outcome(trial));
        }
        samples
    }

    /// Outcomes by block; empty where no trial was made.
    #[must_use]
    pub fn outcomes(&self, variant: usize, cell: Cell) -> BTreeMap<u32, Outcome> {
        self.values.get(&(variant, cell)).cloned().unwrap_or_default()
    }

    /// Usable values by block.
    #[must_use]
    pub fn usable(&self, variant: usize, cell: Cell) -> BTreeMap<u32, f64> {
        usable(self.values.get(&(variant, cell)))
    }

    /// Log ratios of the A/A pairs: the same variant, cell and block, measured twice.
    #[must_use]
    pub fn twin_log_ratios(&self) -> Vec<f64> {
        let mut ratios = Vec::new();
        for (key, twins) in &self.twins {
            let first = usable(self.values.get(key));
            for (block, value) in usable(Some(twins)) {
                if let Some(ratio) = first.get(&block).and_then(|first| log_ratio(value, *first)) {
                    ratios.push(ratio);
                }
            }
        }
        ratios
    }
}

/// ln(a ÷ b); `None` where a ratio has no meaning.
#[must_use]
pub(super) fn log_ratio(a: f64, b: f64) -> Option<f64> {
    (a > 0.0 && b > 0.0).then(|| (a / b).ln())
}

fn usable(outcomes: Option<&BTreeMap<u32, Outcome>>) -> BTreeMap<u32, f64> {
    let outcomes = outcomes.into_iter().flatten();
    outcomes.filter_map(|(block, outcome)| Some((*block, outcome.usable()?))).collect()
}
