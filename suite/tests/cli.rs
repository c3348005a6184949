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

/// The subcommands, in the order of `suite --help`.
const SUBCOMMANDS: [&str; 13] = [
    "engines",
    "doctor",
    "run",
    "plan",
    "verify",
    "serve",
    "show",
    "report",
    "compare",
    "export",
    "publish",
    "completions",
    "man",
];

/// What `--help` prints, against a golden file; `UPDATE=1 cargo test` rewrites it.
fn help_is_golden(name: &str, args: &[&str]) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_suite")).args(args).env("COLUMNS", "100").output().expect("it starts");
    assert!(output.status.success(), "{args:?}");
    let help = String::from_utf8(output.stdout).expect("text");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/help").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(&path, &help).expect("writable");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == help, "help of {name} changed: look at it, then UPDATE=1 cargo test:\n{help}");
}

#[test]
fn help_has_examples_and_exit_codes() {
    help_is_golden("suite", &["--help"]);
    for subcommand in SUBCOMMANDS {
        help_is_golden(subcommand, &[subcommand, "--help"]);
        let help = String::from_utf8_lossy(&suite(&[subcommand, "--help"]).stdout).into_owned();
        assert!(help.contains("Examples:\n  suite "), "{subcommand}: {help}");
    }
    let help = String::from_utf8_lossy(&suite(&["--help"]).stdout).into_owned();
    for word in ["suite run --engine all", "Exit codes:", "130", "--resume"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    for subcommand in SUBCOMMANDS {
        assert!(
            help.contains(&format!("\n  {subcommand} ")),
            "{subcommand} is not in this test's list, or not in the help"
        );
    }
}

#[test]
fn shells_complete_every_subcommand_and_the_manual_has_it() {
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(suite(&["completions", shell]).stdout).expect("text");
        for subcommand in SUBCOMMANDS {
            assert!(script.contains(subcommand), "{shell} does not know {subcommand}");
        }
        assert!(script.contains("fail-on"), "{shell} does not know --fail-on");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a plain path");
    assert!(suite(&["man", "--out", path]).status.success());
    for subcommand in SUBCOMMANDS {
        let page = std::fs::read_to_string(folder.path().join(format!("suite-{subcommand}.1"))).expect("a page");
        assert!(page.contains(".SH NAME") && page.contains("suite"), "{subcommand}: {page}");
    }
    assert!(String::from_utf8_lossy(&suite(&["man"]).stdout).contains(".SH SUBCOMMANDS"));
}

/// A published run: the answers below are read from it, and from nothing else.
fn published() -> std::path::PathBuf {
    let runs = workspace().join("results").read_dir().expect("published runs");
    let mut runs: Vec<_> = runs.flatten().map(|run| run.path()).filter(|run| run.join("plan.toml").is_file()).collect();
    runs.sort();
    runs.pop().expect("one is published")
}

/// A copy of it that may be written to, as `report` does.
fn copied() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    std::fs::create_dir(&run).expect("writable");
    for file in ["plan.toml", "environment.json", "records.jsonl"] {
        std::fs::copy(published().join(file), run.join(file)).expect("a whole run");
    }
    (folder, run)
}

/// Prints `args` in every format, and returns the number of lines of its CSV.
#[track_caller]
fn in_every_format(args: &[&str]) -> usize {
    let print = |format: &str| {
        let output = suite(&[args, &["--format", format]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code < 2), "{args:?} {format}: {stderr}");
        String::from_utf8(output.stdout).expect("text")
    };
    let json: serde_json::Value = serde_json::from_str(&print("json")).expect("one JSON document");
    assert!(!json.is_null(), "{args:?}");
    assert!(print("md").contains("\n|---"), "{args:?}");
    let text = print("text");
    assert!(!text.contains('\u{1b}'), "{args:?}: escape sequences in a pipe");
    let csv = print("csv");
    let mut lines = csv.lines();
    let header = lines.next().expect("a header");
    assert!(header.contains(',') && !header.contains(' ') || header.starts_with("variant,"), "{args:?}: {header}");
    lines.count()
}

#[test]
fn every_table_comes_in_every_format() {
    let (_folder, run) = copied();
    let run = run.to_str().expect("a plain path");
    assert!(in_every_format(&["plan", "--engine", "mio", "--seed", "1"]) > 3);
    assert!(in_every_format(&["engines", "--no-build"]) > 3);
    assert!(in_every_format(&["report", run]) > 10);
    assert!(in_every_format(&["show", run, "0"]) > 10);
    assert!(in_every_format(&["compare", run, run]) > 10);
    assert!(in_every_format(&["doctor"]) > 10);
}

