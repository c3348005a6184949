//! The headline: the short table that stands in the README, spliced between two markers.

use std::fmt::Write;

use thiserror::Error;

use super::grid::{Grid, GridRow, Heading};
use super::notes::Notes;
use super::{chart, label, line, markdown, summary, values};
use crate::analyse::{Analysis, Entry, Metric, Part};
use crate::record::{State, Transport};

/// Where the headline begins and ends in a file.
pub const BEGIN: &str = "<!-- headline:begin -->";
pub const END: &str = "<!-- headline:end -->";

/// Sentences of the summary that go with the table.
const SENTENCES: usize = 3;

/// The charts that go with it.
const CHARTS: [&str; 2] = ["memory-per-connection.svg", "cpu-per-frame.svg"];

/// Why a text has no place for the headline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SpliceError {
    #[error("no line `{BEGIN}` followed by a line `{END}`")]
    NoMarkers,
    #[error("more than one line `{BEGIN}` or `{END}`")]
    SeveralMarkers,
}

/// The headline of a run, without the markers: what was run, the table, the answer in a few sentences.
#[must_use]
pub fn render(analysis: &Analysis) -> String {
    let mut out = format!("{}.\n\n", label::origin(analysis));
    if let Some(grid) = grid(analysis) {
        markdown::push_grid(&mut out, &grid);
        out.push('\n');
    }
    for sentence in summary::sentences(analysis).iter().take(SENTENCES) {
        let _ = writeln!(out, "- {}", markdown::escape(sentence));
    }
    let run = &analysis.context.run;
    // The charts that stand here need the tables alone.
    for drawn in chart::all(analysis, &[]).iter().filter(|drawn| CHARTS.contains(&drawn.file)) {
        let _ = write!(out, "\n![{}](results/{run}/charts/{})\n", markdown::escape(&drawn.title), drawn.file);
    }
    let revision = analysis.context.revision.get(..12).unwrap_or(&analysis.context.revision);
    let _ = write!(
        out,
        "\nMade by `{}` at revision `{revision}`; all tables: [report](results/{run}/report.md).\n",
        analysis.context.command
    );
    out
}

/// `text` with what stands between the markers replaced.
///
/// # Errors
/// When the markers are not there exactly once, in order.
pub fn splice(text: &str, headline: &str) -> Result<String, SpliceError> {
    if text.matches(BEGIN).count() > 1 || text.matches(END).count() > 1 {
        return Err(SpliceError::SeveralMarkers);
    }
    let (before, rest) = text.split_once(BEGIN).ok_or(SpliceError::NoMarkers)?;
    let (_, after) = rest.split_once(END).ok_or(SpliceError::NoMarkers)?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", headline.trim()))
}

/// One line of cells: the TCP payload with the most counts; CPU at its least, middle and most connections,
/// and what users feel and pay at the middle.
fn grid(analysis: &Analysis) -> Option<Grid> {
    let table = |metric: Metric| analysis.tables.iter().find(|table| table.key == metric.key());
    let cpu = table(Metric::ServerCpuOpen)?;
    let places = line::longest(cpu)?;
    let (first, middle, last) = (places[0], places[places.len() / 2], places[places.len() - 1]);
    let mut notes = Notes::default();
    let mut columns = Vec::new();
    let mut cells = vec![Vec::new(); cpu.rows.len()];
    let mut push = |heading: [String; 2], entries: &mut dyn Iterator<Item = &Entry>, of: (_, _)| {
        columns.push(Heading { lines: heading.to_vec(), group: columns.len() });
        for (row, entry) in cells.iter_mut().zip(entries) {
            row.push(values::cell(entry, of.0, of.1, &mut notes));
        }
    };
    let mut chosen = vec![(cpu, "CPU per frame", first)];
    for place in [middle, last] {
        if chosen.iter().all(|(_, _, known)| *known != place) {
            chosen.push((cpu, "CPU per frame", place));
        }
    }
    chosen.extend(table(Metric::ResponseP99).map(|table| (table, "p99", middle)));
    chosen.extend(table(Metric::Throughput).map(|table| (table, "throughput", middle)));
    for (table, name, place) in chosen {
        let heading = [name.to_owned(), label::connections(table.columns[place].connections)];
        push(heading, &mut table.rows.iter().map(|row| &row.entries[place]), (table.unit, table.better));
    }
    for (part, name) in [(Part::User, "memory"), (Part::Kernel, "kernel memory")] {
        let Some(slopes) = analysis.slopes.iter().find(|table| table.key == part.key()) else { continue };
        let used =
            |column: &crate::analyse::SlopeColumn| column.transport == Transport::Tcp && column.state == State::Used;
        let Some(place) = slopes.columns.iter().position(used) else { continue };
        let heading = [name.to_owned(), "per idle conn".to_owned()];
        push(heading, &mut slopes.rows.iter().map(|row| &row.entries[place]), (slopes.unit, slopes.better));
    }
    let row = |(row, cells): (&crate::analyse::Row, _)| GridRow { stubs: vec![row.name.clone()], cells };
    let rows = cpu.rows.iter().zip(cells).map(row).collect();
    let payload = label::payload(cpu.columns[first].payload_bytes);
    Some(Grid {
        title: String::new(),
        captions: vec![format!(
            "{payload} frames over TCP · {} · server CPU: {}",
            label::setting(&analysis.context),
            label::floor(&cpu.floor)
        )],
        stubs: vec!["engine".into()],
        columns,
        rows,
        legend: values::LEGEND.into(),
        notes,
    })
}
