//! Rate against latency: what a run knows of response times at several offered rates.

use serde::Serialize;

use super::digest::plays;
use crate::analyse::Context;
use crate::record::{Mode, Trial};

/// One variant in one cell.
#[derive(Debug, Serialize)]
pub(super) struct Rates {
    /// Places in the context's variants and cells.
    variant: usize,
    cell: usize,
    /// Offered frames/s over all connections, and p99 of the response time in nanoseconds, by rising rate: the median of the
    /// blocks.
    points: Vec<(f64, f64)>,
}

/// Every variant and cell with at least two rates.
pub(super) fn of(trials: &[Trial], context: &Context) -> Vec<Rates> {
    let mut rates = Vec::new();
    for variant in 0..context.variants.len() {
        for (cell, asked) in context.cells.iter().enumerate() {
            let own =
                trials.iter().filter(|trial| trial.cell == *asked && !trial.twin && plays(trial, context, variant));
            let points = points(own);
            if points.len() >= 2 {
                rates.push(Rates { variant, cell, points });
            }
        }
    }
    rates
}

/// The loads of a trial are in the same order in every block, so their places tell the rates apart.
fn points<'a>(trials: impl Iterator<Item = &'a Trial>) -> Vec<(f64, f64)> {
    let mut by_place: Vec<Vec<(f64, f64)>> = Vec::new();
    for trial in trials {
        for (place, load) in trial.loads.iter().filter(|load| load.mode == Mode::Open).enumerate() {
            if by_place.len() <= place {
                by_place.push(Vec::new());
            }
            // A load whose own gates tripped is no point of a curve.
            if let Some(p99) = load.client.response_ns.p99.filter(|_| load.gates.is_empty()) {
                by_place[place].push((load.client.rate_intended_per_s, p99 as f64));
            }
        }
    }
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let point = |points: Vec<(f64, f64)>| {
        let (rates, latencies) = points.into_iter().unzip();
        middle(rates).zip(middle(latencies))
    };
    let mut points: Vec<(f64, f64)> = by_place.into_iter().filter_map(point).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}
