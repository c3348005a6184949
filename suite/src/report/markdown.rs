//! `report.md`: the answer first, then every table.

use std::fmt::Write;

use super::grid::{Grid, Tone};
use super::{grids, label, summary};
use crate::analyse::Analysis;

/// The whole report.
#[must_use]
pub fn render(analysis: &Analysis) -> String {
    let context = &analysis.context;
    let mut out = format!("# {}\n\n{}\n\n", context.run, context.question);
    let _ = writeln!(out, "{}.\n", label::origin(analysis));
    let _ = writeln!(out, "```sh\n{}\n```\n", context.command);
    for sentence in summary::sentences(analysis) {
        let _ = writeln!(out, "- {}", escape(&sentence));
    }
    for failure in summary::failures(analysis) {
        let _ = writeln!(out, "\n{}", escape(&failure));
    }
    for grid in grids::all(analysis) {
        let _ = write!(out, "\n## {}\n\n", escape(&grid.title));
        push_grid(&mut out, &grid);
    }
    out
}

/// One grid as a Markdown table, with its captions, legend and footnotes.
pub(super) fn push_grid(out: &mut String, grid: &Grid) {
    for caption in &grid.captions {
        let _ = writeln!(out, "{}  ", escape(caption));
    }
    out.push_str("\n|");
    for stub in &grid.stubs {
        let _ = write!(out, " {} |", escape(stub));
    }
    for column in &grid.columns {
        let _ = write!(out, " {} |", escape(&column.lines.join("<br>")));
    }
    let _ = write!(out, "\n|{}{}\n", "---|".repeat(grid.stubs.len()), "---:|".repeat(grid.columns.len()));
    for row in &grid.rows {
        out.push('|');
        for stub in &row.stubs {
            let _ = write!(out, " {} |", escape(stub));
        }
        for cell in &row.cells {
            let text = escape(&cell.joined());
            let _ = match cell.tone {
                Tone::Best => write!(out, " **{text}** |"),
                _ => write!(out, " {text} |"),
            };
        }
        out.push('\n');
    }
    let _ = writeln!(out, "\n{}", escape(&grid.legend));
    for note in grid.notes.lines() {
        let _ = writeln!(out, "\n{}", escape(&note));
    }
}

/// What would end a cell or start markup.
pub(super) fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('\n', " ")
}
