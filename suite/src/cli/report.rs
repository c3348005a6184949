//! `suite report`: the tables of a run, rebuilt from its records.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::conclude::Run;
use crate::record::RunFolder;
use crate::report::{terminal, write_all};

/// Columns where the output is no terminal.
const WIDTH: u16 = 160;

pub(super) fn report(path: &Path) -> anyhow::Result<ExitCode> {
    print_report(&RunFolder::open(path)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the report's files, prints the tables, and returns how many trials failed.
pub(super) fn print_report(folder: &RunFolder) -> anyhow::Result<u32> {
    let run = Run::load(folder)?;
    if let Some(warning) = &run.warning {
        eprintln!("suite: {}: {warning}", folder.records().display());
    }
    let analysis = run.analysis(&folder.name());
    write_all(folder.path(), &analysis, &run.trials, &run.sessions)?;
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let style = terminal::Style {
        colour: terminal && std::env::var_os("NO_COLOR").is_none(),
        width: if terminal { width(&stdout) } else { WIDTH },
        all: false,
    };
    stdout.lock().write_all(terminal::render(&analysis, style).as_bytes())?;
    Ok(run.trials.iter().filter(|trial| trial.failure.is_some()).count() as u32)
}

fn width(stdout: &std::io::Stdout) -> u16 {
    rustix::termios::tcgetwinsize(stdout).ok().map(|size| size.ws_col).filter(|columns| *columns > 0).unwrap_or(WIDTH)
}
