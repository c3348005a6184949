//! One load client process: connected, measuring, measured, report.

use std::time::Duration;

use loadclient::report::{Event, Report};

use super::{Interrupt, Process, Trouble};

/// A load client that holds its connections until it is told to go on.
#[derive(Debug)]
pub(super) struct Client {
    process: Process,
}

impl Client {
    pub(super) fn start(index: usize, argv: &[String], interrupt: &Interrupt) -> Result<Self, Trouble> {
        Ok(Self { process: Process::start(&format!("client {index}"), argv, interrupt)? })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until all of its connections are up.
    pub(super) fn connected(&mut self, patience: Duration) -> Result<(), Trouble> {
        match self.process.hear("connected", patience)? {
            Event::Connected { .. } => Ok(()),
            other => Err(unexpected(&other, "connected")),
        }
    }

    pub(super) fn go(&mut self) -> Result<(), Trouble> {
        self.process.say("go")
    }

    /// Waits for the begin of the measured window.
    pub(super) fn measuring(&mut self, patience: Duration) -> Result<(), Trouble> {
        match self.process.hear("the begin of its window", patience)? {
            Event::Measuring { .. } => Ok(()),
            other => Err(unexpected(&other, "measuring")),
        }
    }

    /// Waits for the end of the measured window.
    pub(super) fn measured(&mut self, patience: Duration) -> Result<(), Trouble> {
        match self.process.hear("the end of its window", patience)? {
            Event::Measured { .. } => Ok(()),
            other => Err(unexpected(&other, "measured")),
        }
    }

    /// Lets it close its connections.
    pub(super) fn done(&mut self) -> Result<(), Trouble> {
        self.process.say("done")
    }

    /// Takes its report, after [`Client::done`].
    pub(super) fn report(&mut self, patience: Duration) -> Result<Report, Trouble> {
        let report = match self.process.hear("its report", patience)? {
            Event::Report(report) => *report,
            other => return Err(unexpected(&other, "a report")),
        };
        // What its exit code says is in the report's gates too.
        self.process.finish(patience)?;
        Ok(report)
    }

    /// Sends it to its end, and does not wait for that.
    pub(super) fn doom(&mut self) {
        self.process.doom();
    }

    pub(super) fn post_mortem(&mut self) -> Vec<String> {
        self.process.kill();
        self.process.stderr_tail()
    }
}

/// A client that gives up early says so with its report: its errors are the reason.
fn unexpected(event: &Event, awaited: &str) -> Trouble {
    match event {
        Event::Report(report) => {
            let errors: Vec<String> = report.errors.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
            let gates: Vec<&str> = report.gates.iter().map(|gate| gate.detail.as_str()).collect();
            let (live, asked) = (report.conns_live, report.conns_asked);
            Trouble::Failed(format!(
                "client gave up before {awaited}: {live} of {asked} connections, errors: {}; {}",
                if errors.is_empty() { "none".to_owned() } else { errors.join(", ") },
                gates.join("; ")
            ))
        }
        other => Trouble::Failed(format!("client said {other:?} instead of {awaited}")),
    }
}
