//! The files of a report, written beside the records.

use std::io;
use std::path::{Path, PathBuf};

use super::{chart, markdown, page};
use crate::analyse::Analysis;
use crate::measure::Sessions;
use crate::record::Trial;

/// Writes every file of the report into the run's folder, and returns their paths.
/// The trials and the environment are for the page's details; the tables come from the analysis.
///
/// # Errors
/// What the file system refused, with the path.
pub fn write_all(
    run_dir: &Path,
    analysis: &Analysis,
    trials: &[Trial],
    sessions: &Sessions,
) -> io::Result<Vec<PathBuf>> {
    let charts = chart::all(analysis, trials);
    let drawings: Vec<String> = charts.iter().map(|chart| chart.svg.clone()).collect();
    let mut files = vec![
        (run_dir.join("report.md"), markdown::with_charts(analysis, &charts)),
        (run_dir.join("report.html"), page::render(analysis, trials, sessions, &drawings)),
    ];
    let folder = run_dir.join("charts");
    std::fs::create_dir_all(&folder).map_err(|error| named(&folder, &error))?;
    files.extend(charts.into_iter().map(|chart| (folder.join(chart.file), chart.svg)));
    files.into_iter().map(|(path, text)| write(path, &text)).collect()
}

fn write(path: PathBuf, text: &str) -> io::Result<PathBuf> {
    match std::fs::write(&path, text) {
        Ok(()) => Ok(path),
        Err(error) => Err(named(&path, &error)),
    }
}

/// The error with the path that it is about.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
