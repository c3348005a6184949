//! Builds engines and the load client, one by one: what does not build takes out only itself.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Engine;

/// Lines of a failed build's output that are kept.
const TAIL_LINES: usize = 20;

/// Builds packages of a workspace.
#[derive(Debug, Clone)]
pub struct Builder {
    pub root: PathBuf,
    /// `release`, or `dev` in tests.
    pub cargo_profile: String,
    /// Keep cargo's progress to ourselves unless it fails.
    pub quiet: bool,
}

/// A program, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    Built { path: PathBuf, sha256: String },
    Failed { error: String, tail: Vec<String> },
}

impl Program {
    #[must_use]
    pub fn sha256(&self) -> Option<String> {
        match self {
            Self::Built { sha256, .. } => Some(sha256.clone()),
            Self::Failed { .. } => None,
        }
    }

    /// An existing program.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn existing(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self::Built { path: path.to_owned(), sha256 })
    }
}

impl Builder {
    /// Builds an engine.
    #[must_use]
    pub fn engine(&self, engine: &Engine) -> Program {
        let result = match &engine.manifest.program {
            None => self.cargo(&format!("engine-{}", engine.name())),
            Some(program) => self.external(engine, program),
        };
        result.unwrap_or_else(|error| Program::Failed { error: format!("{error:#}"), tail: Vec::new() })
    }

    /// Builds the load client.
    #[must_use]
    pub fn client(&self) -> Program {
        self.cargo("loadclient")
            .unwrap_or_else(|error| Program::Failed { error: format!("{error:#}"), tail: Vec::new() })
    }

    fn external(&self, engine: &Engine, program: &str) -> anyhow::Result<Program> {
        if let Some((command, args)) = engine.manifest.build.split_first() {
            let mut command = Command::new(command);
            command.args(args).current_dir(&engine.folder).stdout(Stdio::null());
            if let Some(failed) = self.watch(command, |_| Ok(()))? {
                return Ok(failed);
            }
        }
        Program::existing(&engine.folder.join(program))
    }

    fn cargo(&self, package: &str) -> anyhow::Result<Program> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["build", "--profile", &self.cargo_profile, "--package", package, "--bins"])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(&self.root)
            .stdout(Stdio::piped());
        let mut executable = None;
        let failed = self.watch(command, |stdout| {
            for line in BufReader::new(stdout).lines() {
                let Ok(artifact) = serde_json::from_str::<Artifact>(&line?) else { continue };
                executable = artifact.executable.or(executable.take());
            }
            Ok(())
        })?;
        if let Some(failed) = failed {
            return Ok(failed);
        }
        let Some(executable) = executable else { bail!("cargo built {package}, but it has no program") };
        Program::existing(&executable)
    }

    /// Runs a build to its end, passing its stderr on; `Some` when it failed.
    fn watch(
        &self,
        mut command: Command,
        read: impl FnOnce(std::process::ChildStdout) -> std::io::Result<()>,
    ) -> anyhow::Result<Option<Program>> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("failed to start {name}"))?;
        let stderr = child.stderr.take().expect("stderr is piped");
        let quiet = self.quiet;
        let listener = std::thread::spawn(move || {
            let mut tail = VecDeque::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if !quiet {
                    eprintln!("{line}");
                }
                if tail.len() == TAIL_LINES {
                    tail.pop_front();
                }
                tail.push_back(line);
            }
            Vec::from(tail)
        });
        if let Some(stdout) = child.stdout.take() {
            read(stdout)?;
        }
        let status = child.wait()?;
        let tail = listener.join().expect("the listener does not panic");
        if status.success() {
            return Ok(None);
        }
        Ok(Some(Program::Failed { error: format!("{name} failed: {status}"), tail }))
    }
}

/// A message of cargo about something it made.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}
