//! Which files there are, and what was found wrong with them.

use std::path::{Path, PathBuf};

/// A text file of the workspace.
pub(crate) struct Source {
    /// Below the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What the tree itself does not hold: build output, runs, version control.
const NOT_OURS: [&str; 4] = ["target", "runs", ".git", "node_modules"];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the suite lies in the workspace")
}

/// All Rust files.
pub(crate) fn rust() -> Vec<Source> {
    with_extensions(&["rs"])
}

/// All files with one of these extensions, sorted by path.
pub(crate) fn with_extensions(extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    visit(root(), extensions, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no files with {extensions:?} below {}", root().display());
    found
}

fn visit(folder: &Path, extensions: &[&str], found: &mut Vec<Source>) {
    for entry in folder.read_dir().expect("a readable folder").flatten() {
        let path: PathBuf = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                visit(&path, extensions, found);
            }
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
            let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
            let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
}

/// Fails with all findings at once.
#[track_caller]
pub(crate) fn none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

/// Lines of `sources` that `is_wrong` finds, as `path:line: text`.
pub(crate) fn lines(sources: &[Source], is_wrong: impl Fn(&Source, &str) -> bool) -> Vec<String> {
    let numbered = |source: &'_ Source| {
        let wrong = source.text.lines().enumerate().filter(|(_, line)| is_wrong(source, line));
        wrong.map(|(index, line)| format!("{}:{}: {}", source.path, index + 1, line.trim())).collect::<Vec<_>>()
    };
    sources.iter().flat_map(numbered).collect()
}
