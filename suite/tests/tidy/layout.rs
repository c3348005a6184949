//! Files: their names, their sizes, and what maps may hold.

use super::sources::{none, rust};

const LINES_MAX: usize = 400;
/// A name that says nothing about what is in the file.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "common", "helpers", "misc", "types"];

#[test]
fn no_file_is_too_long() {
    let long = rust().into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines", source.path))
    });
    none(&format!("a file has at most {LINES_MAX} lines"), &long.collect::<Vec<_>>());
}

#[test]
fn names_say_what_is_inside() {
    let empty = rust().into_iter().map(|source| source.path).filter(|path| {
        let mut parts = path.split(['/', '.']);
        parts.any(|part| EMPTY_NAMES.contains(&part))
    });
    none("a name says what is inside", &empty.collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = rust().into_iter().filter(|source| !source.text.starts_with("//! "));
    none("a file opens with //!", &silent.map(|source| source.path).collect::<Vec<_>>());
}

/// `lib.rs` and `mod.rs` are maps: what is in them is declared or re-exported, never defined.
#[test]
fn maps_hold_no_logic() {
    let defining =
        ["fn ", "struct ", "enum ", "trait ", "impl ", "impl<", "const ", "static ", "type ", "macro_rules!"];
    let mut findings = Vec::new();
    for source in rust() {
        if !source.path.ends_with("/lib.rs") && !source.path.ends_with("/mod.rs") {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            let bare = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            let bare = bare.trim_start_matches("pub ").trim_start_matches("unsafe ").trim_start_matches("async ");
            if defining.iter().any(|word| bare.starts_with(word)) {
                findings.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    none("lib.rs and mod.rs are maps", &findings);
}

/// The formatter's opinion is the only one.
#[test]
fn the_tree_is_formatted() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .args(["fmt", "--all", "--check"])
        .current_dir(super::sources::root())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run `cargo fmt --all`:\n{said}");
}
