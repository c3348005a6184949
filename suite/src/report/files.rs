//! The files of a report, written beside the records.

use std::io;
use std::path::{Path, PathBuf};

use super::markdown;
use crate::analyse::Analysis;
use crate::record::Trial;

/// Writes every file of the report into the run's folder, and returns their paths.
/// The trials are for the page's details; the tables come from the analysis.
///
/// # Errors
/// What the file system refused, with the path.
pub fn write_all(run_dir: &Path, analysis: &Analysis, _trials: &[Trial]) -> io::Result<Vec<PathBuf>> {
    let path = run_dir.join("report.md");
    let with_path = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    std::fs::write(&path, markdown::render(analysis)).map_err(with_path)?;
    Ok(vec![path])
}
