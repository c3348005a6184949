//! `suite export`: a run's records in the formats of other programs.

use std::process::ExitCode;

use anyhow::{Context, bail};

use super::args::{ExportArgs, ExportFormat};
use super::output::say;
use crate::conclude::Run;
use crate::export::{bmf, go, long, sqlite};
use crate::record::{RunFolder, write_whole};

pub(super) fn answer(asked: &ExportArgs) -> anyhow::Result<ExitCode> {
    let folder = RunFolder::open(&asked.run)?;
    let run = Run::load(&folder)?;
    let context = run.context(&folder.name());
    let text = match asked.format {
        ExportFormat::Csv => long(&run.trials),
        ExportFormat::Bmf => bmf(&run.trials),
        ExportFormat::Go => go(&run.trials, &context),
        ExportFormat::Sqlite => {
            let Some(out) = &asked.out else { bail!("a database is a file: name it with --out run.sqlite") };
            sqlite(out, &run.trials, &context)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    match &asked.out {
        Some(out) => write_whole(out, &text).context("--out")?,
        None => say(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}
