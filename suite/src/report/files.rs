//! The files of a report, written beside the records.

use std::io;
use std::path::{Path, PathBuf};

use super::{markdown, page};
use crate::analyse::Analysis;
use crate::record::Trial;

/// Writes every file of the report into the run's folder, and returns their paths.
/// The trials are for the page's details; the tables come from the analysis.
///
/// # Errors
/// What the file system refused, with the path.
pub fn write_all(run_dir: &Path, analysis: &Analysis, trials: &[Trial]) -> io::Result<Vec<PathBuf>> {
    let files = [("report.md", markdown::render(analysis)), ("report.html", page::render(analysis, trials, &[]))];
    files.into_iter().map(|(name, text)| write(run_dir.join(name), &text)).collect()
}

fn write(path: PathBuf, text: &str) -> io::Result<PathBuf> {
    match std::fs::write(&path, text) {
        Ok(()) => Ok(path),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}
