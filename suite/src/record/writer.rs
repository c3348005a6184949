//! Appends trials to `records.jsonl`, one line each, as they end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Trial, reader};

/// An open `records.jsonl`. What is in it is never rewritten.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
}

impl Writer {
    /// Opens or creates the file for appending.
    ///
    /// A torn last line, left by a crash in the middle of a write, is cut off: it was never a record.
    ///
    /// # Errors
    /// When the file cannot be opened, holds a line that is no record, or was written with a newer schema.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let whole_bytes = if path.exists() { reader::read(path)?.whole_bytes } else { 0 };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| format!("failed to open {}", path.display()))?;
        if file.metadata()?.len() > whole_bytes {
            file.set_len(whole_bytes).with_context(|| format!("failed to cut the torn line off {}", path.display()))?;
        }
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where it writes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one trial with a single `write`, so that a crash loses at most this line.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn append(&mut self, trial: &Trial) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(trial).context("failed to encode a record")?;
        line.push(b'\n');
        self.file.write_all(&line).context("failed to append a record")?;
        self.file.flush().context("failed to append a record")
    }
}
