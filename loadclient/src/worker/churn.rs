//! Connections that come and go: connect, exchange frames one after the other, close. On a schedule that neither a
//! full house nor a slow server delays, or as many at a time as asked, as fast as they go.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;

use super::fleet::Fleet;
use super::phases::{Phases, Timeline, WindowUsage};
use super::visit::{Stage, Visit};
use crate::clock::now_ns;
use crate::ledger::Flight;
use crate::poller::{Interest, Ready};
use crate::schedule::Schedule;
use crate::socket::{self, Begun};
use crate::spec::Churn;
use crate::tally::ChurnTally;

use super::failure;

/// Connections begun before replies are looked at again.
const BATCH_CONNS: usize = 64;
/// A Unix server whose queue is full is asked again after this.
const RETRY_NS: u64 = 1_000_000;
/// A closed loop waits as long after a connection that failed: errors are counted, not manufactured.
const PAUSE_NS: u64 = 10_000_000;
/// How often pending connects are looked through for those that take too long.
const SWEEP_NS: u64 = 50_000_000;

/// The load of one thread.
#[derive(Debug)]
pub(super) struct Churner<'f, 'a> {
    pub(super) fleet: &'f mut Fleet<'a>,
    pub(super) churn: Churn,
    pub(super) visits: Vec<Visit>,
    free: Vec<u32>,
    phases: Phases,
    /// `None` in a closed loop.
    schedule: Option<Schedule>,
    /// When the next connection is due; `u64::MAX` after the last.
    due_ns: u64,
    /// Intended times that wait for a free place.
    waiting: VecDeque<u64>,
    /// Connections begun so far: the next one's number follows from it.
    begun: u64,
    /// Unix connections whose server's queue was full.
    busy: Vec<u32>,
    busy_at_ns: u64,
    paused_until_ns: u64,
    sweep_ns: u64,
    /// Exchanges that ended well, warm-up included.
    answered: u64,
}

impl<'f, 'a> Churner<'f, 'a> {
    /// At most `conns` at a time.
    pub(super) fn new(
        fleet: &'f mut Fleet<'a>,
        timeline: Timeline,
        churn: Churn,
        schedule: Option<Schedule>,
        conns: u32,
    ) -> Self {
        fleet.tally.churn = Some(Box::new(ChurnTally::new(timeline.window)));
        let mut own = Self {
            fleet,
            churn,
            visits: (0..conns).map(|_| Visit::new()).collect(),
            free: (0..conns).rev().collect(),
            phases: Phases::new(timeline),
            schedule,
            due_ns: u64::MAX,
            waiting: VecDeque::new(),
            begun: 0,
            busy: Vec::new(),
            busy_at_ns: 0,
            paused_until_ns: timeline.load_ns,
            sweep_ns: 0,
            answered: 0,
        };
        own.due_ns = own.next_due_ns();
        own
    }

    /// Applies the load until every connection has ended, or the grace time is over. Returns also how many exchanges
    /// ended well.
    pub(super) fn run(mut self) -> io::Result<(WindowUsage, u64)> {
        loop {
            let now = now_ns();
            self.phases.pass(now, self.fleet, 0)?;
            let idle = self.due_ns == u64::MAX && self.waiting.is_empty() && self.free.len() == self.visits.len();
            if self.phases.ended() && (idle || now >= self.phases.timeline.grace_end_ns) {
                self.give_up();
                return Ok((self.phases.used(), self.answered));
            }
            self.fall_due(now);
            self.begin_some();
            self.retry_and_expire(now);
            let until = self.until();
            let events = self.fleet.poller.wait(Some(until.saturating_sub(now_ns())))?;
            for index in 0..events {
                let Some(ready) = self.fleet.poller.ready(index) else { continue };
                self.on_ready(ready);
            }
        }
    }

    /// Whether a place may be filled at `now` without an intended time.
    fn may_begin(&self, now: u64) -> bool {
        self.schedule.is_none() && now >= self.paused_until_ns && self.phases.loading(now)
    }

    fn until(&self) -> u64 {
        let mut until = self.phases.next_ns().min(self.due_ns);
        if !self.free.is_empty() {
            if !self.waiting.is_empty() {
                return 0;
            }
            if self.schedule.is_none() && self.paused_until_ns < self.phases.timeline.window.end_ns {
                until = until.min(self.paused_until_ns);
            }
        }
        if !self.busy.is_empty() {
            until = until.min(self.busy_at_ns);
        }
        // With a place taken there may be a connect that takes too long.
        if self.free.len() < self.visits.len() { until.min(self.sweep_ns) } else { until }
    }

