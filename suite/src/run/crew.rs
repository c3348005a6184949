//! The processes of one side of a trial as one: each word is said to all of them before any answer is awaited, so that
//! a hundred processes work at a time, and a trial's patience is that of its slowest and not their sum.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use harness::control::{Drained, Snapshot};
use loadclient::report::Report;

use super::client::Client;
use super::server::add;
use super::{Interrupt, Process, Server, Trouble};

/// A process of a crew.
pub(super) trait Member {
    fn pid(&self) -> u32;
    /// Sends it to its end, and does not wait for that.
    fn doom(&mut self);
}

/// Processes of one kind. Dropping them ends them all at a time.
#[derive(Debug)]
pub(super) struct Crew<M: Member>(Vec<M>);

impl<M: Member> Crew<M> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sends all to their end, and does not wait for that.
    pub(super) fn doom(&mut self) {
        self.0.iter_mut().for_each(M::doom);
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.0.iter().map(M::pid).collect()
    }
}

impl Crew<Server> {
    /// Starts engines and waits until all of them listen.
    ///
    /// # Errors
    /// What went wrong with the first that does not, with the last lines of its stderr.
    pub(super) fn start(
        argvs: &[Vec<String>],
        patience: Duration,
        interrupt: &Interrupt,
    ) -> Result<Self, (Trouble, Vec<String>)> {
        let start = |argv: &Vec<String>| Process::start("server", argv, interrupt);
        let processes: Result<Vec<Process>, Trouble> = argvs.iter().map(start).collect();
        let mut crew = Self::new();
        for process in processes.map_err(|trouble| (trouble, Vec::new()))? {
            crew.0.push(Server::listening(process, patience)?);
        }
        Ok(crew)
    }

    /// The counters of all, added up.
    pub(super) fn snapshot(&mut self, patience: Duration) -> Result<Snapshot, Trouble> {
        self.0.iter_mut().try_for_each(Server::ask_snapshot)?;
        let snapshots: Result<Vec<Snapshot>, Trouble> =
            self.0.iter_mut().map(|server| server.hear_snapshot(patience)).collect();
        Ok(add(&snapshots?))
    }

    /// Lets all finish what is in flight, and end. The time is that of the slowest.
    pub(super) fn drain(&mut self, patience: Duration) -> Result<Drained, Trouble> {
        self.0.iter_mut().try_for_each(Server::ask_drain)?;
        let mut sum = Drained::default();
        for server in &mut self.0 {
            let drained = server.hear_drained(patience)?;
            sum.closed += drained.closed;
            sum.forced += drained.forced;
            sum.elapsed_ms = sum.elapsed_ms.max(drained.elapsed_ms);
        }
        Ok(sum)
    }
}

impl Crew<Client> {
    /// Starts load clients; all of them connect at a time.
    pub(super) fn start(&mut self, argvs: &[Vec<String>], interrupt: &Interrupt) -> Result<(), Trouble> {
        for (index, argv) in argvs.iter().enumerate() {
            self.0.push(Client::start(index, argv, interrupt)?);
        }
        Ok(())
    }

    /// Lets all close their connections, and merges their reports.
    pub(super) fn report(&mut self, patience: Duration) -> Result<Report, Trouble> {
        self.0.iter_mut().try_for_each(Client::done)?;
        let reports: Result<Vec<Report>, Trouble> = self.0.iter_mut().map(|client| client.report(patience)).collect();
        let mut reports = reports?;
        match reports.len() {
            1 => Ok(reports.remove(0)),
            _ => Report::merge(&reports).map_err(|error| Trouble::Failed(format!("failed to merge reports: {error}"))),
        }
    }
}

impl Member for Server {
    fn pid(&self) -> u32 {
        Self::pid(self)
    }

    fn doom(&mut self) {
        Self::doom(self);
    }
}

impl Member for Client {
    fn pid(&self) -> u32 {
        Self::pid(self)
    }

    fn doom(&mut self) {
        Self::doom(self);
    }
}

impl<M: Member> Deref for Crew<M> {
    type Target = [M];

    fn deref(&self) -> &[M] {
        &self.0
    }
}

impl<M: Member> DerefMut for Crew<M> {
    fn deref_mut(&mut self) -> &mut [M] {
        &mut self.0
    }
}

impl<M: Member> Drop for Crew<M> {
    fn drop(&mut self) {
        self.doom();
    }
}
