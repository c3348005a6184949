//! The values that count, gathered by variant, cell and metric.

use crate::analyse::{Metric, judge};
use crate::record::{Cell, Trial};

/// The values of one metric in one cell of one variant, one a trial, in the order of the trials. Twins are trials of
/// their own right here.
pub(super) struct Gathered<'a> {
    pub(super) engine: &'a str,
    pub(super) variant: &'a str,
    pub(super) cell: Cell,
    pub(super) metric: Metric,
    pub(super) values: Vec<f64>,
}

/// Everything that counts, in the order in which it first appears.
pub(super) fn gather(trials: &[Trial]) -> Vec<Gathered<'_>> {
    let mut subjects: Vec<(&str, &str, Cell)> = Vec::new();
    for trial in trials {
        let subject = (trial.engine.as_str(), trial.variant.as_str(), trial.cell);
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    subjects.sort_unstable();
    let mut gathered = Vec::new();
    for (engine, variant, cell) in subjects {
        let own = |trial: &&Trial| trial.engine == engine && trial.variant == variant && trial.cell == cell;
        for metric in Metric::ALL {
            let usable = |trial: &Trial| judge(metric, trial).usable();
            let values: Vec<f64> = trials.iter().filter(own).filter_map(usable).collect();
            if !values.is_empty() {
                gathered.push(Gathered { engine, variant, cell, metric, values });
            }
        }
    }
    gathered
}

/// The median.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], sorted[middle]) } else { sorted[middle] }
}
