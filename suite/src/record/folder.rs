//! A run's folder: what is where in it, and what it is called.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a fresh folder at exactly `path`.
    ///
    /// # Errors
    /// When something is there already, or the file system refuses.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        if path.exists() && path.read_dir().map_or(true, |mut entries| entries.next().is_some()) {
            bail!("{} is there already: name another --out, or finish that run with --resume", path.display());
        }
        std::fs::create_dir_all(path).with_context(|| format!("failed to make {}", path.display()))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Makes `<parent>/<date>-<host>-<experiment>`, with a number behind it where that is taken.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn create_named(parent: &Path, date: &str, host: &str, experiment: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(parent).with_context(|| format!("failed to make {}", parent.display()))?;
        let name = format!("{date}-{}-{experiment}", plain(host));
        for number in 1.. {
            let path = parent.join(if number == 1 { name.clone() } else { format!("{name}-{number}") });
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("failed to make {}", path.display())),
            }
        }
        unreachable!("the numbers do not end")
    }

    /// An existing run.
    ///
    /// # Errors
    /// When `path` is not a folder with a plan and records.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = Self { path: path.to_owned() };
        if !path.is_dir() {
            bail!("no run folder at {}", path.display());
        }
        if !folder.plan().is_file() {
            bail!("{} is no run folder: it has no plan.toml", path.display());
        }
        Ok(folder)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.path.join("plan.toml")
    }

    #[must_use]
    pub fn records(&self) -> PathBuf {
        self.path.join("records.jsonl")
    }

    /// What the load client itself reaches on this host.
    #[must_use]
    pub fn calibration(&self) -> PathBuf {
        self.path.join("calibration.json")
    }

    #[must_use]
    pub fn environment(&self) -> PathBuf {
        self.path.join("environment.json")
    }

    /// The folder's name, by which the run is quoted.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        path.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned())
    }
}

/// Writes `value` as JSON, whole or not at all.
///
/// # Errors
/// When the file system refuses.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("failed to encode")?;
    text.push('\n');
    write_whole(path, &text)
}

/// Reads a JSON file.
///
/// # Errors
/// When it cannot be read, or holds something else.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("failed to understand {}", path.display()))
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// When the file system refuses.
pub fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text).with_context(|| format!("failed to write {}", partial.display()))?;
    std::fs::rename(&partial, path).with_context(|| format!("failed to write {}", path.display()))
}

fn plain(host: &str) -> String {
    let name: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "host".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_collide() {
        let parent = tempfile::tempdir().unwrap();
        let first = RunFolder::create_named(parent.path(), "2026-01-02", "My.Host", "crossover").unwrap();
        let second = RunFolder::create_named(parent.path(), "2026-01-02", "My.Host", "crossover").unwrap();
        assert_eq!(first.name(), "2026-01-02-my-host-crossover");
        assert_eq!(second.name(), "2026-01-02-my-host-crossover-2");
    }

    #[test]
    fn a_used_folder_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("something"), "").unwrap();
        assert!(RunFolder::create(parent.path()).unwrap_err().to_string().contains("--resume"));
        assert!(RunFolder::open(parent.path()).unwrap_err().to_string().contains("no plan.toml"));
    }
}
