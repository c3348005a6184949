//! A folder for one test: a catalog with the fake engine, a load client, and a place for runs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use suite::catalog::{Builder, Program};
use suite::record::{Records, Trial, read};
use tempfile::TempDir;

/// The workspace that is tested.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the suite lies in the workspace")
}

/// The load client, built once for all tests.
fn client() -> &'static Path {
    static CLIENT: OnceLock<PathBuf> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let builder = Builder { root: workspace().to_owned(), cargo_profile: "dev".into(), quiet: true };
        match builder.client() {
            Program::Built { path, .. } => path,
            Program::Failed { error, tail } => panic!("the load client does not build: {error}\n{}", tail.join("\n")),
        }
    })
}

/// The fake engine's variants, each named after its fault.
const ENGINE: &str = r#"
name = "fake"
framework = "none"
line = "an engine for tests"
transports = ["tcp", "unix"]
program = "PROGRAM"
unsupported = { udp = "the fake engine is not asked over UDP" }
variant = [
    { name = "plain", line = "without a fault" },
    { name = "dies", line = "", role = "control" },
    { name = "hangs", line = "", role = "control" },
    { name = "deaf", line = "", role = "control" },
    { name = "refuses", line = "", role = "control" },
    { name = "garbage", line = "", role = "control" },
]
"#;

/// An engine whose build fails.
const BROKEN: &str = r#"
name = "broken"
framework = "none"
line = "does not build"
transports = ["tcp"]
program = "nowhere"
build = ["sh", "-c", "echo 'error: this framework needs a newer kernel' >&2; exit 3"]
variant = [{ name = "default", line = "" }]
"#;

pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let fake = ENGINE.replace("PROGRAM", env!("CARGO_BIN_EXE_fake-engine"));
        Self::with(&[("fake", &fake), ("broken", BROKEN)])
    }

    /// With other engines, by name and manifest.
    pub(crate) fn with(engines: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let engine = |name: &str, text: &str| {
            let path = folder.path().join("engines").join(name);
            std::fs::create_dir_all(&path).expect("a folder for an engine");
            std::fs::write(path.join("engine.toml"), text).expect("an engine.toml");
        };
        engines.iter().for_each(|(name, text)| engine(name, text));
        Self { folder }
    }

    pub(crate) fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// `suite run` of one of the tests' experiments.
    pub(crate) fn run(&self, experiment: &str, engines: &str) -> Command {
        let mut command = self.suite();
        let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(experiment);
        command.arg("run").arg(experiment).args(["--engine", engines, "--seed", "7", "--out"]).arg(self.run_folder());
        command
    }

    /// `suite run --resume`.
    pub(crate) fn resume(&self) -> Command {
        let mut command = self.suite();
        command.args(["run", "--resume"]).arg(self.run_folder());
        command
    }

    pub(crate) fn suite(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suite"));
        command.arg("--root").arg(workspace()).arg("--engines").arg(self.folder.path().join("engines"));
        command.arg("--client").arg(client()).env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn records(&self) -> Records {
        read(&self.run_folder().join("records.jsonl")).expect("readable records")
    }

    pub(crate) fn trials(&self) -> Vec<Trial> {
        self.records().trials
    }
}

/// Runs a command to its end, and checks its exit code.
pub(crate) fn expect(command: &mut Command, code: i32) -> Output {
    let output = command.output().expect("the suite starts");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    // On a machine that is busy enough no value counts, which is no success; it says nothing about the pipeline.
    if code == 0 && output.status.code() == Some(1) && stderr.contains("suite: no value of ") {
        return output;
    }
    assert_eq!(output.status.code(), Some(code), "stdout:\n{stdout}\nstderr:\n{stderr}");
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until `done`, or panics: a safety net, not a measurement.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The children of a process that run now.
pub(crate) fn children(parent: &Child) -> Vec<u32> {
    let pid = parent.id();
    let tasks = format!("/proc/{pid}/task/{pid}/children");
    let list = std::fs::read_to_string(tasks).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Whether a process has ended; a zombie has, and waits for whoever inherited it.
pub(crate) fn is_gone(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}
