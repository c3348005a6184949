//! The grid of a contrast: TCP's values, and beside each the other transports' with their difference.

use super::grid::{Grid, GridCell, GridRow, Heading, Tone};
use super::notes::Notes;
use super::{label, number, values};
use crate::analyse::{Analysis, Contrast, ContrastEntry, Table};
use crate::record::{Cell, Transport};

const LEGEND: &str = "beside each value: its difference from TCP at the same connections and payload · ≈ not told apart \
     from TCP · ? too few blocks";

/// The grid of a contrast; `table` is the metric's own.
pub(super) fn of(contrast: &Contrast, table: &Table, analysis: &Analysis) -> Grid {
    let mut notes = Notes::default();
    let mut points: Vec<(u32, u32)> = Vec::new();
    for cell in &contrast.columns {
        let point = (cell.payload_bytes, cell.connections);
        if !points.contains(&point) {
            points.push(point);
        }
    }
    let others = |point: (u32, u32)| {
        let at = move |cell: &Cell| (cell.payload_bytes, cell.connections) == point;
        contrast.columns.iter().enumerate().filter(move |(_, cell)| at(cell)).map(|(place, _)| place)
    };
    let mut columns = Vec::new();
    for (group, point) in points.iter().enumerate() {
        let first = others(*point).next().expect("a point comes from a column");
        let tcp = Cell { transport: Transport::Tcp, ..contrast.columns[first] };
        columns.push(Heading { lines: label::cell_heading(tcp), group });
        let heading = |place: usize| Heading { lines: label::cell_heading(contrast.columns[place]), group };
        columns.extend(others(*point).map(heading));
    }
    let mut rows = Vec::new();
    for row in &contrast.rows {
        let mut cells = Vec::new();
        for point in &points {
            let mut places = others(*point).peekable();
            let first = places.peek().expect("a point comes from a column");
            let mut tcp = values::cell(&row.entries[*first].tcp, table.unit, table.better, &mut notes);
            // Its standing among engines is the other table's matter.
            tcp.mark = notes.refer(&row.entries[*first].tcp.reasons);
            tcp.tone = if tcp.tone == Tone::Faint { Tone::Faint } else { Tone::Plain };
            cells.push(tcp);
            cells.extend(places.map(|place| other(&row.entries[place], table, &mut notes)));
        }
        rows.push(GridRow { stubs: vec![row.name.clone()], cells });
    }
    Grid {
        title: format!("What TCP itself costs: {}", table.title),
        captions: vec![format!("{} · {}", label::setting(&analysis.context), label::floor(&table.floor))],
        stubs: vec!["engine".into()],
        columns,
        rows,
        legend: LEGEND.into(),
        notes,
    }
}

fn other(entry: &ContrastEntry, table: &Table, notes: &mut Notes) -> GridCell {
    let mut cell = values::cell(&entry.other, table.unit, table.better, notes);
    let letters = notes.refer(&entry.other.reasons);
    if let Some(ratio) = entry.ratio {
        let difference = number::signed_percent(ratio);
        cell.mark = match (entry.interval.is_some(), entry.separated) {
            (_, true) => format!(" {difference}{letters}"),
            (true, false) => format!("≈{difference}{letters}"),
            (false, _) => format!("?{difference}{letters}"),
        };
        cell.tone = Tone::Plain;
    }
    cell
}
