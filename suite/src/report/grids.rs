//! Which tables a report shows, in which order.

use super::grid::Grid;
use super::{beside, leads, peaks, values};
use crate::analyse::{Analysis, Metric, Part};

/// The metrics that a terminal shows unasked: the steadiest, the one users feel, and the one people ask for.
const MAIN: [Metric; 3] = [Metric::ServerCpuOpen, Metric::ResponseP99, Metric::Throughput];

/// Those whose crossovers and contrasts it shows.
const MAIN_LINES: [Metric; 2] = [Metric::ServerCpuOpen, Metric::ResponseP99];

/// Every table that says something.
pub(super) fn all(analysis: &Analysis) -> Vec<Grid> {
    chosen(analysis, |_| true, |_| true, |_| true)
}

/// The main tables, or all.
pub(super) fn main_or_all(analysis: &Analysis, everything: bool) -> Vec<Grid> {
    if everything {
        return all(analysis);
    }
    let any = |metrics: &[Metric], key: &str| metrics.iter().any(|metric| metric.key() == key);
    chosen(analysis, |key| any(&MAIN, key), |key| any(&MAIN_LINES, key), |key| key == Part::User.key())
}

fn chosen(
    analysis: &Analysis,
    metrics: impl Fn(&str) -> bool,
    lines: impl Fn(&str) -> bool,
    parts: impl Fn(&str) -> bool,
) -> Vec<Grid> {
    let mut grids = peaks::all(analysis);
    let tables = analysis.tables.iter().filter(|table| metrics(&table.key));
    grids.extend(tables.map(|table| values::of_cells(table, analysis)));
    let slopes = analysis.slopes.iter().filter(|table| parts(&table.key));
    grids.extend(slopes.map(|table| values::of_slopes(table, analysis)));
    for lines in analysis.lines.iter().filter(|of| lines(&of.key)) {
        grids.push(leads::of(lines, analysis));
    }
    for contrast in analysis.contrasts.iter().filter(|contrast| lines(&contrast.key)) {
        let table = analysis.tables.iter().find(|table| table.key == contrast.key);
        grids.push(beside::of(contrast, table.expect("a contrast has its metric's table"), analysis));
    }
    grids.retain(Grid::says_something);
    grids
}
