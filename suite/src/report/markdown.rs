//! `report.md`: the answer first, then every table.

use std::fmt::Write;

use super::chart::Chart;
use super::grid::{Grid, Tone};
use super::{grids, label, number, summary};
use crate::analyse::{Analysis, Constraint};

/// The whole report, without charts.
#[must_use]
pub fn render(analysis: &Analysis) -> String {
    with_charts(analysis, &[])
}

/// The whole report as it stands beside the folder of its charts.
#[must_use]
pub fn with_charts(analysis: &Analysis, charts: &[Chart]) -> String {
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
    for chart in charts {
        let _ = writeln!(out, "\n![{}](charts/{})", escape(&chart.title), chart.file);
    }
    for grid in grids::all(analysis) {
        let _ = write!(out, "\n## {}\n\n", escape(&grid.title));
        push_grid(&mut out, &grid);
    }
    push_limits(&mut out, analysis);
    out
}

/// What breaks first, one line a variant and cell.
fn push_limits(out: &mut String, analysis: &Analysis) {
    if analysis.limits.is_empty() {
        return;
    }
    out.push_str("\n## What breaks first, at saturation\n\n");
    out.push_str("Predicted: the servers' CPUs ÷ CPU time per frame. Supported by evidence; only a run with that one knob can prove.\n\n");
    out.push_str("| engine | cell | predicted | server CPU busy | waiting for a CPU | what breaks first |\n|---|---|---:|---:|---:|---|\n");
    let names = analysis.context.names();
    for limits in &analysis.limits {
        let share = |constraint| {
            let of = limits.evidence.iter().find(|evidence| evidence.constraint == constraint);
            of.map_or_else(|| "—".into(), |evidence| format!("{:.0} %", evidence.share * 100.0))
        };
        let first = match limits.first().map(|evidence| evidence.constraint) {
            Some(Constraint::Client) => "the load client (supported): the engine's limit was not reached",
            Some(Constraint::ServerCpu) => "server CPU (supported)",
            Some(Constraint::RunQueue) => "waiting for a CPU (supported)",
            Some(Constraint::AcceptQueue) => "the accept queue (supported)",
            None => "unexplained",
        };
        let (name, cell) = (&names[limits.variant], label::cell(limits.cell));
        let predicted = number::rate(limits.predicted_per_s);
        let (busy, waiting) = (share(Constraint::ServerCpu), share(Constraint::RunQueue));
        let _ = writeln!(out, "| {} | {cell} | {predicted} | {busy} | {waiting} | {first} |", escape(name));
    }
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
