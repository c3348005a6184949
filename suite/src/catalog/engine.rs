//! Finds engines: every folder with an `engine.toml` is one.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use harness::manifest::{Manifest, Variant};

use crate::experiment::parse_toml;
use crate::record::Transport;

/// An engine as its folder describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    pub folder: PathBuf,
    pub manifest: Manifest,
}

/// All engines below `folder`, sorted by name.
///
/// # Errors
/// When the folder cannot be read, or an `engine.toml` is wrong.
pub fn engines(folder: &Path) -> anyhow::Result<Vec<Engine>> {
    let mut engines = Vec::new();
    let entries = folder.read_dir().with_context(|| format!("failed to list engines in {}", folder.display()))?;
    for entry in entries {
        let folder = entry?.path();
        let file = folder.join("engine.toml");
        if !file.is_file() {
            continue;
        }
        let engine = Engine { folder, manifest: parse_toml(&file)? };
        engine.check().with_context(|| file.display().to_string())?;
        engines.push(engine);
    }
    engines.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(engines)
}

impl Engine {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The variants that compete, which is all but the controls.
    pub fn contenders(&self) -> impl Iterator<Item = &Variant> {
        self.manifest.variant.iter().filter(|variant| variant.role.is_none())
    }

    /// Transports that `variant` serves.
    #[must_use]
    pub fn transports(&self, variant: &Variant) -> Vec<Transport> {
        self.manifest.transports(variant).iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Why `variant` does not serve `transport`.
    #[must_use]
    pub fn refusal(&self, variant: &Variant, transport: Transport) -> String {
        let reason = self.manifest.refusal(variant, transport.name(), "");
        reason.unwrap_or("its engine.toml does not list this transport").to_owned()
    }

    fn check(&self) -> anyhow::Result<()> {
        let folder = self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if folder != self.manifest.name {
            bail!("name is {:?}, but the folder is {folder:?}: they must be the same", self.manifest.name);
        }
        if self.contenders().next().is_none() {
            bail!("no [[variant]] without a role: there would be nothing to compare");
        }
        for variant in &self.manifest.variant {
            if let Some(role) = variant.role.as_deref().filter(|role| *role != "control") {
                bail!("variant {:?} has role {role:?}: the only role is \"control\"", variant.name);
            }
            for transport in self.manifest.transports(variant) {
                if transport.parse::<Transport>().is_err() {
                    bail!("unknown transport {transport:?}: use tcp, unix, udp");
                }
            }
        }
        Ok(())
    }
}
