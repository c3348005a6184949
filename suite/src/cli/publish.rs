//! `suite publish`: a run becomes a published result.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::args::WorkspaceArgs;
use super::workspace::Workspace;
use crate::publish::publish as copy;
use crate::record::RunFolder;

pub(super) fn publish(workspace: &WorkspaceArgs, run: &Path) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    for path in copy(&workspace.root, &RunFolder::open(run)?)? {
        writeln!(std::io::stdout(), "wrote {}", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