    fn next_due_ns(&self) -> u64 {
        let Some(schedule) = &self.schedule else { return u64::MAX };
        let at = self.phases.timeline.load_ns.saturating_add(schedule.peek().at_ns);
        if at < self.phases.timeline.window.end_ns { at } else { u64::MAX }
    }

    /// Notes what is due at `now`: from here on its clock runs, whether there is a place for it or not.
    fn fall_due(&mut self, now: u64) {
        while self.due_ns <= now {
            self.fleet.tally.intended(self.due_ns);
            if self.waiting.len() < self.fleet.shared.spec.queue_max as usize {
                self.waiting.push_back(self.due_ns);
            } else {
                self.fleet.tally.overflows += 1;
                self.fleet.tally.unsent(Flight { intended_ns: self.due_ns, attempted_ns: 0 });
            }
            self.schedule.as_mut().expect("a due time comes from a schedule").take();
            self.due_ns = self.next_due_ns();
        }
    }

    fn begin_some(&mut self) {
        for _ in 0..BATCH_CONNS {
            let now = now_ns();
            if self.free.is_empty() || (self.waiting.is_empty() && !self.may_begin(now)) {
                return;
            }
            let index = self.free.pop().expect("it is not empty");
            let intended_ns = self.waiting.pop_front();
            if let Some(intended_ns) = intended_ns {
                self.fleet.tally.attempted(intended_ns, now);
            } else {
                self.fleet.tally.intended(now);
            }
            let number =
                (self.begun as u32).wrapping_mul(self.fleet.shared.spec.threads).wrapping_add(self.fleet.thread);
            self.begun += 1;
            let flight = Flight { intended_ns: intended_ns.unwrap_or(now), attempted_ns: now };
            let verify = self.fleet.shared.spec.verify;
            self.visits[index as usize].begin(number, flight, self.churn.frames, verify);
            self.connect(index);
        }
    }

    fn connect(&mut self, index: u32) {
        let shared = self.fleet.shared;
        let visit = &mut self.visits[index as usize];
        let (target, source) = shared.route(visit.number);
        match socket::begin(&shared.spec.targets[target], source, &shared.socket_options) {
            Ok(Begun::Busy) => {
                visit.stage = Stage::Busy;
                self.busy.push(index);
                self.busy_at_ns = now_ns() + RETRY_NS;
            }
            Ok(begun) => {
                let (fd, is_up) = match begun {
                    Begun::Connected(fd) => (fd, true),
                    Begun::Pending(fd) => (fd, false),
                    Begun::Busy => unreachable!("handled above"),
                };
                // Writability is announced once when the connect is done, and after each full socket.
                let added = self.fleet.poller.add(&fd, index, Interest::ReadWrite);
                visit.fd = Some(fd);
                visit.stage = Stage::Connecting;
                match added {
                    Ok(()) if is_up => self.up(index),
                    Ok(()) => {}
                    Err(error) => self.fail(index, &failure::of_connect(&error)),
                }
            }
            Err(error) => self.fail(index, &failure::of_connect(&error)),
        }
    }

    fn retry_and_expire(&mut self, now: u64) {
        let timeout_ns = self.fleet.shared.spec.connect_timeout_ns;
        if !self.busy.is_empty() && now >= self.busy_at_ns {
            for index in std::mem::take(&mut self.busy) {
                if self.visits[index as usize].stage == Stage::Busy {
                    self.connect(index);
                }
            }
        }
        if now < self.sweep_ns {
            return;
        }
        self.sweep_ns = now + SWEEP_NS;
        for index in 0..self.visits.len() as u32 {
            let visit = &self.visits[index as usize];
            let pending = matches!(visit.stage, Stage::Busy | Stage::Connecting);
            if pending && now.saturating_sub(visit.flight.attempted_ns) >= timeout_ns {
                self.fail(index, "connect_timeout");
            }
        }
    }

