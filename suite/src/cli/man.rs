//! `suite man`: the manual, made from the very definitions that parse the command line.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;

use super::args::Args;
use super::output::say;

pub(super) fn answer(out: Option<&Path>) -> anyhow::Result<ExitCode> {
    let Some(folder) = out else {
        let mut page = Vec::new();
        Man::new(Args::command()).render(&mut page)?;
        say(&String::from_utf8(page)?)?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    clap_mangen::generate_to(Args::command(), folder)
        .with_context(|| format!("failed to write into {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
