//! One connection of a churning client, from its connect to its end.

use std::os::fd::OwnedFd;
use std::time::Duration;

use protocol::{Exchange, ExchangeError, Request};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown, sockopt};

use super::churn::Churner;
use super::failure;
use super::fleet::READ_BYTES;
use crate::clock::now_ns;
use crate::ledger::Flight;
use crate::spec::Close;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none.
    Free,
    /// The server's queue was full (Unix): to be tried again.
    Busy,
    Connecting,
    Exchanging,
    /// Half-closed: the server's end is awaited.
    Closing,
}

/// A place for one connection at a time.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) stage: Stage,
    pub(super) fd: Option<OwnedFd>,
    pub(super) number: u32,
    /// Of the whole exchange: the intended time and the connect.
    pub(super) flight: Flight,
    exchange: Exchange,
    frames_left: u32,
    /// The frame that is being sent; its storage is kept for the next.
    frame: Vec<u8>,
    sent_bytes: usize,
    half_closed_ns: u64,
}

/// What a place costs, open or free, beside the storage of one frame.
const _: () = assert!(size_of::<Visit>() <= 160);

impl Visit {
    pub(super) const fn new() -> Self {
        Self {
            stage: Stage::Free,
            fd: None,
            number: 0,
            flight: Flight { intended_ns: 0, attempted_ns: 0 },
            exchange: Exchange::new(0, false),
            frames_left: 0,
            frame: Vec::new(),
            sent_bytes: 0,
            half_closed_ns: 0,
        }
    }

    /// A new connection takes this place.
    pub(super) fn begin(&mut self, number: u32, flight: Flight, frames: u32, verify: bool) {
        self.number = number;
        self.flight = flight;
        self.exchange = Exchange::new(number, verify);
        self.frames_left = frames;
    }
}

impl Churner<'_, '_> {
    /// Sends the next frame of the exchange.
    pub(super) fn send_next(&mut self, index: u32) {
        let visit = &mut self.visits[index as usize];
        let payload = &self.fleet.shared.spec.payload;
        let (number, sequence) = (visit.number, visit.exchange.sent());
        let length = payload.length(number, sequence);
        self.fleet.tally.drawn(payload, number, sequence, now_ns());
        visit.frame.clear();
        visit.sent_bytes = 0;
        visit.exchange.send(Request::Echo { length }, &mut visit.frame);
        self.flush(index);
    }

    /// Sends what is left of the frame.
    pub(super) fn flush(&mut self, index: u32) {
        let visit = &mut self.visits[index as usize];
        let Some(fd) = &visit.fd else { return };
        while visit.sent_bytes < visit.frame.len() {
            match send(fd, &visit.frame[visit.sent_bytes..], SendFlags::NOSIGNAL) {
                Ok(n) => {
                    visit.sent_bytes += n;
                    let whole = visit.sent_bytes == visit.frame.len();
                    self.fleet.tally.wrote(now_ns(), u64::from(whole), n as u64);
                }
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Err(error) => {
                    // A server that refused and closed is better told by its last words than by the broken pipe.
                    self.read(index, true);
                    if self.visits[index as usize].stage == Stage::Exchanging {
                        self.fail(index, &failure::of_errno(error));
                    }
                    return;
                }
            }
        }
    }

    /// Reads what came, and goes on to what follows from it.
    pub(super) fn read(&mut self, index: u32, closing: bool) {
        loop {
            let visit = &mut self.visits[index as usize];
            if !matches!(visit.stage, Stage::Exchanging | Stage::Closing) {
                return;
            }
            let fd = visit.fd.as_ref().expect("an open connection has a socket");
            match recv(fd, &mut self.fleet.read_buffer[..], RecvFlags::empty()) {
                Ok((0, _)) if visit.stage == Stage::Closing => {
                    let since_ns = visit.half_closed_ns;
                    return self.closed(index, now_ns(), Some(since_ns));
                }
                Ok((0, _)) => return self.fail(index, "eof"),
                Ok((n, _)) => {
                    let now = now_ns();
                    self.fleet.tally.read(now, n as u64);
                    let mut replies = 0;
                    if let Err(error) = visit.exchange.receive(&self.fleet.read_buffer[..n], |_| replies += 1) {
                        return self.wrong(index, error);
                    }
                    if replies > 0 {
                        self.replied(index, now);
                    }
                    if n < READ_BYTES && !closing {
                        return;
                    }
                }
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Err(error) => return self.fail(index, &failure::of_errno(error)),
            }
        }
    }

    /// The one frame in flight was answered.
    fn replied(&mut self, index: u32, now: u64) {
        let visit = &mut self.visits[index as usize];
        visit.frames_left -= 1;
        if visit.frames_left > 0 {
            return self.send_next(index);
        }
        self.answered(index, now);
        let visit = &mut self.visits[index as usize];
        let fd = visit.fd.as_ref().expect("an open connection has a socket");
        visit.stage = Stage::Closing;
        visit.half_closed_ns = now_ns();
        match self.churn.close {
            Close::Fin => {
                if let Err(error) = shutdown(fd, Shutdown::Write) {
                    self.fail(index, &failure::of_errno(error));
                }
            }
            Close::Rst => match sockopt::set_socket_linger(fd, Some(Duration::ZERO)) {
                // Dropping the descriptor sends the reset: the last reply is the end.
                Ok(()) => self.closed(index, now, None),
                Err(error) => self.fail(index, &failure::of_errno(error)),
            },
        }
    }

    fn wrong(&mut self, index: u32, error: ExchangeError) {
        let kind = failure::of_exchange(error);
        self.fleet.tally.wrong += u64::from(failure::is_wrong_reply(&kind));
        self.fail(index, &kind);
    }
}
