//! Rate against latency, for the page: what the steps of all searches of a variant in a cell say together.

use serde::Serialize;

use crate::analyse::{Analysis, CurvePoint, RateCurve};

/// Steps whose rates are closer than this ratio make one point: the blocks search by themselves and never meet exactly.
const WIDTH: f64 = 1.08;

/// One variant in one cell.
#[derive(Debug, Serialize)]
pub(super) struct Rates {
    /// Places in the context's variants and cells.
    variant: usize,
    cell: usize,
    /// Offered frames/s over all connections, and p99 of the response time in nanoseconds: medians of the steps that lie
    /// together, by rising rate.
    points: Vec<(f64, f64)>,
    /// The deadline of the strictest goal.
    slo_ns: Option<u64>,
    /// The goal in words.
    slo: Option<String>,
    /// The bounds of the peak for that goal, frames/s.
    lower_per_s: Option<f64>,
    upper_per_s: Option<f64>,
}

/// Every variant and cell that was searched.
pub(super) fn of(analysis: &Analysis) -> Vec<Rates> {
    let Some(peaks) = &analysis.peaks else { return Vec::new() };
    let strictest = peaks.goals.first();
    let of = |curve: &RateCurve| {
        let cell = analysis.context.cells.iter().position(|cell| *cell == curve.cell)?;
        let bounds = strictest.and_then(|goal| {
            let place = goal.table.columns.iter().position(|column| *column == curve.cell)?;
            goal.bounds.get(curve.variant)?.get(place)
        });
        Some(Rates {
            variant: curve.variant,
            cell,
            points: points(&curve.points),
            slo_ns: strictest.map(|goal| goal.goal.deadline_ns()),
            slo: strictest.map(|goal| goal.goal.title()),
            lower_per_s: bounds.and_then(|bounds| bounds.lower_per_s),
            upper_per_s: bounds.and_then(|bounds| bounds.upper_per_s),
        })
    };
    peaks.curves.iter().filter_map(of).collect()
}

fn points(steps: &[CurvePoint]) -> Vec<(f64, f64)> {
    let of = |step: &CurvePoint| Some((step.rate_per_s as f64, step.p99_ns? as f64));
    let mut steps: Vec<(f64, f64)> = steps.iter().filter_map(of).collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut groups: Vec<Vec<(f64, f64)>> = Vec::new();
    for step in steps {
        match groups.last_mut() {
            Some(group) if step.0 <= group[0].0 * WIDTH => group.push(step),
            _ => groups.push(vec![step]),
        }
    }
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let point = |group: Vec<(f64, f64)>| {
        let (rates, latencies) = group.into_iter().unzip();
        (middle(rates), middle(latencies))
    };
    groups.into_iter().map(point).collect()
}
