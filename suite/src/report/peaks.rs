//! The grids of peak searches: the peak with its bounds, and what was measured at rates that follow from it.

use super::grid::{Grid, GridCell, GridRow, Heading, NOTHING, Tone};
use super::notes::Notes;
use super::{label, number, values};
use crate::analyse::{Analysis, PeakBounds, PeakTable, RateColumn, Table, Unit};
use crate::record::RateOf;
use crate::search::Irregular;

const LEGEND: &str = "beside each peak: times worse than the best of its column · ≈ tie with the best · ? open: too few \
     blocks, or another is a bound · (…) inconsistent, not compared · ≥ at least this: client, others or the search were the \
     limit · bounds: medians of the largest load that upholds the goal and the smallest that fails it";

/// Every grid; none without a search.
pub(super) fn all(analysis: &Analysis) -> Vec<Grid> {
    let Some(peaks) = &analysis.peaks else { return Vec::new() };
    let goals = peaks.goals.iter().map(|table| of_goal(table, analysis));
    goals.chain(peaks.at_rates.iter().map(|table| of_rates(table, analysis))).collect()
}

fn of_goal(peak: &PeakTable, analysis: &Analysis) -> Grid {
    let table = &peak.table;
    let mut notes = Notes::default();
    let mut columns = Vec::new();
    for (group, cell) in table.columns.iter().enumerate() {
        for what in ["peak", "bounds", "regular"] {
            let lines = label::cell_heading(*cell).into_iter().chain([what.to_owned()]).collect();
            columns.push(Heading { lines, group });
        }
    }
    let rows = table.rows.iter().zip(&peak.bounds).map(|(row, bounds)| {
        let cells = row.entries.iter().zip(bounds).flat_map(|(entry, bounds)| {
            let peak = values::cell(entry, table.unit, table.better, &mut notes);
            [peak, GridCell::text(spell_bounds(bounds), Tone::Plain), GridCell::text(spell_blocks(bounds), Tone::Plain)]
        });
        GridRow { stubs: vec![row.name.clone()], cells: cells.collect() }
    });
    let rows = rows.collect();
    let goal = &peak.goal;
    let rule = format!(
        "goal: at most {} % lost, in all but {} % of the time · bounds at most {} % apart",
        goal.loss_ratio * 100.0,
        goal.exceed_ratio * 100.0,
        goal.width * 100.0
    );
    Grid {
        title: format!("{}, {}", table.title, label::better(table.better)),
        captions: vec![
            format!("{} · {}", label::setting(&analysis.context), label::floor(&table.floor)),
            table.formula.clone(),
            rule,
        ],
        stubs: vec!["engine".into()],
        columns,
        rows,
        legend: LEGEND.into(),
        notes,
    }
}

fn of_rates(table: &Table<RateColumn>, analysis: &Analysis) -> Grid {
    let heading = |column: &RateColumn| {
        let mut lines = label::cell_heading(column.cell);
        match column.at {
            RateOf::Fixed(rate) => lines.push(format!("at {}", number::rate(rate as f64))),
            RateOf::OwnPeak(percent) => lines.push(format!("at {percent} % of own peak")),
            RateOf::CommonPeak(percent) => {
                lines.push(format!("at {percent} % of slowest"));
                lines.extend(column.rate_per_s.map(|rate| format!("peak: {}", number::rate(rate))));
            }
        }
        lines
    };
    values::grid(table, &analysis.context, heading, |column| column.cell)
}

/// `98.1–101 k/s`; a side that does not exist is open.
fn spell_bounds(bounds: &PeakBounds) -> String {
    let spell = |value: f64| number::compact(value, Unit::FramesPerSecond);
    match (bounds.lower_per_s, bounds.upper_per_s) {
        (Some(lower), Some(upper)) => format!("{} – {}", spell(lower), spell(upper)),
        (Some(lower), None) => format!("from {}", spell(lower)),
        (None, Some(upper)) => format!("below {}", spell(upper)),
        (None, None) => NOTHING.into(),
    }
}

/// `3 of 4; 1 inversion; 2 client-bound`.
fn spell_blocks(bounds: &PeakBounds) -> String {
    if bounds.blocks == 0 {
        return NOTHING.into();
    }
    let mut text = format!("{} of {}", bounds.regular, bounds.blocks);
    let marks = bounds.irregular.iter().map(|(why, count)| (*count, name(*why)));
    let limits = [(bounds.client_bound, "client-bound"), (bounds.disturbed, "disturbed")];
    for (count, what) in marks.chain(limits.into_iter().filter(|(count, _)| *count > 0)) {
        text.push_str(&format!("; {count} {what}"));
    }
    text
}

const fn name(why: Irregular) -> &'static str {
    match why {
        Irregular::NoLowerBound => "no lower bound",
        Irregular::NoUpperBound => "no upper bound",
        Irregular::BudgetEnded => "budget ended",
        Irregular::Inversion => "inversion",
        Irregular::NotRepeated => "not repeated",
    }
}
