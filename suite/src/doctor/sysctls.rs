//! Sets kernel settings, and sets them back: the old values go to a file first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::Setting;
use crate::record::{read_json, write_json};

/// Settings as they were before the first `--apply`, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub settings: BTreeMap<String, String>,
}

/// Sets each of `settings` below `sysctls` (`/proc/sys`), after its old value was written to `file`. What the file
/// has already stays: it is older. Returns what was set, with the old value.
///
/// # Errors
/// When a setting cannot be read or written; those before it are set, and in the file.
pub fn apply(settings: &[Setting], sysctls: &Path, file: &Path) -> anyhow::Result<Vec<(String, String, String)>> {
    let mut saved: Saved = if file.exists() { read_json(file)? } else { Saved::default() };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    }
    let mut done = Vec::new();
    for setting in settings {
        let path = place(sysctls, setting.name)?;
        let old = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", setting.name))?;
        let old = plain(&old);
        saved.settings.entry(setting.name.to_owned()).or_insert_with(|| old.clone());
        write_json(file, &saved)?;
        set(&path, &setting.value).with_context(|| format!("failed to set {} (are you root?)", setting.name))?;
        done.push((setting.name.to_owned(), old, setting.value.clone()));
    }
    Ok(done)
}

/// Sets everything in `file` back, and removes it. Returns what was set.
///
/// # Errors
/// When there is no such file, or a setting cannot be written: then the file stays.
pub fn restore(sysctls: &Path, file: &Path) -> anyhow::Result<Vec<(String, String)>> {
    if !file.is_file() {
        bail!("nothing to restore: there is no {}; --apply writes it", file.display());
    }
    let saved: Saved = read_json(file)?;
    for (name, value) in &saved.settings {
        set(&place(sysctls, name)?, value).with_context(|| format!("failed to set {name} back (are you root?)"))?;
    }
    std::fs::remove_file(file).with_context(|| format!("failed to remove {}", file.display()))?;
    Ok(saved.settings.into_iter().collect())
}

fn place(sysctls: &Path, name: &str) -> anyhow::Result<PathBuf> {
    // The file could have been edited: a name must not lead elsewhere.
    if name.is_empty()
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_')
        || name.contains("..")
    {
        bail!("{name:?} is no name of a kernel setting");
    }
    Ok(sysctls.join(name.replace('.', "/")))
}

/// Sets, reads back, and compares: the kernel may clamp a value, or ignore it.
fn set(path: &Path, value: &str) -> anyhow::Result<()> {
    std::fs::write(path, format!("{value}\n"))?;
    let got = plain(&std::fs::read_to_string(path)?);
    if got != plain(value) {
        bail!("the kernel keeps {got}, not {value}");
    }
    Ok(())
}

fn plain(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> tempfile::TempDir {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(host.path().join("net/core")).unwrap();
        std::fs::write(host.path().join("net/core/somaxconn"), "128\n").unwrap();
        host
    }

    fn setting(value: &str) -> Setting {
        Setting { name: "net.core.somaxconn", value: value.into() }
    }

    fn value(host: &Path) -> String {
        plain(&std::fs::read_to_string(host.join("net/core/somaxconn")).unwrap())
    }

    #[test]
    fn restoring_brings_the_first_values_back() {
        let host = host();
        let file = host.path().join("state/saved.json");
        let done = apply(&[setting("4096")], host.path(), &file).unwrap();
        assert_eq!(done, [("net.core.somaxconn".to_owned(), "128".to_owned(), "4096".to_owned())]);
        apply(&[setting("8192")], host.path(), &file).unwrap();
        assert_eq!(value(host.path()), "8192");
        restore(host.path(), &file).unwrap();
        assert_eq!(value(host.path()), "128");
        assert!(!file.exists());
        assert!(restore(host.path(), &file).unwrap_err().to_string().contains("nothing to restore"));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let host = host();
        let file = host.path().join("saved.json");
        std::fs::write(&file, r#"{"settings":{"net/../../x":"1"}}"#).unwrap();
        assert!(restore(host.path(), &file).unwrap_err().to_string().contains("no name of a kernel setting"));
        assert!(file.exists());
    }

    #[test]
    fn a_setting_that_is_not_there_stops_before_anything_is_written() {
        let host = host();
        let file = host.path().join("saved.json");
        let missing = Setting { name: "net.core.missing", value: "1".into() };
        assert!(apply(&[missing], host.path(), &file).is_err());
        assert!(!file.exists());
    }
}
