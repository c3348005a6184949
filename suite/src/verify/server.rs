//! A running engine: started, asked, drained, and always reaped.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::Address;
use harness::control::{Drained, Event, Ready, Snapshot};

use super::client::until;
use super::process::Process;

/// The end of what a process wrote to stderr, for failure messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<String>>);

impl Tail {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).trim().to_owned()
    }

    fn push(&self, text: &str) {
        const BYTES_MAX: usize = 4096;
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.push_str(text);
        if tail.len() > BYTES_MAX {
            let from = tail.ceil_char_boundary(tail.len() - BYTES_MAX);
            tail.drain(..from);
        }
    }
}

/// A running engine. Dropping it kills and reaps the process.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) ready: Ready,
    pub(crate) addr: Address,
    stdin: Option<ChildStdin>,
    lines: Lines,
}

/// A process that is killed, if it still runs, and waited for, when this goes.
#[derive(Debug)]
struct Reaped(Child);

/// What a process says on stdout.
#[derive(Debug)]
struct Lines {
    events: Receiver<Result<Event, String>>,
    process: Reaped,
    patience: Duration,
}

impl Server {
    /// Starts `command` and waits for its first line, which must be the ready event.
    pub(crate) fn start(mut command: Command, patience: Duration, tail: &Tail) -> Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", command.get_program().display()))?;
        let mut process = Reaped(child);
        collect(process.0.stderr.take().expect("piped"), tail.clone());
        let stdin = process.0.stdin.take();
        let mut lines = Lines { events: events(process.0.stdout.take().expect("piped")), process, patience };
        let ready = match lines.next().context("no ready line")? {
            Event::Ready(ready) => ready,
            other => bail!("the first line is not the ready event: {other:?}"),
        };
        let first = ready.addrs.first().context("the ready line names no address")?;
        let addr = first.parse().with_context(|| format!("the ready line's address '{first}'"))?;
        Ok(Self { ready, addr, stdin, lines })
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.lines.process.0.id())
    }

    pub(crate) fn snapshot(&mut self) -> Result<Snapshot> {
        self.command("snapshot")?;
        match self.lines.next().context("no answer to snapshot")? {
            Event::Snapshot(snapshot) => Ok(snapshot),
            other => bail!("another answer to snapshot: {other:?}"),
        }
    }

    /// Asks for snapshots until one `holds`.
    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Result<Snapshot> {
        let patience = self.lines.patience;
        until(what, patience, || self.snapshot(), holds, |last| format!("{last:?}"))
    }

    /// Sends the command and waits for the orderly end.
    pub(crate) fn drain(mut self) -> Result<Drained> {
        self.command("drain")?;
        self.drained()
    }

    /// The `drained` event, and then exit code 0.
    pub(crate) fn drained(mut self) -> Result<Drained> {
        let drained = match self.lines.next().context("no drained line")? {
            Event::Drained(drained) => drained,
            other => bail!("another event instead of drained: {other:?}"),
        };
        let status = self.exit()?;
        ensure!(status.success(), "after the drain it ended with {status}");
        match self.lines.events.recv_timeout(self.lines.patience) {
            Err(RecvTimeoutError::Disconnected) => Ok(drained),
            Err(RecvTimeoutError::Timeout) => bail!("stdout is still open after the end"),
            Ok(line) => bail!("a line after the drained event: {line:?}"),
        }
    }

    /// Waits for the end of the process.
    pub(crate) fn exit(&mut self) -> Result<ExitStatus> {
        let patience = self.lines.patience;
        let child = &mut self.lines.process.0;
        let ask = || Ok(child.try_wait()?);
        let ended = until("the process ends", patience, ask, Option::is_some, |_| "it still runs".to_owned())?;
        Ok(ended.expect("that was the condition"))
    }

    pub(crate) fn command(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("stdin was closed")?;
        stdin.write_all(format!("{line}\n").as_bytes()).with_context(|| format!("failed to send '{line}'"))
    }

    /// What an engine sees when its parent is gone.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }
}

impl Lines {
    fn next(&mut self) -> Result<Event> {
        match self.events.recv_timeout(self.patience) {
            Ok(Ok(event)) => Ok(event),
            Ok(Err(line)) => bail!("a line on stdout that is no event: {line}"),
            Err(RecvTimeoutError::Timeout) => bail!("nothing on stdout for {:?}", self.patience),
            Err(RecvTimeoutError::Disconnected) => match self.process.0.try_wait()? {
                Some(status) => bail!("the process has ended with {status}"),
                None => bail!("stdout was closed"),
            },
        }
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A drain removes the path; a kill leaves it.
        if let Address::Unix(path) = &self.addr {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Event lines from `source`, until it ends; a line that is none is passed on as it is.
pub(crate) fn events(source: impl Read + Send + 'static) -> Receiver<Result<Event, String>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines() {
            let Ok(line) = line else { return };
            let event = serde_json::from_str(&line).map_err(|error| format!("{line} ({error})"));
            if sender.send(event).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Keeps the end of what comes from `source`.
fn collect(source: impl Read + Send + 'static, tail: Tail) {
    thread::spawn(move || {
        for line in BufReader::new(source).lines() {
            let Ok(line) = line else { return };
            tail.push(&line);
            tail.push("\n");
        }
    });
}
