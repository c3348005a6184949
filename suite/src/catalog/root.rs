//! Where the workspace is.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// The workspace root: the first of these that holds `engines/`:
///
/// 1. `asked`, the command line's `--root`, and then nothing else;
/// 2. the parent of `CARGO_MANIFEST_DIR`, which `cargo run` sets;
/// 3. the current directory, and each of its parents;
/// 4. where this program was compiled.
///
/// # Errors
/// When there is none.
pub fn workspace_root(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(root) = asked {
        if !is_root(root) {
            bail!("--root {}: no engines/ folder there", root.display());
        }
        return Ok(root.to_owned());
    }
    let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = std::env::current_dir().ok();
    let candidates = by_cargo
        .as_deref()
        .and_then(Path::parent)
        .into_iter()
        .chain(here.as_deref().into_iter().flat_map(Path::ancestors))
        .chain(Path::new(env!("CARGO_MANIFEST_DIR")).parent());
    for candidate in candidates {
        if is_root(candidate) {
            return Ok(candidate.to_owned());
        }
    }
    bail!("no engines/ folder here or above: run inside the workspace, or name it with --root DIR")
}

fn is_root(path: &Path) -> bool {
    path.join("engines").is_dir() && path.join("Cargo.toml").is_file()
}
