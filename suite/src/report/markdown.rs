//! `report.md`: the tables as Markdown.

use std::fmt::Write;

use super::number;
use crate::analyse::{Analysis, Entry, Table};

/// The whole report.
#[must_use]
pub fn render(analysis: &Analysis) -> String {
    let mut out =
        format!("# {}: {}\n\n{}\n", analysis.context.experiment, analysis.context.run, analysis.context.question);
    for table in &analysis.tables {
        push_table(&mut out, table);
    }
    out
}

fn push_table(out: &mut String, table: &Table) {
    let _ = write!(out, "\n## {}\n\n| |", table.title);
    for cell in &table.columns {
        let _ = write!(out, " {:?} {} B × {} |", cell.transport, cell.payload_bytes, cell.connections);
    }
    let _ = write!(out, "\n|---|{}", "---:|".repeat(table.columns.len()));
    for row in &table.rows {
        let _ = write!(out, "\n| {} |", row.name);
        for entry in &row.entries {
            let _ = write!(out, " {} |", cell_text(entry, table));
        }
    }
    out.push('\n');
}

fn cell_text(entry: &Entry, table: &Table) -> String {
    match entry.value {
        Some(value) => number::compact(value, table.unit),
        None => entry.reasons.first().map_or_else(|| "—".into(), |exclusion| exclusion.reason.kind.clone()),
    }
}