#[test]
fn colour_is_there_when_asked_for_and_not_when_forbidden() {
    let coloured = |color: &str, no_color: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suite"));
        command.arg("--root").arg(workspace()).args(["engines", "--no-build", "--color", color]);
        let output = command.env("NO_COLOR", no_color).output().expect("it starts");
        // The doctor's words are coloured; a plain list of engines has nothing to say in colour but for failures.
        (output.status.success(), output.stdout.contains(&0x1b))
    };
    assert_eq!(coloured("never", ""), (true, false));
    assert_eq!(coloured("auto", "1"), (true, false));
    let doctor = suite(&["doctor", "--color", "always"]);
    assert!(doctor.stdout.contains(&0x1b));
    assert!(!suite(&["doctor"]).stdout.contains(&0x1b), "stdout is no terminal here");
}

#[test]
fn a_comparison_needs_comparable_runs_and_a_known_metric() {
    let (_folder, run) = copied();
    let path = run.to_str().expect("a plain path");
    refused(&["compare", path, "/nowhere"], &["no run folder at /nowhere"]);
    refused(&["compare", path, path, "--fail-on", "p99"], &["--fail-on", "unknown metric \"p99\"", "response_p99_ns"]);
    refused(&["compare", path, path, "--fail-on", "any:much"], &["\"much\" is no percentage", "any:5"]);
    let (_other_folder, other) = copied();
    let plan = std::fs::read_to_string(other.join("plan.toml")).expect("a plan");
    let begin = plan.find("experiment = \"").expect("it names its experiment");
    let renamed = plan.replacen("experiment = \"", "experiment = \"other-", 1);
    assert!(begin < renamed.len());
    std::fs::write(other.join("plan.toml"), renamed).expect("writable");
    let other = other.to_str().expect("a plain path");
    refused(&["compare", path, other], &["not comparable: another experiment", "--anyway"]);
    assert!(suite(&["compare", path, other, "--anyway"]).status.success());
}

/// Every throughput and every CPU time of run B is three times as bad: exit code 3, but only for whom it concerns.
#[test]
fn a_regression_ends_with_exit_code_3_only_when_watched() {
    let (_folder, before) = copied();
    let (_other_folder, after) = copied();
    let mut records = suite::record::read(&after.join("records.jsonl")).expect("records").trials;
    for load in records.iter_mut().flat_map(|trial| &mut trial.loads) {
        load.server.cpu_ns *= 3;
    }
    let lines: String = records.iter().map(|trial| serde_json::to_string(trial).expect("a record") + "\n").collect();
    std::fs::write(after.join("records.jsonl"), lines).expect("writable");
    let (before, after) = (before.to_str().expect("a plain path"), after.to_str().expect("a plain path"));
    let code = |watch: &[&str]| suite(&[&["compare", before, after], watch].concat()).status.code();
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--fail-on", "any"]), Some(3));
    assert_eq!(code(&["--fail-on", "server_cpu_per_frame_ns:50"]), Some(3));
    assert_eq!(code(&["--fail-on", "server_cpu_per_frame_ns:500"]), Some(0));
    assert_eq!(code(&["--fail-on", "memory_user_bytes"]), Some(0));
    let output = suite(&["compare", before, after, "--fail-on", "any"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("suite: regression: server_cpu_per_frame_ns of "));
    assert_eq!(suite(&["compare", after, before, "--fail-on", "any"]).status.code(), Some(0), "an improvement passes");
}

#[test]
fn exports_are_whole_files_and_a_database_needs_a_name() {
    let (folder, run) = copied();
    let path = run.to_str().expect("a plain path");
    refused(&["export", path, "--format", "sqlite"], &["--out"]);
    for (format, word) in [("csv", "trial,block,"), ("bmf", "\"value\": "), ("go", "\nBenchmark")] {
        let printed = suite(&["export", path, "--format", format]).stdout;
        assert!(String::from_utf8_lossy(&printed).contains(word), "{format}");
        let out = folder.path().join(format);
        assert!(suite(&["export", path, "--format", format, "--out", out.to_str().expect("plain")]).status.success());
        assert_eq!(std::fs::read(out).expect("written"), printed, "{format}");
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
