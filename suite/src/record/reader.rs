//! Reads `records.jsonl` back.

use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::{SCHEMA, Trial};

/// What `records.jsonl` holds.
#[derive(Debug)]
pub struct Records {
    pub trials: Vec<Trial>,
    /// A remark for people, when the last line was torn by a crash and left out.
    pub warning: Option<String>,
    /// Length of the whole lines, in bytes: where a writer goes on.
    pub whole_bytes: u64,
}

#[derive(Deserialize)]
struct Version {
    schema: u32,
}

/// Reads every record of the file.
///
/// # Errors
/// When the file cannot be read, a line is no record, or a line was written with a newer schema.
pub fn read(path: &Path) -> anyhow::Result<Records> {
    let text = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    parse(&text).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &[u8]) -> anyhow::Result<Records> {
    let mut trials = Vec::new();
    let mut whole_bytes = 0;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        if line.last() != Some(&b'\n') {
            let warning =
                Some(format!("line {number} is torn and was left out: the trial in flight when the run died"));
            return Ok(Records { trials, warning, whole_bytes });
        }
        whole_bytes += line.len() as u64;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let version: Version = serde_json::from_slice(line).with_context(|| format!("line {number} is no record"))?;
        if version.schema > SCHEMA {
            bail!("line {number} has schema {}, this suite knows up to {SCHEMA}: use a newer suite", version.schema);
        }
        trials.push(serde_json::from_slice(line).with_context(|| format!("line {number} is no record"))?);
    }
    Ok(Records { trials, warning: None, whole_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Cell, Transport, Writer};

    fn trial(number: u32) -> Trial {
        Trial {
            schema: SCHEMA,
            trial: number,
            block: 0,
            experiment: "test".into(),
            engine: "fake".into(),
            variant: "plain".into(),
            twin: false,
            cell: Cell { transport: Transport::Tcp, connections: 1, payload_bytes: 64 },
            seed: 7,
            started_unix_ms: 0,
            elapsed_ms: 0,
            commands: Vec::new(),
            ready: None,
            memory: Vec::new(),
            loads: Vec::new(),
            search: None,
            ladder: Vec::new(),
            drained: None,
            failure: None,
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let mut writer = Writer::open(&path).unwrap();
        writer.append(&trial(0)).unwrap();
        drop(writer);
        Writer::open(&path).unwrap().append(&trial(1)).unwrap();
        let records = read(&path).unwrap();
        assert_eq!(records.trials, [trial(0), trial(1)]);
        assert!(records.warning.is_none());
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_cut_off_by_the_next_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        Writer::open(&path).unwrap().append(&trial(0)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], &whole[..40]].concat()).unwrap();
        let records = read(&path).unwrap();
        assert_eq!(records.trials, [trial(0)]);
        assert!(records.warning.unwrap().contains("line 2 is torn"));
        Writer::open(&path).unwrap().append(&trial(1)).unwrap();
        assert_eq!(read(&path).unwrap().trials, [trial(0), trial(1)]);
    }

    #[test]
    fn a_newer_schema_is_refused_by_reader_and_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        std::fs::write(&path, format!("{{\"schema\":{}}}\n", SCHEMA + 1)).unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("use a newer suite"));
        assert!(Writer::open(&path).is_err());
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = parse(b"{\"schema\":1}\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 1 is no record"));
    }
}
