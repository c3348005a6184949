//! `suite report`: the tables of a run, rebuilt from its records.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use super::output::{Format, OutputArgs, say};
use crate::conclude::Run;
use crate::record::RunFolder;
use crate::report::{export, markdown, terminal, write_all};

/// Columns where the output is no terminal.
const WIDTH: u16 = 160;

pub(super) fn report(path: &Path, all: bool, output: OutputArgs) -> anyhow::Result<ExitCode> {
    print_report(&RunFolder::open(path)?, all, output)?;
    Ok(ExitCode::SUCCESS)
}

/// Trials of a run that are not what was hoped for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// That did not get to their end.
    pub(super) failed: u32,
    /// There are trials, and no value of any of them counts.
    pub(super) nothing_valid: bool,
}

/// Writes the report's files, prints the tables, and says what went wrong.
pub(super) fn print_report(folder: &RunFolder, all: bool, output: OutputArgs) -> anyhow::Result<Tally> {
    let run = Run::load(folder)?;
    if let Some(warning) = &run.warning {
        eprintln!("suite: {}: {warning}", folder.records().display());
    }
    let analysis = run.analysis(&folder.name());
    write_all(folder.path(), &analysis, &run.trials, &run.sessions)?;
    let text = match output.format {
        Format::Text => terminal::render(&analysis, style(all, output)),
        Format::Json => export::json(&analysis) + "\n",
        Format::Csv => export::csv(&analysis),
        Format::Md => markdown::render(&analysis),
    };
    say(&text)?;
    let tally = Tally {
        failed: run.trials.iter().filter(|trial| trial.failure.is_some()).count() as u32,
        nothing_valid: analysis.nothing_counts(),
    };
    if tally.nothing_valid {
        eprintln!(
            "suite: no value of {} trials counts: see the gates in the tables, and `suite doctor` for the host",
            run.trials.len()
        );
    }
    Ok(tally)
}

fn style(all: bool, output: OutputArgs) -> terminal::Style {
    let stdout = std::io::stdout();
    let width = if stdout.is_terminal() { width(&stdout) } else { WIDTH };
    terminal::Style { colour: output.coloured(), width, all }
}

fn width(stdout: &std::io::Stdout) -> u16 {
    rustix::termios::tcgetwinsize(stdout).ok().map(|size| size.ws_col).filter(|columns| *columns > 0).unwrap_or(WIDTH)
}
