//! Engines: one folder each, small, pinned, and unknown to the suite.

use std::path::Path;

use suite::catalog::{Engine, engines};

use super::sources::{Source, lines, none, root, rust};

const MAIN_LINES_MAX: usize = 150;

fn catalog() -> Vec<Engine> {
    engines(&root().join("engines")).expect("every engine.toml is sound")
}

fn below(folder: &Path) -> Vec<Source> {
    let folder = folder.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned() + "/";
    rust().into_iter().filter(|source| source.path.starts_with(&folder)).collect()
}

#[test]
fn an_engine_has_all_its_files() {
    let mut missing = Vec::new();
    for engine in catalog() {
        for file in ["Cargo.toml", "engine.toml", "README.md", "src/main.rs"] {
            if !engine.folder.join(file).is_file() {
                missing.push(format!("{}: no {file}", engine.name()));
            }
        }
    }
    none("an engine folder is complete", &missing);
}

#[test]
fn engines_stay_small() {
    let mut findings = Vec::new();
    for engine in catalog() {
        let main = std::fs::read_to_string(engine.folder.join("src/main.rs")).unwrap_or_default();
        let lines = main.lines().count();
        if lines > MAIN_LINES_MAX {
            findings.push(format!("{}: main.rs has {lines} lines", engine.name()));
        }
    }
    none(&format!("an engine's main.rs has at most {MAIN_LINES_MAX} lines"), &findings);
}

#[test]
fn frameworks_are_pinned() {
    let mut findings = Vec::new();
    for engine in catalog() {
        if engine.manifest.program.is_some() {
            continue;
        }
        let text = std::fs::read_to_string(engine.folder.join("Cargo.toml")).expect("a Cargo.toml");
        let manifest: toml::Table = text.parse().expect("valid TOML");
        let dependency = manifest.get("dependencies").and_then(|all| all.get(&engine.manifest.framework));
        let version = dependency.and_then(|it| it.as_str().or_else(|| it.get("version")?.as_str()));
        if !version.is_some_and(|version| version.starts_with('=')) {
            findings.push(format!("{}: {} is {version:?}", engine.name(), engine.manifest.framework));
        }
        let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
        if name != Some(&format!("engine-{}", engine.name())) {
            findings.push(format!("{}: its package is {name:?}", engine.name()));
        }
    }
    none("the framework is pinned with `=`", &findings);
}

/// The harness owns flags, stdout and socket options; the protocol owns header bytes.
#[test]
fn engines_leave_the_rest_to_the_harness() {
    let foreign = [
        "println!",
        "serde_json",
        "clap::",
        "Header::",
        "HEADER_BYTES",
        "set_nodelay",
        "set_tcp_nodelay",
        "setsockopt",
    ];
    for engine in catalog() {
        let found = lines(&below(&engine.folder.join("src")), |_, line| foreign.iter().any(|word| line.contains(word)));
        none("engines parse no flags, print no JSON, touch no headers and no socket options", &found);
    }
}

/// Adding an engine touches one folder.
#[test]
fn the_suite_knows_no_engine_by_name() {
    let quoted: Vec<String> = catalog().iter().map(|engine| format!("\"{}\"", engine.name())).collect();
    let sources: Vec<Source> = rust().into_iter().filter(|source| source.path.starts_with("suite/src/")).collect();
    let mut findings = Vec::new();
    for source in sources {
        // Tests within the sources may speak of engines.
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, line) in code.lines().enumerate() {
            let names = quoted.iter().any(|name| line.contains(name));
            if names && !line.trim_start().starts_with("//") {
                findings.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    none("the suite knows no engine by name", &findings);
}
