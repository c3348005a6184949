//! One engine process: ready, snapshots, drained.

use std::time::Duration;

use harness::control::{Drained, Event, Ready, Snapshot};

use super::{Interrupt, Process, Trouble};

/// An engine that listens.
#[derive(Debug)]
pub struct Server {
    process: Process,
    pub ready: Ready,
}

impl Server {
    /// Starts an engine and waits until it listens.
    ///
    /// # Errors
    /// What went wrong, with the last lines of its stderr.
    pub fn start(argv: &[String], patience: Duration, interrupt: &Interrupt) -> Result<Self, (Trouble, Vec<String>)> {
        let process = Process::start("server", argv, interrupt).map_err(|trouble| (trouble, Vec::new()))?;
        Self::listening(process, patience)
    }

    /// Waits until an engine that was started listens.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(super) fn listening(mut process: Process, patience: Duration) -> Result<Self, (Trouble, Vec<String>)> {
        match process.hear("its ready line", patience) {
            Ok(Event::Ready(ready)) => Ok(Self { process, ready }),
            Ok(other) => {
                let trouble = Trouble::Failed(format!("server said {other:?} before it was ready"));
                process.kill();
                Err((trouble, process.stderr_tail()))
            }
            Err(trouble) => {
                process.kill();
                Err((trouble, process.stderr_tail()))
            }
        }
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its counters now.
    ///
    /// # Errors
    /// When it hangs or died.
    pub fn snapshot(&mut self, patience: Duration) -> Result<Snapshot, Trouble> {
        self.ask_snapshot()?;
        self.hear_snapshot(patience)
    }

    pub(super) fn ask_snapshot(&mut self) -> Result<(), Trouble> {
        self.process.say("snapshot")
    }

    pub(super) fn hear_snapshot(&mut self, patience: Duration) -> Result<Snapshot, Trouble> {
        match self.process.hear("a snapshot", patience)? {
            Event::Snapshot(snapshot) => Ok(snapshot),
            other => Err(Trouble::Failed(format!("server said {other:?} instead of a snapshot"))),
        }
    }

    /// Lets it finish what is in flight, and end.
    ///
    /// # Errors
    /// When it does not, or not in order.
    pub fn drain(&mut self, patience: Duration) -> Result<Drained, Trouble> {
        self.ask_drain()?;
        self.hear_drained(patience)
    }

    pub(super) fn ask_drain(&mut self) -> Result<(), Trouble> {
        self.process.say("drain")
    }

    pub(super) fn hear_drained(&mut self, patience: Duration) -> Result<Drained, Trouble> {
        let drained = match self.process.hear("its drained line", patience)? {
            Event::Drained(drained) => drained,
            other => return Err(Trouble::Failed(format!("server said {other:?} instead of drained"))),
        };
        let status = self.process.finish(patience)?;
        if status.success() {
            Ok(drained)
        } else {
            Err(Trouble::Failed(format!("server drained, but ended with {status}")))
        }
    }

    /// Whether it has died.
    pub fn died(&mut self) -> bool {
        self.process.ended().is_some()
    }

    /// How it died, unless `error` says so already.
    pub fn epitaph(&mut self, error: &str) -> String {
        match self.process.obituary() {
            Some(obituary) if !error.starts_with("server died") => format!("{obituary} ({error})"),
            _ => error.to_owned(),
        }
    }

    /// Sends it to its end, and does not wait for that.
    pub(super) fn doom(&mut self) {
        self.process.doom();
    }

    /// Kills it, and gives its last words.
    pub fn post_mortem(&mut self) -> Vec<String> {
        self.process.kill();
        self.process.stderr_tail()
    }
}

/// Counters of several servers, added up.
#[must_use]
pub(super) fn add(snapshots: &[Snapshot]) -> Snapshot {
    let mut sum = Snapshot::default();
    for one in snapshots {
        sum.conns_open += one.conns_open;
        sum.accept_total += one.accept_total;
        sum.frames_total += one.frames_total;
        sum.bytes_in_total += one.bytes_in_total;
        sum.bytes_out_total += one.bytes_out_total;
        sum.protocol_errors_total += one.protocol_errors_total;
        sum.rejected_total += one.rejected_total;
        sum.timeouts_total += one.timeouts_total;
        sum.write_queue_drops_total += one.write_queue_drops_total;
        sum.accept_errors_total += one.accept_errors_total;
        sum.allocs_total += one.allocs_total;
        sum.allocated_bytes += one.allocated_bytes;
        sum.conn_buffer_bytes += one.conn_buffer_bytes;
        sum.conn_state_bytes += one.conn_state_bytes;
        sum.conns_per_worker.extend(&one.conns_per_worker);
    }
    sum
}
