//! Bulk data in one direction: each active connection sends stream after stream, as fast as its socket takes them,
//! and every frame's acknowledgement is checked.

use std::io;

use rustix::io::Errno;

use super::bulk::{Acks, Cursor};
use super::failure;
use super::fleet::{ENTRIES_MAX, Fleet};
use super::phases::{Phases, Timeline, WindowUsage};
use super::source::{Feed, Source};
use crate::clock::now_ns;
use crate::ledger::Flight;
use crate::link::{State, Wire};
use crate::poller::Interest;
use crate::spec::Bulk;
use crate::tally::StreamTally;

/// What one connection may send before the others have their turn.
const TURN_BYTES: usize = 1 << 20;

/// One sending connection.
#[derive(Debug)]
struct Sender {
    k: u32,
    cursor: Cursor,
    acks: Acks,
    feed: Feed,
    /// The socket takes more, as far as is known.
    writable: bool,
}

/// Sends on each of `slots` until the window ends, then finishes the streams that are begun.
pub(super) fn run(fleet: &mut Fleet<'_>, timeline: Timeline, slots: &[u32], bulk: &Bulk) -> io::Result<WindowUsage> {
    let source = Source::open(&bulk.source)?;
    fleet.tally.stream = Some(Box::new(StreamTally::new(timeline.window)));
    let mut phases = Phases::new(timeline);
    let mut sender_of = vec![u32::MAX; fleet.links.len()];
    let mut senders = Vec::with_capacity(slots.len());
    for &k in slots {
        sender_of[k as usize] = senders.len() as u32;
        let (cursor, acks) = (Cursor::new(bulk), Acks::new(bulk));
        senders.push(Sender { k, cursor, acks, feed: source.feed()?, writable: true });
        if fleet.links[k as usize].state == State::Open {
            fleet.set_interest(k, Interest::ReadWrite);
        }
    }
    loop {
        let now = now_ns();
        phases.pass(now, fleet, 0)?;
        let sending = |sender: &&Sender| {
            fleet.links[sender.k as usize].state == State::Open
                && (phases.loading(now) || !sender.cursor.is_between_streams())
        };
        if phases.ended()
            && (now >= timeline.grace_end_ns || phases.over(now, fleet) && !senders.iter().any(|s| sending(&s)))
        {
            let unfinished: u64 = senders.iter().map(|sender| sender.cursor.unfinished(&sender.acks)).sum();
            fleet.tally.stream.as_mut().expect("set above").unfinished += unfinished;
            return Ok(phases.used());
        }
        let timeout = if now < timeline.load_ns {
            timeline.load_ns - now
        } else if senders.iter().any(|sender| sender.writable && sending(&sender)) {
            0
        } else {
            phases.next_ns().saturating_sub(now)
        };
        let events = fleet.poller.wait(Some(timeout))?;
        for index in 0..events {
            let Some(ready) = fleet.poller.ready(index) else { continue };
            let (replies, at_ns) = fleet.on_ready(ready);
            if let Some(sender) = senders.get_mut(sender_of[ready.token as usize] as usize) {
                sender.writable |= ready.writable;
                let acked = sender.acks.came(replies);
                fleet.tally.stream.as_mut().expect("set above").acked(at_ns, acked.payload_bytes, acked.streams);
            }
        }
        if now >= timeline.load_ns {
            for sender in &mut senders {
                turn(fleet, &phases, &source, sender);
            }
        }
    }
}

/// Sends on one connection, as long as its socket takes it and the others can wait.
fn turn(fleet: &mut Fleet<'_>, phases: &Phases, source: &Source, sender: &mut Sender) {
    let mut left = TURN_BYTES;
    while sender.writable && left > 0 && fleet.ledger.used() < ENTRIES_MAX / 2 {
        let now = now_ns();
        let may_begin = phases.loading(now);
        let link = &fleet.links[sender.k as usize];
        if link.state != State::Open || (!may_begin && sender.cursor.is_between_streams()) {
            return;
        }
        let fd = link.fd.as_ref().expect("an open connection has a socket");
        match source.send(fd, sender.cursor, may_begin, &mut sender.feed) {
            Ok(n) => {
                left = left.saturating_sub(n);
                account(fleet, sender, may_begin, now, n);
            }
            Err(Errno::AGAIN) => sender.writable = false,
            Err(Errno::INTR) => {}
            // The server's last words say more than the broken pipe they left.
            Err(error) => {
                fleet.read(sender.k, true);
                if fleet.links[sender.k as usize].state == State::Open {
                    fleet.fail(sender.k, &failure::of_errno(error));
                }
            }
        }
    }
}

/// `n` bytes from the cursor on were sent: each frame that was begun with them has a reply to come.
fn account(fleet: &mut Fleet<'_>, sender: &mut Sender, may_begin: bool, now: u64, n: usize) {
    let link = &mut fleet.links[sender.k as usize];
    let Wire::Stream(exchange) = &mut link.wire else { unreachable!("datagrams are refused for bulk data") };
    let mut left = n;
    let mut frames = 0;
    while left > 0 {
        let frame = sender.cursor.frame(may_begin).expect("what was sent was there to be sent");
        if frame.sent_bytes == 0 {
            exchange.announce(frame.request);
            fleet.tally.intended(now);
            let flight = Flight { intended_ns: now, attempted_ns: now };
            let pushed = fleet.ledger.push(&mut link.queue, flight);
            assert!(pushed, "a turn ends while half of the ledger is free");
        }
        let part = left.min(frame.left());
        left -= part;
        frames += u64::from(sender.cursor.sent(part));
    }
    fleet.tally.wrote(now, frames, n as u64);
}
