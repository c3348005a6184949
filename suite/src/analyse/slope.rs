//! Memory per connection: the slope of memory over the connection counts of a sweep.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bootstrap::Resampler;
use super::compare::stand;
use super::context::Context;
use super::metric::{Better, Unit, memory};
use super::noise::Floor;
use super::part::Part;
use super::sample::{Outcome, Reason};
use super::table::{Entry, Row, Table, absence};
use super::validity::judge_value;
use crate::record::{Cell, State, Transport, Trial};

/// Connection counts that a slope needs; with fewer it is shown, and not compared.
pub const COUNTS_MIN: usize = 5;

/// A slope's column: which connections, and in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlopeColumn {
    pub transport: Transport,
    pub state: State,
    /// `None`: all payloads together, as connections that were never used have not seen one.
    pub payload_bytes: Option<u32>,
}

/// One trial's contribution: connections, and growth in bytes.
type Growth = (f64, Outcome);

/// The slope table of one part of the memory; `None` where no column has two counts.
#[must_use]
pub fn slopes(
    part: Part,
    trials: &[Trial],
    context: &Context,
    resampler: &mut Resampler,
) -> Option<Table<SlopeColumn>> {
    let columns = columns(&context.cells);
    if columns.is_empty() {
        return None;
    }
    // A pair of identical trials is at one count: no slope, so no floor of its own.
    let floor = Floor::of(&[], context.blocks_asked as usize, resampler);
    let mut rows: Vec<Row> = context.names().into_iter().map(|name| Row { name, entries: Vec::new() }).collect();
    for column in &columns {
        let outcomes: Vec<BTreeMap<u32, Outcome>> = context
            .variants
            .iter()
            .map(|asked| {
                let own = |trial: &&Trial| {
                    !trial.twin
                        && trial.engine == asked.engine
                        && trial.variant == asked.variant
                        && column.holds(trial.cell)
                };
                block_slopes(part, column.state, trials.iter().filter(own))
            })
            .collect();
        let usable: Vec<BTreeMap<u32, f64>> = outcomes.iter().map(usable).collect();
        let standings = stand(&usable, Better::Lower, floor.delta(), resampler);
        for ((variant, row), standing) in rows.iter_mut().enumerate().zip(standings) {
            let cell = context.cells.iter().copied().find(|cell| column.holds(*cell));
            let absent = || absence(context, variant, cell.expect("a column is made of cells"));
            row.entries.push(Entry::of(&outcomes[variant], standing, absent, context.blocks_asked, resampler));
        }
    }
    Some(Table {
        key: part.key().into(),
        title: part.title().into(),
        formula: part.formula().into(),
        unit: Unit::Bytes,
        better: Better::Lower,
        mode: None,
        floor,
        columns,
        rows,
    })
}

impl SlopeColumn {
    fn holds(&self, cell: Cell) -> bool {
        cell.transport == self.transport && self.payload_bytes.is_none_or(|payload| payload == cell.payload_bytes)
    }
}

/// Every state of every transport with connections, where the cells have at least two counts.
fn columns(cells: &[Cell]) -> Vec<SlopeColumn> {
    let mut columns = Vec::new();
    // UDP has no connections on the server.
    for transport in [Transport::Tcp, Transport::Unix] {
        let payloads: BTreeSet<u32> =
            cells.iter().filter(|cell| cell.transport == transport).map(|cell| cell.payload_bytes).collect();
        columns.push(SlopeColumn { transport, state: State::Connected, payload_bytes: None });
        for state in [State::Active, State::Used] {
            let of = |payload: &u32| SlopeColumn { transport, state, payload_bytes: Some(*payload) };
            columns.extend(payloads.iter().map(of));
        }
    }
    columns.retain(|column| {
        let counts = cells.iter().filter(|cell| column.holds(**cell)).map(|cell| cell.connections);
        counts.collect::<BTreeSet<u32>>().len() >= 2
    });
    columns
}

/// The slope of each block, judged.
fn block_slopes<'a>(part: Part, state: State, trials: impl Iterator<Item = &'a Trial>) -> BTreeMap<u32, Outcome> {
    let mut blocks: BTreeMap<u32, BTreeMap<Cell, Growth>> = BTreeMap::new();
    for trial in trials {
        // By cell: a repeated trial replaces the first.
        blocks.entry(trial.block).or_default().insert(trial.cell, growth(part, state, trial));
    }
    blocks.into_iter().map(|(block, growths)| (block, slope_of(growths.into_values().collect()))).collect()
}

fn growth(part: Part, state: State, trial: &Trial) -> Growth {
    let found = memory(trial, State::Before).and_then(|before| Ok((before, memory(trial, state)?)));
    let connections = found.as_ref().map_or(0.0, |(_, after)| after.connections as f64);
    let bytes = found.and_then(|(before, after)| Ok(part.bytes(after)? - part.bytes(before)?));
    (connections, judge_value(part.judged_as(), trial, bytes))
}

/// Least squares over the trials that count.
fn slope_of(growths: Vec<Growth>) -> Outcome {
    let points: Vec<(f64, f64)> = growths.iter().filter_map(|(x, y)| Some((*x, y.usable()?))).collect();
    let counts = points.iter().map(|(x, _)| *x as u64).collect::<BTreeSet<u64>>().len();
    match least_squares(&points) {
        Some(slope) if counts >= COUNTS_MIN => Outcome::Usable(slope),
        Some(slope) => {
            let detail = format!("{counts} connection counts that count; a slope needs {COUNTS_MIN}");
            Outcome::Invalid { value: Some(slope), reason: Reason::new("few counts", &detail) }
        }
        None => {
            let reason = growths.into_iter().find_map(|(_, outcome)| match outcome {
                Outcome::Usable(_) => None,
                Outcome::Bound { reason, .. } | Outcome::Invalid { reason, .. } | Outcome::Missing { reason } => {
                    Some(reason)
                }
            });
            let one = || Reason::new("few counts", "one connection count; a slope needs several");
            Outcome::Missing { reason: reason.unwrap_or_else(one) }
        }
    }
}

/// The slope of the line with an intercept; `None` without two different x.
fn least_squares(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let xx: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let xy: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (xx > 0.0).then(|| xy / xx)
}

fn usable(outcomes: &BTreeMap<u32, Outcome>) -> BTreeMap<u32, f64> {
    outcomes.iter().filter_map(|(block, outcome)| Some((*block, outcome.usable()?))).collect()
}
