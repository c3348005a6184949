//! Opening the connections: at a bounded rate, with a bounded number pending.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;

use rustix::net::sockopt;

use super::failure;
use super::fleet::Fleet;
use crate::clock::now_ns;
use crate::ledger::Flight;
use crate::link::State;
use crate::poller::{Interest, Ready};
use crate::socket::{self, Begun};

/// Connects that one thread leaves pending at a time: well below any server's backlog.
const PENDING_MAX: usize = 128;
/// A Unix server whose queue is full is asked again after this.
const RETRY_NS: u64 = 1_000_000;

/// The ramp of one thread. A connection's first entry in the ledger is its connect.
#[derive(Debug)]
struct Ramp {
    start_ns: u64,
    gap_ns: f64,
    begun: u32,
    pending: VecDeque<u32>,
    retry: VecDeque<u32>,
    retry_at_ns: u64,
}

/// Opens all connections. Those that fail stay closed and are counted.
///
/// # Errors
/// A target that no connection ever reached, in a line for the user; nothing else can be measured then.
pub(super) fn connect_all(fleet: &mut Fleet<'_>, rate_per_s: f64) -> Result<(), String> {
    let all = fleet.links.len() as u32;
    let mut ramp = Ramp {
        start_ns: now_ns(),
        gap_ns: 1e9 / rate_per_s,
        begun: 0,
        pending: VecDeque::with_capacity(PENDING_MAX),
        retry: VecDeque::new(),
        retry_at_ns: 0,
    };
    let internal = |error: io::Error| format!("failed to wait for connections: {error}");
    loop {
        let now = now_ns();
        while ramp.pending.len() + ramp.retry.len() < PENDING_MAX && ramp.begun < all && now >= ramp.next_ns() {
            let k = ramp.begun;
            ramp.begun += 1;
            begin(fleet, &mut ramp, k, now_ns())?;
        }
        if !ramp.retry.is_empty() && now >= ramp.retry_at_ns {
            ramp.retry_at_ns = now + RETRY_NS;
            for _ in 0..ramp.retry.len() {
                let k = ramp.retry.pop_front().expect("the loop is as long as the queue");
                begin(fleet, &mut ramp, k, now)?;
            }
        }
        expire(fleet, &mut ramp, now)?;
        if ramp.begun == all && ramp.pending.is_empty() && ramp.retry.is_empty() {
            return Ok(());
        }
        let events = fleet.poller.wait(Some(ramp.wait_ns(fleet, all, now_ns()))).map_err(internal)?;
        for index in 0..events {
            let Some(ready) = fleet.poller.ready(index) else { continue };
            if fleet.links[ready.token as usize].state == State::Connecting {
                finish(fleet, ready)?;
            } else {
                fleet.on_ready(ready);
            }
        }
        ramp.pending.retain(|&k| fleet.links[k as usize].state == State::Connecting);
    }
}

impl Ramp {
    fn next_ns(&self) -> u64 {
        self.start_ns + (f64::from(self.begun) * self.gap_ns) as u64
    }

    fn wait_ns(&self, fleet: &Fleet<'_>, all: u32, now: u64) -> u64 {
        let mut until = u64::MAX;
        if self.begun < all && self.pending.len() + self.retry.len() < PENDING_MAX {
            until = self.next_ns();
        }
        if !self.retry.is_empty() {
            until = until.min(self.retry_at_ns);
        }
        if let Some(&k) = self.pending.front() {
            until = until.min(began_ns(fleet, k) + fleet.shared.spec.connect_timeout_ns);
        }
        until.saturating_sub(now)
    }
}

fn begin(fleet: &mut Fleet<'_>, ramp: &mut Ramp, k: u32, now: u64) -> Result<(), String> {
    let (target, source) = fleet.shared.route(fleet.shared.number(fleet.thread, k));
    let link = &mut fleet.links[k as usize];
    if link.queue.is_empty() {
        let pushed = fleet.ledger.push(&mut link.queue, Flight { intended_ns: now, attempted_ns: now });
        assert!(pushed, "pending connects are fewer than the ledger's entries");
    }
    link.state = State::Connecting;
    match socket::begin(&fleet.shared.spec.targets[target], source, &fleet.shared.socket_options) {
        Ok(Begun::Connected(fd)) => {
            let added = fleet.poller.add(&fd, k, Interest::Read);
            link.fd = Some(fd);
            match added {
                Ok(()) => up(fleet, k),
                Err(error) => return down(fleet, k, &failure::of_connect(&error)),
            }
        }
        Ok(Begun::Pending(fd)) => {
            let added = fleet.poller.add(&fd, k, Interest::ReadWrite);
            link.fd = Some(fd);
            if let Err(error) = added {
                return down(fleet, k, &failure::of_connect(&error));
            }
            ramp.pending.push_back(k);
        }
        Ok(Begun::Busy) if now - began_ns(fleet, k) >= fleet.shared.spec.connect_timeout_ns => {
            return down(fleet, k, "connect_timeout");
        }
        Ok(Begun::Busy) => {
            ramp.retry.push_back(k);
            ramp.retry_at_ns = ramp.retry_at_ns.max(now + RETRY_NS);
        }
        Err(error) => return down(fleet, k, &failure::of_connect(&error)),
    }
    Ok(())
}

/// A pending connect is writable or broken: find out which.
fn finish(fleet: &mut Fleet<'_>, ready: Ready) -> Result<(), String> {
    let k = ready.token;
    let fd = fleet.links[k as usize].fd.as_ref().expect("a connecting connection has a socket");
    match sockopt::socket_error(fd) {
        Ok(Ok(())) if ready.writable => {
            up(fleet, k);
            fleet.set_interest(k, Interest::Read);
            Ok(())
        }
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) | Err(error) => down(fleet, k, &failure::of_connect(&error.into())),
    }
}

fn up(fleet: &mut Fleet<'_>, k: u32) {
    let link = &mut fleet.links[k as usize];
    let began = fleet.ledger.pop(&mut link.queue).expect("a connect has its entry");
    fleet.tally.connect.record(now_ns() - began.intended_ns);
    link.state = State::Open;
    fleet.live += 1;
    fleet.shared.live.fetch_add(1, Ordering::Relaxed);
    let (target, _) = fleet.shared.route(fleet.shared.number(fleet.thread, k));
    fleet.shared.reached[target].store(true, Ordering::Relaxed);
}

fn down(fleet: &mut Fleet<'_>, k: u32, kind: &str) -> Result<(), String> {
    let (target, _) = fleet.shared.route(fleet.shared.number(fleet.thread, k));
    fleet.fail(k, kind);
    if fleet.shared.reached[target].load(Ordering::Relaxed) {
        return Ok(());
    }
    let why = kind.strip_prefix("connect_").unwrap_or(kind).replace('_', " ");
    Err(format!("cannot connect to {}: {why}; is the server running there?", fleet.shared.spec.targets[target]))
}

/// The oldest pending connects are at the front.
fn expire(fleet: &mut Fleet<'_>, ramp: &mut Ramp, now: u64) -> Result<(), String> {
    while let Some(&k) = ramp.pending.front() {
        if now < began_ns(fleet, k) + fleet.shared.spec.connect_timeout_ns {
            break;
        }
        ramp.pending.pop_front();
        down(fleet, k, "connect_timeout")?;
    }
    Ok(())
}

fn began_ns(fleet: &Fleet<'_>, k: u32) -> u64 {
    fleet.ledger.peek(&fleet.links[k as usize].queue).expect("a connect has its entry").intended_ns
}
