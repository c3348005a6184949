//! Latency and CPU per frame at rates that follow from peaks: at shares of them, and at fixed rates from near idle.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Resampler, median};
use super::context::Context;
use super::metric::Metric;
use super::sample::{Outcome, Reason, Samples};
use super::table::{Judged, Table, tabulate_by};
use super::validity::judge;
use crate::record::{Cell, RateOf, Rung, Trial};

/// A column: a cell, and a rate in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateColumn {
    pub cell: Cell,
    pub at: RateOf,
    /// The rate where it is the same for all variants, frames/s; `None` for shares of each variant's own peak.
    pub rate_per_s: Option<f64>,
}

/// The metrics, in the order in which they are shown: the steadiest first.
const METRICS: [Metric; 3] = [Metric::ServerCpuOpen, Metric::ResponseP50, Metric::ResponseP99];

/// One table per metric; none without a trial of the second phase.
pub(super) fn at_rates(trials: &[Trial], context: &Context, resampler: &mut Resampler) -> Vec<Table<RateColumn>> {
    let ladders: Vec<Trial> = trials.iter().filter(|trial| !trial.ladder.is_empty()).cloned().collect();
    let columns = columns(&ladders, context);
    if columns.is_empty() {
        return Vec::new();
    }
    let of = |metric: Metric| {
        let judged = Judged {
            key: format!("{}_at_rates", metric.key()),
            title: title(metric).into(),
            formula: metric.formula().into(),
            unit: metric.unit(),
            better: metric.better(),
            mode: None,
        };
        let samples: Vec<Samples> = columns
            .iter()
            .map(|column| Samples::collect_by(&ladders, context, |trial| rung_outcome(metric, trial, column.at)))
            .collect();
        let cells: Vec<(Cell, &Samples)> = columns.iter().map(|column| column.cell).zip(&samples).collect();
        tabulate_by(judged, columns.clone(), &cells, context, resampler)
    };
    METRICS.map(of).into()
}

const fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::ServerCpuOpen => "Server CPU per frame along the rate",
        Metric::ResponseP50 => "Response time p50 along the rate",
        _ => "Response time p99 along the rate",
    }
}

/// In each cell the rates of its ladders: the fixed ones, the common one, each variant's own.
fn columns(ladders: &[Trial], context: &Context) -> Vec<RateColumn> {
    let mut columns = Vec::new();
    for &cell in &context.cells {
        let rungs = || ladders.iter().filter(|trial| trial.cell == cell).flat_map(|trial| &trial.ladder);
        let mut kinds: Vec<RateOf> = rungs().map(|rung| rung.at).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for at in kinds {
            let rates: Vec<f64> =
                rungs().filter(|rung| rung.at == at).map(|rung| rung.load.client.rate_intended_per_s).collect();
            let rate_per_s = match at {
                RateOf::Fixed(rate) => Some(rate as f64),
                RateOf::CommonPeak(_) => median(&rates),
                RateOf::OwnPeak(_) => None,
            };
            columns.push(RateColumn { cell, at, rate_per_s });
        }
    }
    columns
}

/// What a ladder says about a metric at one of its rates, by the gates of that load alone.
fn rung_outcome(metric: Metric, trial: &Trial, at: RateOf) -> Outcome {
    match trial.ladder.iter().find(|rung| rung.at == at) {
        Some(Rung { load, .. }) => {
            let alone = Trial { loads: vec![load.clone()], ladder: Vec::new(), search: None, ..trial.clone() };
            judge(metric, &alone)
        }
        None => Outcome::Missing { reason: Reason::new("no rate", "no search of this variant found a peak") },
    }
}
