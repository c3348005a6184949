//! The table of one metric: variants down, cells across, each entry with its value, its standing or its reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resampler, median};
use super::compare::{BLOCKS_MIN, Standing, Verdict, stand};
use super::context::Context;
use super::metric::{Better, Metric, Unit};
use super::noise::Floor;
use super::sample::{Outcome, Reason, Samples};
use crate::record::{Cell, Mode};

/// One metric over all variants and columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table<Column = Cell> {
    /// Its name in files and URLs.
    pub key: String,
    pub title: String,
    pub formula: String,
    pub unit: Unit,
    pub better: Better,
    /// The load that it is measured under; `None` for memory.
    pub mode: Option<Mode>,
    pub floor: Floor,
    pub columns: Vec<Column>,
    /// One per variant of the context, in its order.
    pub rows: Vec<Row>,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    /// One per column.
    pub entries: Vec<Entry>,
}

/// One variant in one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub status: Status,
    /// The median over the blocks that count, or over those that do not where none does.
    pub value: Option<f64>,
    /// The 95 % interval of that median, with enough blocks.
    pub interval: Option<Interval>,
    /// Blocks that count.
    pub blocks: u32,
    pub standing: Option<Standing>,
    /// Why blocks do not count; also present beside a value that counts, if some blocks do not.
    pub reasons: Vec<Exclusion>,
}

/// What kind of entry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Measured,
    /// At least this good: shown, not compared.
    Bound,
    /// Measured, not trusted: shown, not compared.
    Invalid,
    Missing,
}

/// Blocks left out for one kind of reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The first reason of the kind.
    pub reason: Reason,
    pub blocks: u32,
}

/// What a table is about, beside its columns and values.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) key: String,
    pub(super) title: String,
    pub(super) formula: String,
    pub(super) unit: Unit,
    pub(super) better: Better,
    pub(super) mode: Option<Mode>,
}

impl Table {
    /// The table of `metric`.
    #[must_use]
    pub fn of(metric: Metric, samples: &Samples, context: &Context, resampler: &mut Resampler) -> Self {
        let judged = Judged {
            key: metric.key().into(),
            title: metric.title().into(),
            formula: metric.formula().into(),
            unit: metric.unit(),
            better: metric.better(),
            mode: metric.mode(),
        };
        tabulate(judged, &context.cells, samples, context, resampler)
    }
}

/// A table with a column for each of `cells`.
pub(super) fn tabulate(
    judged: Judged,
    cells: &[Cell],
    samples: &Samples,
    context: &Context,
    resampler: &mut Resampler,
) -> Table {
    let each: Vec<(Cell, &Samples)> = cells.iter().map(|cell| (*cell, samples)).collect();
    tabulate_by(judged, cells.to_vec(), &each, context, resampler)
}

/// A table with columns of any kind; `of` says for each which samples it shows, of which cell.
/// The noise floor is that of all these samples together.
pub(super) fn tabulate_by<Column>(
    judged: Judged,
    columns: Vec<Column>,
    of: &[(Cell, &Samples)],
    context: &Context,
    resampler: &mut Resampler,
) -> Table<Column> {
    let mut twins: Vec<f64> = Vec::new();
    for (place, (_, samples)) in of.iter().enumerate() {
        // The same samples for several columns have the same twins.
        if !of[..place].iter().any(|(_, other)| std::ptr::eq(*other, *samples)) {
            twins.extend(samples.twin_log_ratios());
        }
    }
    let floor = Floor::of(&twins, context.blocks_asked as usize, resampler);
    let mut rows: Vec<Row> = context.names().into_iter().map(|name| Row { name, entries: Vec::new() }).collect();
    for (cell, samples) in of {
        let column: Vec<_> = (0..rows.len()).map(|variant| samples.usable(variant, *cell)).collect();
        let standings = stand(&column, judged.better, floor.delta(), resampler);
        for ((variant, row), standing) in rows.iter_mut().enumerate().zip(standings) {
            let outcomes = samples.outcomes(variant, *cell);
            let absent = || absence(context, variant, *cell);
            row.entries.push(Entry::of(&outcomes, standing, absent, context.blocks_asked, resampler));
        }
        leave_open(&mut rows);
    }
    let Judged { key, title, formula, unit, better, mode } = judged;
    Table { key, title, formula, unit, better, mode, floor, columns, rows }
}

