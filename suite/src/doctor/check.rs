//! One finding about the host: how bad it is, what was seen, and the exact command that mends it.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    Ok,
    /// Numbers will be noisier, or some trials impossible.
    Warn,
    /// Numbers would mean nothing, or the suite cannot work.
    Fail,
}

impl Level {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// A kernel setting that would mend a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// As sysctl spells it: `net.core.somaxconn`.
    pub name: &'static str,
    pub value: String,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check.
    pub check: &'static str,
    pub level: Level,
    /// What was seen.
    pub seen: String,
    /// Why that matters; empty when all is well.
    pub why: String,
    /// The command that mends it; `None` when all is well, or nothing on this host can.
    pub fix: Option<String>,
    /// The same as a kernel setting, where it is one: what `--apply` sets.
    pub setting: Option<Setting>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, seen: seen.into(), why: String::new(), fix: None, setting: None }
    }

    pub(super) fn warn(check: &'static str, seen: impl Into<String>, why: impl Into<String>) -> Self {
        Self { level: Level::Warn, why: why.into(), ..Self::ok(check, seen) }
    }

    pub(super) fn fail(check: &'static str, seen: impl Into<String>, why: impl Into<String>) -> Self {
        Self { level: Level::Fail, why: why.into(), ..Self::ok(check, seen) }
    }

    /// The command that mends it.
    pub(super) fn mended_by(self, command: impl Into<String>) -> Self {
        Self { fix: Some(command.into()), ..self }
    }

    /// The setting that mends it.
    pub(super) fn set(self, name: &'static str, value: impl Into<String>) -> Self {
        let setting = Setting { name, value: value.into() };
        let fix = Some(format!("sysctl -w {name}=\"{}\"", setting.value));
        Self { fix, setting: Some(setting), ..self }
    }
}
