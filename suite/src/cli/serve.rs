//! `suite serve`: one engine in the foreground.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use super::args::WorkspaceArgs;
use super::workspace::{Workspace, raise_open_files};
use crate::catalog::{Program, select};
use crate::experiment::Scope;

/// Builds the engine and becomes it: its stdin, stdout and signals are the caller's.
pub(super) fn serve(workspace: &WorkspaceArgs, name: &str, options: &[String]) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    if name == "all" || name.contains(',') {
        bail!("serve runs one engine: name it, such as --engine tokio/per-core");
    }
    let choice = *select(&workspace.engines, Some(name), Scope::All)?.first().context("no such engine")?;
    let engine = &workspace.engines[choice.engine];
    match workspace.builder(false).engine(engine) {
        Program::Built { path, .. } => {
            raise_open_files();
            let variant = &engine.manifest.variant[choice.variant].name;
            let error = Command::new(&path).args(["--variant", variant]).args(options).exec();
            Err(error).with_context(|| format!("failed to start {}", path.display()))
        }
        Program::Failed { error, tail } => {
            bail!("engine {} does not build: {error}\n{}", engine.name(), tail.join("\n"))
        }
    }
}
