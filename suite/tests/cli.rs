//! What the suite says to requests that cannot be met: one line, what and where, and exit code 2.

use std::path::Path;
use std::process::{Command, Output};

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the suite lies in the workspace")
}

fn suite(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_suite"))
        .arg("--root")
        .arg(workspace())
        .args(args)
        .output()
        .expect("the suite starts")
}

/// The request is refused with one line that holds all of `words`, and nothing is printed or written.
#[track_caller]
fn refused(args: &[&str], words: &[&str]) {
    let output = suite(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{args:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{args:?} should say {word:?}: {stderr}");
    }
}

/// An experiment with one thing wrong is refused with its file and `words`.
#[track_caller]
fn wrong_experiment(from: &str, to: &str, words: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let tiny = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny.toml"));
    let tiny = tiny.expect("the tests' experiment");
    assert!(tiny.contains(from), "nothing to change: {from}");
    let path = folder.path().join("wrong.toml");
    std::fs::write(&path, tiny.replacen(from, to, 1)).expect("writable");
    let path = path.to_str().expect("a plain path");
    refused(&["plan", path], &[&["wrong.toml"], words].concat());
    refused(&["run", path, "--engine", "all"], words);
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1, "something was written");
}

#[test]
fn unknown_names_come_with_known_ones() {
    refused(&["run", "--engine", "tokoi"], &["unknown engine \"tokoi\"", "did you mean tokio?", "mio, tokio"]);
    refused(&["run", "--engine", "tokio/percore"], &["unknown variant \"percore\" of tokio", "did you mean per-core?"]);
    refused(&["plan", "crosover"], &["unknown experiment \"crosover\"", "did you mean crossover?", "seam"]);
    refused(&["plan", "--profile", "quik"], &["no profile \"quik\"", "quick"]);
    refused(&["serve", "--engine", "nginx"], &["unknown engine \"nginx\" (known: "]);
    refused(&["serve", "--engine", "all"], &["serve runs one engine"]);
}

#[test]
fn folders_that_are_none() {
    refused(&["report", "/nowhere"], &["no run folder at /nowhere"]);
    refused(&["show", "/nowhere", "1"], &["no run folder at /nowhere"]);
    refused(&["publish", "/nowhere"], &["no run folder at /nowhere"]);
    refused(&["run", "--resume", "/nowhere"], &["no run folder at /nowhere"]);
    refused(&["--engines", "/nowhere", "plan"], &["/nowhere"]);
    let workspace = workspace().join("protocol");
    let path = workspace.to_str().expect("a plain path");
    refused(&["report", path], &["is no run folder: it has no plan.toml"]);
    refused(&["run", "--out", path], &["is there already", "--resume"]);
    let output = Command::new(env!("CARGO_BIN_EXE_suite")).args(["--root", path, "plan"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no engines/ folder"));
}

#[test]
fn experiments_that_make_no_sense() {
    wrong_experiment("connections = [1, 2", "connections = [1, \"2\"", &[":6:", "invalid type"]);
    wrong_experiment("[[grid]]", "[[grid", &[":4:"]);
    wrong_experiment("payload_bytes = [64]", "payload_byte = [64]", &[":7:", "unknown field `payload_byte`"]);
    wrong_experiment("payload_bytes = [64]", "payload_bytes = [65536]", &["a frame takes at most 65535"]);
    wrong_experiment("connections = [1,", "connections = [0,", &["connections 0: at least one"]);
    wrong_experiment("total_rate_per_s = 2000", "total_rate_per_s = 0", &["total_rate_per_s 0: must be more than 0"]);
    wrong_experiment("total_rate_per_s = 2000", "in_flight = 1", &["open takes total_rate_per_s"]);
    wrong_experiment("in_flight = 1", "in_flight = 0", &["in_flight 0: at least one"]);
    wrong_experiment("blocks = 2", "blocks = 0", &["blocks 0"]);
    wrong_experiment("window_ms = 200", "window_ms = 0", &["window_ms 0"]);
    wrong_experiment("connections = 2\n", "connections = 3\n", &["no [[twin]] is one of its cells"]);
    wrong_experiment("transport = \"unix\"", "transport = \"sctp\"", &[":10:", "unknown variant `sctp`"]);
}

#[test]
fn a_malformed_engine_toml_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = folder.path().join("odd");
    std::fs::create_dir(&engine).expect("writable");
    std::fs::write(engine.join("engine.toml"), "name = \"odd\"\nlines = \"x\"\n").expect("writable");
    let path = folder.path().to_str().expect("a plain path");
    refused(&["--engines", path, "plan"], &["odd/engine.toml:2:", "lines"]);
}

#[test]
fn help_has_examples_and_exit_codes() {
    let help = String::from_utf8_lossy(&suite(&["--help"]).stdout).into_owned();
    for word in ["suite run --engine all", "Exit codes:", "130", "--resume"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[test]
fn a_plan_is_printed_and_nothing_is_written() {
    let output = suite(&["plan", "--engine", "tokio/per-core,mio", "--seed", "1"]);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success());
    assert!(stdout.contains("mio/default, tokio/per-core"), "{stdout}");
    assert!(stdout.contains("duration  about "), "{stdout}");
    // Before it runs, a plan says what it can tell apart, and what more would take.
    assert!(stdout.contains("resolves  differences that 4 blocks call with a chance of 80 %"), "{stdout}");
    let cpu = stdout.lines().find(|line| line.contains("Server CPU per frame at the fixed rate: "));
    assert!(cpu.is_some_and(|line| line.contains(" %; 5 % ") && line.contains("; noise ")), "{stdout}");
}
