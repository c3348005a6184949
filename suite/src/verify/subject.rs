//! What a case is run against: one variant of one engine on one transport.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::Address;
use harness::manifest::Variant;

use super::case::NotSupported;
use super::client::{Client, until};
use super::run::{Options, Target};
use super::server::{Server, Tail};

/// Workers of an engine under test, unless a case says otherwise: more than one, on any machine.
const WORKERS: &str = "2";

/// An engine variant on a transport, and how to start it.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) target: &'a Target,
    pub(crate) variant: &'a Variant,
    pub(crate) transport: &'static str,
    pub(crate) options: &'a Options,
    tails: Mutex<Vec<Tail>>,
    sockets: Mutex<Vec<PathBuf>>,
}

/// How a process ended that did not start to serve.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<'a> Subject<'a> {
    pub(crate) const fn new(
        target: &'a Target,
        variant: &'a Variant,
        transport: &'static str,
        options: &'a Options,
    ) -> Self {
        Self { target, variant, transport, options, tails: Mutex::new(Vec::new()), sockets: Mutex::new(Vec::new()) }
    }

    /// Starts the engine with these options (`["--readbuf", "64"]`).
    ///
    /// # Errors
    /// [`NotSupported`] when the manifest says that one of them cannot be honoured.
    pub(crate) fn start(&self, options: &[&str]) -> Result<Server> {
        self.start_on(&[self.address()], options)
    }

    /// As [`Subject::start`], on these addresses.
    pub(crate) fn start_on(&self, addrs: &[String], options: &[&str]) -> Result<Server> {
        for pair in options.chunks_exact(2) {
            self.supports(pair[0].trim_start_matches("--"), pair[1])?;
        }
        let tail = Tail::default();
        self.tails.lock().unwrap_or_else(PoisonError::into_inner).push(tail.clone());
        Server::start(self.command(addrs, options), self.patience(), &tail)
    }

    /// Fails with [`NotSupported`] when the manifest says so.
    pub(crate) fn supports(&self, option: &str, value: &str) -> Result<()> {
        match self.target.manifest.refusal(self.variant, option, value) {
            Some(reason) => Err(NotSupported(format!("--{option} {value}: {reason}")).into()),
            None => Ok(()),
        }
    }

    /// The command line of this variant.
    pub(crate) fn command(&self, addrs: &[String], options: &[&str]) -> Command {
        let mut command = Command::new(&self.target.binary);
        command.args(["--variant", &self.variant.name]);
        for addr in addrs {
            command.args(["--addr", addr]);
        }
        if !options.contains(&"--workers") {
            command.args(["--workers", WORKERS]);
        }
        command.args(options);
        command
    }

    /// Runs a command line that must be refused, to its end.
    pub(crate) fn refusal(&self, addrs: &[String], options: &[&str]) -> Result<Refusal> {
        let mut child = self
            .command(addrs, options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", self.target.binary.display()))?;
        let ask = || Ok(child.try_wait()?);
        let ended = until("it refuses and ends", self.patience(), ask, Option::is_some, |_| "it still runs".into());
        if ended.is_err() {
            let _ = child.kill();
        }
        let output = child.wait_with_output()?;
        ended?;
        Ok(Refusal {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// A fresh address of the subject's transport.
    pub(crate) fn address(&self) -> String {
        self.address_of(self.transport)
    }

    /// A fresh address of this transport.
    pub(crate) fn address_of(&self, transport: &str) -> String {
        match transport {
            "unix" => self.unix_address(),
            transport => format!("{transport}://127.0.0.1:0"),
        }
    }

    /// A socket whose path is gone with the subject: an engine that is killed leaves its own.
    fn unix_address(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("crossover-verify-{}-{next}.sock", std::process::id()));
        let address = format!("unix://{}", path.display());
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).push(path);
        address
    }

    pub(crate) fn connect(&self, server: &Server) -> Result<Client> {
        self.connect_to(&server.addr)
    }

    pub(crate) fn connect_to(&self, addr: &Address) -> Result<Client> {
        Client::connect(addr, self.patience()).with_context(|| format!("failed to connect to {addr}"))
    }

    pub(crate) fn connect_many(&self, server: &Server, count: usize) -> Result<Vec<Client>> {
        (0..count).map(|_| self.connect(server)).collect()
    }

    /// How long to wait for what must come.
    pub(crate) const fn patience(&self) -> Duration {
        self.options.patience
    }

    /// The first for the long set, the second for the quick one.
    pub(crate) const fn long_or<T: Copy>(&self, long: T, quick: T) -> T {
        if self.options.long { long } else { quick }
    }

    /// What the engines of this case wrote to stderr.
    pub(crate) fn stderr(&self) -> String {
        let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let texts: Vec<String> = tails.iter().map(Tail::text).filter(|text| !text.is_empty()).collect();
        texts.join(" | ")
    }
}

impl Drop for Subject<'_> {
    fn drop(&mut self) {
        for path in self.sockets.get_mut().unwrap_or_else(PoisonError::into_inner) {
            let _ = std::fs::remove_file(path);
        }
    }
}
