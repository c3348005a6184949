//! Finds experiments by name or path, and says precisely what is wrong with one.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;

use super::Experiment;
use crate::catalog::nearest;

/// The folder of the suite's own experiments, below the workspace root.
const FOLDER: &str = "suite/experiments";

/// Reads an experiment: `wanted` is the name of one of the suite's own, or the path of a TOML file.
///
/// Returns its name with it.
///
/// # Errors
/// When there is no such experiment, or its file is wrong: file, line and what.
pub fn find(root: &Path, wanted: &str) -> anyhow::Result<(String, Experiment)> {
    let path = if wanted.ends_with(".toml") {
        PathBuf::from(wanted)
    } else {
        let path = root.join(FOLDER).join(format!("{wanted}.toml"));
        if !path.is_file() {
            let known = known(root);
            let hint = nearest(wanted, &known).map_or_else(String::new, |name| format!(", did you mean {name}?"));
            bail!("unknown experiment {wanted:?}{hint} (known: {}; or give the path of a .toml)", known.join(", "));
        }
        path
    };
    let experiment: Experiment = parse_toml(&path)?;
    experiment.check().with_context(|| path.display().to_string())?;
    let name = path.file_stem().map_or_else(|| "experiment".into(), |stem| stem.to_string_lossy().into_owned());
    Ok((name, experiment))
}

/// Names of the suite's own experiments, sorted.
#[must_use]
pub fn known(root: &Path) -> Vec<String> {
    let Ok(entries) = root.join(FOLDER).read_dir() else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// Reads a TOML file.
///
/// # Errors
/// In one line: file, line and what is wrong.
pub fn parse_toml<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        let what = error.message().replace('\n', ", ");
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        anyhow!("{}:{line}: {what}", path.display())
    })
}
