//! The grid of one metric: engines down, cells across, ratio to best beside each value.

use super::grid::{Grid, GridCell, GridRow, Heading, NOTHING, Tone};
use super::notes::Notes;
use super::{label, number};
use crate::analyse::{Analysis, Better, Context, Entry, SlopeColumn, Standing, Status, Table, Unit, Verdict};
use crate::record::{Cell, Mode};

pub(super) const LEGEND: &str = "beside each value: times worse than the best of its column · ≈ tie with the best · \
     ? open: too few blocks, or another is a bound · (…) not valid, not compared · ≥ at least this, the client was the limit";

/// The grid of a metric.
pub(super) fn of_cells(table: &Table, analysis: &Analysis) -> Grid {
    let group = |cell: &Cell| (cell.transport, cell.payload_bytes);
    let mut grid = grid(table, &analysis.context, |cell| label::cell_heading(*cell), group);
    if table.mode == Some(Mode::Open) {
        // "The fixed rate" is a number; large payloads may have a lower one.
        for (heading, rate) in grid.columns.iter_mut().zip(&analysis.rates_per_s) {
            heading.lines.extend(rate.map(|rate| format!("at {}", number::rate(rate))));
        }
    }
    grid
}

/// The grid of a part of the memory per connection.
pub(super) fn of_slopes(table: &Table<SlopeColumn>, analysis: &Analysis) -> Grid {
    grid(table, &analysis.context, label::slope_heading, |column| column.transport)
}

pub(super) fn grid<Column, Group: PartialEq>(
    table: &Table<Column>,
    context: &Context,
    heading: impl Fn(&Column) -> Vec<String>,
    group: impl Fn(&Column) -> Group,
) -> Grid {
    let mut notes = Notes::default();
    let mut columns: Vec<Heading> = Vec::new();
    for (place, column) in table.columns.iter().enumerate() {
        let same = place > 0 && group(&table.columns[place - 1]) == group(column);
        let last = columns.last().map_or(0, |last| last.group);
        columns.push(Heading { lines: heading(column), group: if same { last } else { last + 1 } });
    }
    let row = |row: &crate::analyse::Row| GridRow {
        stubs: vec![row.name.clone()],
        cells: row.entries.iter().map(|entry| cell(entry, table.unit, table.better, &mut notes)).collect(),
    };
    let rows = table.rows.iter().map(row).collect();
    Grid {
        title: format!("{}, {}", table.title, label::better(table.better)),
        captions: vec![format!("{} · {}", label::setting(context), label::floor(&table.floor)), table.formula.clone()],
        stubs: vec!["engine".into()],
        columns,
        rows,
        legend: LEGEND.into(),
        notes,
    }
}

/// One entry: the value, and its standing or the letters of its reasons.
pub(super) fn cell(entry: &Entry, unit: Unit, better: Better, notes: &mut Notes) -> GridCell {
    let letters = notes.refer(&entry.reasons);
    let value = entry.value.map(|value| number::compact(value, unit));
    match (entry.status, value) {
        (Status::Measured, Some(value)) => {
            let (mark, tone) = entry.standing.as_ref().map_or_else(Default::default, standing);
            GridCell { value, mark: format!("{mark}{letters}"), tone }
        }
        (Status::Bound, Some(value)) => {
            let sign = if better == Better::Higher { '≥' } else { '≤' };
            GridCell { value: format!("{sign}{value}"), mark: letters, tone: Tone::Faint }
        }
        (_, Some(value)) => GridCell { value: format!("({value})"), mark: letters, tone: Tone::Faint },
        (_, None) => GridCell { value: NOTHING.into(), mark: letters, tone: Tone::Faint },
    }
}

fn standing(standing: &Standing) -> (String, Tone) {
    let ratio = number::ratio(standing.ratio);
    match standing.verdict {
        Verdict::Best => (format!(" {ratio}"), Tone::Best),
        Verdict::Leading | Verdict::Tie => (format!("≈{ratio}"), Tone::Near),
        Verdict::Behind => (format!(" {ratio}"), Tone::Plain),
        Verdict::Undetermined if standing.ratio.is_nan() => ("?".into(), Tone::Plain),
        Verdict::Undetermined => (format!("?{ratio}"), Tone::Plain),
        Verdict::Alone => (String::new(), Tone::Plain),
    }
}
