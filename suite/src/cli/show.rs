//! `suite show`: one trial, and how to repeat it by hand.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::output::{Format, OutputArgs, say};
use super::sheet::{Sheet, Tint};
use crate::analyse::{Metric, Outcome, judge};
use crate::record::{RunFolder, Trial, read};
use crate::search::{Blame, Search};

pub(super) fn show(run: &Path, number: u32, output: OutputArgs) -> anyhow::Result<ExitCode> {
    let records = read(&RunFolder::open(run)?.records())?;
    let last = records.trials.iter().map(|trial| trial.trial).max().context("the run has no records yet")?;
    let Some(trial) = records.trials.iter().find(|trial| trial.trial == number) else {
        bail!("no record of trial {number} in {} (the last one is {last})", run.display());
    };
    match output.format {
        Format::Text => say(&describe(trial)?)?,
        _ => output.print(&metrics(trial), trial)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Every metric of the trial in its base unit, and why it does not count if it does not.
fn metrics(trial: &Trial) -> Sheet {
    let mut sheet = Sheet::new(&["metric", "status", ">value", "reason"]);
    for metric in Metric::ALL {
        let (tint, status, value, reason) = match judge(metric, trial) {
            Outcome::Usable(value) => (Tint::Plain, "measured", Some(value), None),
            Outcome::Bound { value, reason } => (Tint::Doubtful, "bound", Some(value), Some(reason)),
            Outcome::Invalid { value, reason } => (Tint::Bad, "invalid", value, Some(reason)),
            Outcome::Missing { reason } => (Tint::Doubtful, "missing", None, Some(reason)),
        };
        let reason = reason.map_or_else(String::new, |reason| format!("{}: {}", reason.kind, reason.detail));
        let value = value.map_or_else(String::new, |value| value.to_string());
        sheet.push(tint, vec![metric.key().into(), status.into(), value, reason]);
    }
    sheet
}

fn describe(trial: &Trial) -> anyhow::Result<String> {
    let cell = trial.cell;
    let twin = if trial.twin { " (twin)" } else { "" };
    let mut text = format!(
        "trial {} of block {}: {}/{}{twin}, {} × {} connections × {} B, seed {}\n",
        trial.trial,
        trial.block,
        trial.engine,
        trial.variant,
        cell.transport.name(),
        cell.connections,
        cell.payload_bytes,
        trial.seed
    );
    text += "\nTo repeat it in the workspace, start each server in a terminal of its own, then the clients of one load after the\nother ";
    text += "(--hold and --linger, with which the suite samples memory in between, are left out):\n\n";
    for command in &trial.commands {
        for argv in command.unfold() {
            let words = argv.iter().filter(|word| !["--hold", "--linger"].contains(&word.as_str()));
            let line: Vec<String> = words.map(|word| quote(word)).collect();
            writeln!(text, "  # {}\n  {}", command.role, line.join(" "))?;
        }
    }
    if let Some(failure) = &trial.failure {
        writeln!(text, "\nIt failed in stage {}: {}", failure.stage, failure.error)?;
        for line in &failure.stderr_tail {
            writeln!(text, "  | {line}")?;
        }
    }
    if let Some(search) = &trial.search {
        text += &steps(search)?;
    }
    for load in trial.loads.iter().chain(trial.ladder.iter().map(|rung| &rung.load)) {
        writeln!(text, "\n{:?} load:", load.mode)?;
        if load.gates.is_empty() {
            writeln!(text, "  valid")?;
        }
        for gate in &load.gates {
            writeln!(text, "  gate {}: {}", gate.gate, gate.detail)?;
        }
        let mut brief = serde_json::to_value(load)?;
        // Histograms are for programs.
        brief["client"].as_object_mut().context("a report is an object")?.remove("hdr");
        for line in serde_json::to_string_pretty(&brief)?.lines() {
            writeln!(text, "  {line}")?;
        }
    }
    Ok(text)
}

/// The steps of a search, one a line, and its results.
fn steps(search: &Search) -> anyhow::Result<String> {
    let mut text = format!("\n{}; a window is {} ms:\n", search.spec.describe(), search.window_ms);
    for step in &search.steps {
        let losses = step.losses.iter().map(|loss| {
            let blame = if loss.blame == Blame::Server { "" } else { " (not the server's alone)" };
            format!("{} of {} lost{blame}", loss.lost, loss.due)
        });
        let p99 = step.seen.response_ns.p99.map_or_else(|| "∞".into(), |ns| format!("{} µs", ns / 1000));
        let losses: Vec<String> = losses.collect();
        let (role, rate, windows) = (format!("{:?}", step.ask.role), step.ask.load_per_s, step.ask.windows);
        writeln!(text, "  {role:<8} {rate:>8}/s × {windows}: p99 {p99}, {}", losses.join(", "))?;
    }
    for (goal, result) in search.spec.goal.iter().zip(&search.results) {
        writeln!(text, "  {}: {}", goal.title(), serde_json::to_string(result)?)?;
    }
    Ok(text)
}

/// A word as a shell reads it back.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