impl Entry {
    /// An entry from the outcomes of its blocks; `absent` says why there are none.
    pub fn of(
        outcomes: &BTreeMap<u32, Outcome>,
        standing: Option<Standing>,
        absent: impl FnOnce() -> Reason,
        blocks_asked: u32,
        resampler: &mut Resampler,
    ) -> Self {
        let mut reasons = exclusions(outcomes);
        let usable: Vec<f64> = outcomes.values().filter_map(Outcome::usable).collect();
        let (status, values) = if usable.is_empty() { unusable(outcomes) } else { (Status::Measured, usable) };
        if outcomes.is_empty() {
            reasons.push(Exclusion { reason: absent(), blocks: blocks_asked });
        }
        let blocks = if status == Status::Measured { values.len() } else { 0 };
        let interval = (blocks >= BLOCKS_MIN).then(|| resampler.median_interval(&values)).flatten();
        Self { status, value: median(&values), interval, blocks: blocks as u32, standing, reasons }
    }
}

/// In the last column: who is best is open while another's value is only a bound.
fn leave_open(rows: &mut [Row]) {
    let mut last = rows.iter_mut().filter_map(|row| row.entries.last_mut()).collect::<Vec<_>>();
    if last.iter().any(|entry| entry.status == Status::Bound) {
        for standing in last.iter_mut().filter_map(|entry| entry.standing.as_mut()) {
            if matches!(standing.verdict, Verdict::Best | Verdict::Leading | Verdict::Tie | Verdict::Alone) {
                standing.verdict = Verdict::Undetermined;
            }
        }
    }
}

/// What is shown where no block counts: bounds before invalid values, and nothing last.
fn unusable(outcomes: &BTreeMap<u32, Outcome>) -> (Status, Vec<f64>) {
    let bound = |outcome: &Outcome| if let Outcome::Bound { value, .. } = outcome { Some(*value) } else { None };
    let invalid = |outcome: &Outcome| if let Outcome::Invalid { value, .. } = outcome { *value } else { None };
    let bounds: Vec<f64> = outcomes.values().filter_map(bound).collect();
    let invalids: Vec<f64> = outcomes.values().filter_map(invalid).collect();
    if !bounds.is_empty() {
        (Status::Bound, bounds)
    } else if outcomes.values().any(|outcome| matches!(outcome, Outcome::Invalid { .. })) {
        (Status::Invalid, invalids)
    } else {
        (Status::Missing, Vec::new())
    }
}

fn exclusions(outcomes: &BTreeMap<u32, Outcome>) -> Vec<Exclusion> {
    let mut exclusions: Vec<Exclusion> = Vec::new();
    for outcome in outcomes.values() {
        let (Outcome::Bound { reason, .. } | Outcome::Invalid { reason, .. } | Outcome::Missing { reason }) = outcome
        else {
            continue;
        };
        match exclusions.iter_mut().find(|known| known.reason.kind == reason.kind) {
            Some(known) => known.blocks += 1,
            None => exclusions.push(Exclusion { reason: reason.clone(), blocks: 1 }),
        }
    }
    exclusions
}

/// Why a variant has no trial of a cell.
pub(super) fn absence(context: &Context, variant: usize, cell: Cell) -> Reason {
    let asked = &context.variants[variant];
    if let Some(absent) = &asked.absent {
        return Reason::new("did not take part", absent);
    }
    let skip = context.skips.iter().find(|skip| skip.covers(&asked.engine, &asked.variant, cell));
    match skip {
        Some(skip) => Reason::new("skipped", &skip.reason),
        None => Reason::new("not run", "the run ended before it"),
    }
}
