//! `engine.toml`: what an engine is, what it needs, its variants, and what its framework cannot do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The manifest of one engine folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The engine's name; its package is `engine-<name>`.
    pub name: String,
    /// The crate that makes it what it is; its pinned version is the engine's version.
    pub framework: String,
    /// One line for people.
    pub line: String,
    /// What it needs of the host, for people.
    #[serde(default)]
    pub requires: Vec<String>,
    /// `tcp`, `unix`, `udp`.
    pub transports: Vec<String>,
    /// Options (`idle-timeout`), option values (`write-queue=0`) and transports (`udp`) that the
    /// framework cannot honour, with the reason. They are refused at start.
    #[serde(default)]
    pub unsupported: BTreeMap<String, String>,
    /// Allocations that the framework makes in steady state; an engine without any entry makes none, and so does
    /// every part of it that is ours.
    #[serde(default)]
    pub allocates: Vec<Allocates>,
    /// Options of this engine alone, by name.
    #[serde(default)]
    pub setting: BTreeMap<String, Setting>,
    /// The program, for an engine that is no package of this workspace; below its folder, if the path is relative.
    #[serde(default)]
    pub program: Option<String>,
    /// The command that makes `program`, run in the engine's folder; absent where it exists already.
    #[serde(default)]
    pub build: Vec<String>,
    /// What one connection takes.
    #[serde(default)]
    pub per_connection: PerConnection,
    /// Ways to run it; the first is the default.
    pub variant: Vec<Variant>,
}

/// One way to run an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Variant {
    pub name: String,
    /// One line for people.
    pub line: String,
    /// Options that make the variant, before those of the command line.
    #[serde(default)]
    pub args: Vec<String>,
    /// `control`: a control of the method, not a contender; run only when named.
    #[serde(default)]
    pub role: Option<String>,
    /// Transports, where they differ from the engine's.
    #[serde(default)]
    pub transports: Option<Vec<String>>,
    /// As [`Manifest::unsupported`], for this variant alone.
    #[serde(default)]
    pub unsupported: BTreeMap<String, String>,
    /// Where it differs from [`Manifest::per_connection`].
    #[serde(default)]
    pub per_connection: Option<PerConnection>,
}

/// What one idle connection takes of the host in this engine, rounded up: so that a count which cannot fit is refused
/// before anything is opened. Measured figures are in the results, not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PerConnection {
    /// Memory of the process.
    pub user_bytes: u64,
    /// Memory maps, against `vm.max_map_count`: a stack with its guard page is two.
    pub maps: u64,
    /// Threads, against `kernel.pid_max`.
    pub threads: u64,
}

impl Default for PerConnection {
    fn default() -> Self {
        Self { user_bytes: 4096, maps: 0, threads: 0 }
    }
}

/// An option of one engine alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub default: String,
    pub help: String,
}

/// Allocations that a framework makes per operation: which calls, and how many at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Allocates {
    /// What is allocated, by which part of the framework.
    pub what: String,
    /// Per 1 000 frames, at one frame in flight a connection: where a frame costs most.
    pub per_1000_frames_max: u32,
}

impl Manifest {
    /// The manifest in `text`.
    ///
    /// # Errors
    /// What the TOML reader says, with the place.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The variant of that name.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variant.iter().find(|variant| variant.name == name)
    }

    /// Transports that `variant` serves.
    #[must_use]
    pub fn transports<'a>(&'a self, variant: &'a Variant) -> &'a [String] {
        variant.transports.as_ref().unwrap_or(&self.transports)
    }

    /// What one connection of `variant` takes.
    #[must_use]
    pub fn per_connection(&self, variant: &Variant) -> PerConnection {
        variant.per_connection.unwrap_or(self.per_connection)
    }

    /// Why `variant` cannot honour `option` with `value`, if it cannot.
    #[must_use]
    pub fn refusal(&self, variant: &Variant, option: &str, value: &str) -> Option<&str> {
        let with_value = format!("{option}={value}");
        let of_variant = self.variant(&variant.name).map(|own| &own.unsupported);
        [of_variant, Some(&self.unsupported)]
            .into_iter()
            .flatten()
            .find_map(|reasons| reasons.get(option).or_else(|| reasons.get(&with_value)))
            .map(String::as_str)
    }
}

/// The version that `cargo_toml` pins `framework` to (`=1.2.3`).
#[must_use]
pub fn pinned_version(cargo_toml: &str, framework: &str) -> Option<String> {
    let table: toml::Table = cargo_toml.parse().ok()?;
    let dependency = table.get("dependencies")?.get(framework)?;
    let version = dependency.as_str().or_else(|| dependency.get("version")?.as_str())?;
    Some(version.trim_start_matches('=').trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        name = "x"
        framework = "fx"
        line = "an engine"
        transports = ["tcp", "unix"]
        [unsupported]
        "write-queue=0" = "reads and writes alternate"
        [setting.stack-size]
        default = "32768"
        help = "bytes"
        [[variant]]
        name = "a"
        line = "default"
        [[variant]]
        name = "b"
        line = "other"
        transports = ["tcp"]
        unsupported = { backlog = "fixed by the framework" }
    "#;

    #[test]
    fn refusals_name_their_reason() {
        let manifest = Manifest::parse(TEXT).expect("valid");
        let (a, b) = (manifest.variant("a").expect("a"), manifest.variant("b").expect("b"));
        assert_eq!(manifest.refusal(a, "write-queue", "0"), Some("reads and writes alternate"));
        assert_eq!(manifest.refusal(a, "write-queue", "1"), None);
        assert_eq!(manifest.refusal(a, "backlog", "1"), None);
        assert_eq!(manifest.refusal(b, "backlog", "1"), Some("fixed by the framework"));
        assert_eq!(manifest.transports(b), ["tcp"]);
    }

    #[test]
    fn versions_come_from_the_pin() {
        let cargo = "[dependencies]\nfx = { version = \"=1.2.3\", features = [] }\ngx = \"=4.5.6\"";
        assert_eq!(pinned_version(cargo, "fx").as_deref(), Some("1.2.3"));
        assert_eq!(pinned_version(cargo, "gx").as_deref(), Some("4.5.6"));
        assert_eq!(pinned_version(cargo, "hx"), None);
    }
}
