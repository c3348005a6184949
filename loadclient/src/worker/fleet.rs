//! The connections of one thread, and the four things done to them: frames become due, are written, replies are
//! read, connections fail.

use std::io;
use std::sync::atomic::Ordering;

use protocol::{ExchangeError, HEADER_BYTES};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::failure;
use super::thread::Shared;
use crate::clock::now_ns;
use crate::ledger::{Flight, Ledger};
use crate::link::{Link, NO_OUTBOX, Outboxes, State, Wire};
use crate::payload::Payload;
use crate::poller::{Interest, Poller, Ready};
use crate::spec::{Mode, Target};
use crate::tally::Tally;

/// One read of a thread takes at most this: the largest frame with its header, and room for more.
pub(super) const READ_BYTES: usize = 128 * 1024;
/// A write is begun once this much is encoded; one frame may exceed it.
const WRITE_BYTES: usize = 64 * 1024;
/// Requests that may wait on one thread: 24 bytes each.
pub(super) const ENTRIES_MAX: u32 = 4 << 20;

/// All connections of one thread.
#[derive(Debug)]
pub(super) struct Fleet<'a> {
    pub(super) shared: &'a Shared,
    pub(super) thread: u32,
    pub(super) poller: Poller,
    pub(super) links: Vec<Link>,
    pub(super) ledger: Ledger,
    pub(super) tally: Tally,
    /// Connections that are open now.
    pub(super) live: u64,
    /// Nothing is awaited any more: the grace time is over.
    over: bool,
    outboxes: Outboxes,
    pub(super) read_buffer: Vec<u8>,
    write_buffer: Vec<u8>,
    /// Header and payload of every frame; `None` where lengths are drawn.
    frame_bytes: Option<usize>,
    /// Requests that one connection may have in flight.
    pub(super) in_flight_max: u32,
    /// When datagrams are looked through for lost ones; `u64::MAX` where there are none.
    pub(super) sweep_ns: u64,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(shared: &'a Shared, thread: u32, links: Vec<Link>, tally: Tally) -> io::Result<Self> {
        let frame_bytes_max = HEADER_BYTES + usize::from(shared.spec.payload.bounds().1);
        let frame_bytes = matches!(shared.spec.payload, Payload::Fixed(_)).then_some(frame_bytes_max);
        Ok(Self {
            shared,
            thread,
            poller: Poller::new()?,
            links,
            ledger: Ledger::new(ENTRIES_MAX),
            tally,
            live: 0,
            over: false,
            outboxes: Outboxes::default(),
            read_buffer: vec![0; READ_BYTES],
            write_buffer: Vec::with_capacity(WRITE_BYTES + frame_bytes_max),
            frame_bytes,
            in_flight_max: match shared.spec.mode {
                Mode::Open { in_flight_max: Some(max), .. } => max,
                _ => u32::MAX,
            },
            sweep_ns: if shared.spec.targets.iter().any(Target::is_datagram) { 0 } else { u64::MAX },
        })
    }

    /// A frame is due on connection `k` since `intended_ns`. Returns whether `k` must be [flushed](Self::flush).
    #[inline]
    pub(super) fn due(&mut self, k: u32, intended_ns: u64, now_ns: u64) -> bool {
        self.tally.intended(intended_ns);
        let link = &mut self.links[k as usize];
        let mut flight = Flight { intended_ns, attempted_ns: 0 };
        if link.state != State::Open {
            self.tally.unsent(flight);
            return false;
        }
        let held = link.queue.len() >= self.in_flight_max;
        if link.blocked || held {
            // The client is in time; what the frame waits for is the server.
            flight = if held { Flight::held(intended_ns) } else { Flight { intended_ns, attempted_ns: now_ns } };
            self.tally.attempted(intended_ns, now_ns);
        }
        if link.queue.len() >= self.shared.spec.queue_max || !self.ledger.push(&mut link.queue, flight) {
            self.tally.overflows += 1;
            self.tally.unsent(flight);
            return false;
        }
        link.waiting += 1;
        link.waiting == 1 && !link.blocked && !held
    }

    /// `count` requests are to be sent on `k` at once, whatever the clock says (saturate).
    #[inline]
    pub(super) fn refill(&mut self, k: u32, count: u64, now_ns: u64) {
        let link = &mut self.links[k as usize];
        if link.state != State::Open {
            return;
        }
        for _ in 0..count {
            self.tally.intended(now_ns);
            let flight = Flight { intended_ns: now_ns, attempted_ns: now_ns };
            if !self.ledger.push(&mut link.queue, flight) {
                self.tally.overflows += 1;
                self.tally.unsent(flight);
                continue;
            }
            link.waiting += 1;
        }
        self.flush(k);
    }

    /// Writes what waits on `k`: one write for all of it, or one per 64 KiB. A full socket keeps the rest
    /// until it says that it is writable.
    #[inline]
    pub(super) fn flush(&mut self, k: u32) {
        let link = &mut self.links[k as usize];
        let in_flight = link.queue.len() - link.waiting;
        let count = link.waiting.min(self.in_flight_max.saturating_sub(in_flight));
        if link.state != State::Open || (count == 0 && link.outbox == NO_OUTBOX) {
            return;
        }
        let now = now_ns();
        let tally = &mut self.tally;
        self.ledger.attempt(&link.queue, link.waiting, count, now, |intended_ns| tally.attempted(intended_ns, now));
        let held = link.waiting - count;
        if link.outbox != NO_OUTBOX && !self.flush_outbox(k, now) {
            return;
        }
        while self.links[k as usize].waiting > held {
            if !self.write_batch(k, held, now) {
                return;
            }
        }
        self.unblock(k);
    }

    /// Reads what came on `k`. Returns how many right replies were in it, and when the last read returned.
    ///
    /// A reply's time is taken after the read that brought it: the cost of reading is in the latency, never hidden.
    #[inline]
    pub(super) fn read(&mut self, k: u32, closing: bool) -> (u64, u64) {
        let mut replies = 0;
        let mut now = 0;
        loop {
            let link = &mut self.links[k as usize];
            let Wire::Stream(exchange) = &mut link.wire else { return self.read_datagrams(k) };
            let Some(fd) = link.fd.as_ref().filter(|_| link.state == State::Open) else { break };
            match recv(fd, &mut self.read_buffer[..], RecvFlags::empty()) {
                Ok((0, _)) => {
                    self.fail(k, "eof");
                    break;
                }
                Ok((n, _)) => {
                    now = now_ns();
                    let (tally, ledger, queue) = (&mut self.tally, &mut self.ledger, &mut link.queue);
                    tally.read(now, n as u64);
                    let over = self.over;
                    let verdict = exchange.receive(&self.read_buffer[..n], |_| {
                        let Some(flight) = ledger.pop(queue) else {
                            // It counted as unanswered when the grace time was over.
                            assert!(over, "a right reply has a request in flight");
                            return;
                        };
                        tally.answered(flight, now);
                        replies += 1;
                    });
                    if let Err(error) = verdict {
                        self.wrong(k, error);
                        break;
                    }
                    // A short read drained the socket; another read would only say so. Not so when the end is near:
                    // that edge was announced with this one.
                    if n < READ_BYTES && !closing {
                        break;
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => {
                    self.fail(k, &failure::of_errno(error));
                    break;
                }
            }
        }
        (replies, if now == 0 { now_ns() } else { now })
    }

    /// What every event of an open connection asks for; returns what [`Fleet::read`] returns.
    #[inline]
    pub(super) fn on_ready(&mut self, ready: Ready) -> (u64, u64) {
        if ready.writable {
            self.flush(ready.token);
        }
        if ready.readable || ready.closing { self.read(ready.token, ready.closing) } else { (0, now_ns()) }
    }

    /// Counts all that is still on its way as unsent or unanswered, at the end of the grace time.
    pub(super) fn abandon_all(&mut self) {
        self.over = true;
        for k in 0..self.links.len() {
            self.abandon(k as u32);
        }
    }

    /// Ends connection `k` with an error of this kind.
    pub(super) fn fail(&mut self, k: u32, kind: &str) {
        self.tally.error(kind);
        let link = &mut self.links[k as usize];
        if link.state == State::Open {
            self.live -= 1;
            self.shared.live.fetch_sub(1, Ordering::Relaxed);
        }
        link.state = State::Closed;
        self.abandon(k);
        self.links[k as usize].fd = None;
    }

    pub(super) fn wrong(&mut self, k: u32, error: ExchangeError) {
        let kind = failure::of_exchange(error);
        self.tally.wrong += u64::from(failure::is_wrong_reply(&kind));
        self.fail(k, &kind);
    }

    /// Empties the queue of `k` into the tally. The newest entries are those not written.
    fn abandon(&mut self, k: u32) {
        let mut unsent = self.links[k as usize].waiting;
        if self.links[k as usize].outbox != NO_OUTBOX {
            let left = self.outboxes.discard(self.links[k as usize].outbox);
            unsent += self.frames_in_last(k, left);
        }
        let link = &mut self.links[k as usize];
        link.outbox = NO_OUTBOX;
        link.waiting = 0;
        while let Some(flight) = self.ledger.pop(&mut link.queue) {
            if flight.is_taken() {
                continue;
            }
            if link.queue.len() < unsent { self.tally.unsent(flight) } else { self.tally.unanswered(flight) }
        }
    }

    /// Sends what an earlier write left over. Returns whether the socket took all of it.
    fn flush_outbox(&mut self, k: u32, now: u64) -> bool {
        let link = &mut self.links[k as usize];
        let fd = link.fd.as_ref().expect("an open connection has a socket");
        let pending = self.outboxes.pending(link.outbox);
        let left = pending.len();
        match send(fd, pending, SendFlags::NOSIGNAL) {
            Ok(n) => {
                let frames = self.frames_in_last(k, left) - self.frames_in_last(k, left - n);
                self.tally.wrote(now, frames.into(), n as u64);
                let link = &mut self.links[k as usize];
                let empty = self.outboxes.flushed(link.outbox, n);
                if empty {
                    link.outbox = NO_OUTBOX;
                }
                empty
            }
            Err(Errno::AGAIN | Errno::INTR) => false,
            Err(error) => {
                self.fail(k, &failure::of_errno(error));
                false
            }
        }
    }

    /// Encodes and sends up to 64 KiB, or one datagram, of what waits on `k`, but for the last `held`. Returns whether
    /// the socket took all of it.
    #[inline]
    fn write_batch(&mut self, k: u32, held: u32, now: u64) -> bool {
        let link = &mut self.links[k as usize];
        let payload = &self.shared.spec.payload;
        let number = self.shared.number(self.thread, k);
        let output = &mut self.write_buffer;
        output.clear();
        let mut encoded = 0;
        let full_bytes = if link.wire.is_datagram() { 1 } else { WRITE_BYTES };
        while link.waiting > held && output.len() < full_bytes {
            let sequence = link.wire.sent();
            link.wire.send(payload.length(number, sequence), output);
            self.tally.drawn(payload, number, sequence, now);
            link.waiting -= 1;
            encoded += 1;
        }
        let fd = link.fd.as_ref().expect("an open connection has a socket");
        let taken = match send(fd, output, SendFlags::NOSIGNAL) {
            Ok(n) => n,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(error) => {
                // Nothing of this batch was written: `abandon` must find it among the waiting.
                link.waiting += encoded;
                self.fail(k, &failure::of_errno(error));
                return false;
            }
        };
        let left = output.len() - taken;
        if taken > 0 {
            let frames = encoded - self.frames_in_last(k, left);
            self.tally.wrote(now, frames.into(), taken as u64);
        }
        if left == 0 {
            return true;
        }
        self.links[k as usize].outbox = self.outboxes.keep(&self.write_buffer[taken..]);
        self.block(k);
        false
    }

    /// Bytes of `k` that a full socket did not take.
    pub(super) fn outbox_bytes(&self, k: u32) -> u64 {
        let outbox = self.links[k as usize].outbox;
        if outbox == NO_OUTBOX { 0 } else { self.outboxes.pending(outbox).len() as u64 }
    }

    /// Bytes of the frames that are encoded on `k` and not answered.
    pub(super) fn bytes_in_flight(&self, k: u32) -> u64 {
        let link = &self.links[k as usize];
        let in_flight = u64::from(link.queue.len() - link.waiting);
        match self.frame_bytes {
            Some(frame_bytes) => in_flight * frame_bytes as u64,
            None => {
                let (payload, number) = (&self.shared.spec.payload, self.shared.number(self.thread, k));
                let sent = link.wire.sent();
                let payloads = (sent - in_flight..sent).map(|sequence| u64::from(payload.length(number, sequence)));
                payloads.sum::<u64>() + in_flight * HEADER_BYTES as u64
            }
        }
    }

    /// How many of the newest frames encoded on `k` are in the last `bytes` of them, even if with a part only.
    #[inline]
    fn frames_in_last(&self, k: u32, bytes: usize) -> u32 {
        if let Some(frame_bytes) = self.frame_bytes {
            return bytes.div_ceil(frame_bytes) as u32;
        }
        let (payload, number) = (&self.shared.spec.payload, self.shared.number(self.thread, k));
        let mut sequence = self.links[k as usize].wire.sent();
        let (mut frames, mut left) = (0, bytes);
        while left > 0 {
            sequence -= 1;
            left = left.saturating_sub(HEADER_BYTES + usize::from(payload.length(number, sequence)));
            frames += 1;
        }
        frames
    }

    fn block(&mut self, k: u32) {
        let link = &mut self.links[k as usize];
        if !std::mem::replace(&mut link.blocked, true) {
            self.set_interest(k, Interest::ReadWrite);
        }
    }

    #[inline]
    fn unblock(&mut self, k: u32) {
        let link = &mut self.links[k as usize];
        if std::mem::replace(&mut link.blocked, false) {
            self.set_interest(k, Interest::Read);
        }
    }

    pub(super) fn set_interest(&mut self, k: u32, interest: Interest) {
        let fd = self.links[k as usize].fd.as_ref().expect("an open connection has a socket");
        if let Err(error) = self.poller.change(fd, k, interest) {
            self.fail(k, &format!("epoll_{}", error.kind()));
        }
    }
}
