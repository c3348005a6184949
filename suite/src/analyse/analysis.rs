//! The whole analysis of a run: everything a report shows, and nothing it would have to compute.

use serde::{Deserialize, Serialize};

use super::bootstrap::Resampler;
use super::context::Context;
use super::metric::Metric;
use super::sample::Samples;
use super::table::Table;
use crate::record::{Cell, Trial};

/// What a run says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub context: Context,
    /// Trials that the records hold, twins included.
    pub trials: u32,
    /// One per metric that any trial yields.
    pub tables: Vec<Table>,
    /// Trials that did not get to their end.
    pub failed: Vec<Failed>,
}

/// A trial that did not get to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub trial: u32,
    pub variant: String,
    pub cell: Cell,
    pub block: u32,
    pub stage: String,
    pub error: String,
}

/// Analyses a run from its trials. The same input gives the same output, to the bit.
#[must_use]
pub fn analyse(trials: &[Trial], context: &Context) -> Analysis {
    let mut resampler = Resampler::new(context.seed);
    let tables = Metric::ALL
        .into_iter()
        .map(|metric| Table::of(metric, &Samples::collect(metric, trials, context), context, &mut resampler))
        .collect();
    Analysis { context: context.clone(), trials: trials.len() as u32, tables, failed: failed(trials) }
}

fn failed(trials: &[Trial]) -> Vec<Failed> {
    let of = |trial: &Trial| {
        let failure = trial.failure.as_ref()?;
        Some(Failed {
            trial: trial.trial,
            variant: format!("{}/{}", trial.engine, trial.variant),
            cell: trial.cell,
            block: trial.block,
            stage: failure.stage.clone(),
            error: failure.error.clone(),
        })
    };
    trials.iter().filter_map(of).collect()
}