    fn on_ready(&mut self, ready: Ready) {
        let index = ready.token;
        match self.visits[index as usize].stage {
            // A connection that ended earlier in this batch.
            Stage::Free | Stage::Busy => return,
            Stage::Connecting => {
                let fd = self.visits[index as usize].fd.as_ref().expect("a pending connect has a socket");
                match rustix::net::sockopt::socket_error(fd) {
                    Ok(Ok(())) if ready.writable => self.up(index),
                    Ok(Ok(())) => return,
                    Ok(Err(error)) | Err(error) => return self.fail(index, &failure::of_connect(&error.into())),
                }
            }
            Stage::Exchanging | Stage::Closing => {
                if ready.writable {
                    self.flush(index);
                }
            }
        }
        if ready.readable || ready.closing {
            self.read(index, ready.closing);
        }
    }

    fn up(&mut self, index: u32) {
        let now = now_ns();
        let visit = &mut self.visits[index as usize];
        visit.stage = Stage::Exchanging;
        if self.fleet.tally.window.contains(visit.flight.intended_ns) {
            self.fleet.tally.connect.record(now - visit.flight.attempted_ns);
        }
        self.fleet.live += 1;
        self.fleet.shared.live.fetch_add(1, Ordering::Relaxed);
        let live = self.fleet.live;
        self.counts().opened(now, live);
        self.send_next(index);
    }

    /// The exchange is complete: all that is left is to close.
    pub(super) fn answered(&mut self, index: u32, now: u64) {
        self.answered += 1;
        self.fleet.tally.answered(self.visits[index as usize].flight, now);
    }

    /// The connection ended as it should, at `now`.
    pub(super) fn closed(&mut self, index: u32, now: u64, half_closed_ns: Option<u64>) {
        self.counts().closed(now, half_closed_ns);
        self.leave(index);
    }

    /// The connection failed: its exchange too, unless that was over.
    pub(super) fn fail(&mut self, index: u32, kind: &str) {
        let now = now_ns();
        self.fleet.tally.error(kind);
        self.counts().failed(now);
        let visit = &self.visits[index as usize];
        match visit.stage {
            Stage::Busy | Stage::Connecting | Stage::Free => self.fleet.tally.unsent(visit.flight),
            Stage::Exchanging => self.fleet.tally.unanswered(visit.flight),
            Stage::Closing => {}
        }
        self.paused_until_ns = self.paused_until_ns.max(now + PAUSE_NS);
        self.leave(index);
    }

    fn leave(&mut self, index: u32) {
        let visit = &mut self.visits[index as usize];
        if matches!(visit.stage, Stage::Exchanging | Stage::Closing) {
            self.fleet.live -= 1;
            self.fleet.shared.live.fetch_sub(1, Ordering::Relaxed);
        }
        visit.stage = Stage::Free;
        visit.fd = None;
        self.free.push(index);
    }

    pub(super) fn counts(&mut self) -> &mut ChurnTally {
        self.fleet.tally.churn.as_mut().expect("set when the churn began")
    }

    /// Counts what is not over when the grace time is.
    fn give_up(&mut self) {
        for intended_ns in std::mem::take(&mut self.waiting) {
            self.fleet.tally.unsent(Flight { intended_ns, attempted_ns: 0 });
        }
        while self.due_ns != u64::MAX {
            self.fleet.tally.intended(self.due_ns);
            self.fleet.tally.unsent(Flight { intended_ns: self.due_ns, attempted_ns: 0 });
            self.schedule.as_mut().expect("a due time comes from a schedule").take();
            self.due_ns = self.next_due_ns();
        }
        for index in 0..self.visits.len() as u32 {
            let visit = &self.visits[index as usize];
            match visit.stage {
                Stage::Free => continue,
                Stage::Busy | Stage::Connecting => self.fleet.tally.unsent(visit.flight),
                Stage::Exchanging => self.fleet.tally.unanswered(visit.flight),
                Stage::Closing => {
                    self.fleet.tally.error("unclosed");
                    self.counts().unclosed += 1;
                }
            }
            self.leave(index);
        }
    }
}

/// Whether every target answers at all, before the load: one connection to each, opened and closed.
///
/// # Errors
/// The first that does not, in a line for the user.
pub(super) fn reach(fleet: &Fleet<'_>) -> Result<(), String> {
    let spec = &fleet.shared.spec;
    for target in &spec.targets {
        socket::reach(target, spec.connect_timeout_ns).map_err(|error| {
            let why = failure::of_connect(&error);
            let why = why.strip_prefix("connect_").unwrap_or(&why).replace('_', " ");
            format!("cannot connect to {target}: {why}; is the server running there?")
        })?;
    }
    Ok(())
}
