//! A connection without the seam: the protocol's `Session`, and buffers handled right here.
//!
//! It exists to price the seam: the loop, the socket calls and the protocol are the same.

use std::cell::RefCell;
use std::io;

use harness::{Limits, Seat, Session};

use crate::socket::Stream;
use crate::worker::{Connection, Next, Ready, TURNS_MAX};

const SCRATCH_BYTES: usize = 16_384;

thread_local! {
    /// The worker's receive and reply buffers: in use only inside one turn.
    static SCRATCH: RefCell<(Box<[u8]>, Vec<u8>)> =
        RefCell::new((vec![0; SCRATCH_BYTES].into_boxed_slice(), Vec::with_capacity(2 * SCRATCH_BYTES)));
}

/// The bare variant's connection.
pub(crate) struct Bare {
    session: Session,
    seat: Seat,
    /// Bytes not decoded yet: a partial frame, or frames behind the write limit.
    input: Vec<u8>,
    /// Replies that the socket has not taken yet.
    output: Vec<u8>,
    ended: bool,
    failed: bool,
}

impl Connection for Bare {
    fn admit(stream: &Stream, limits: &Limits) -> Option<Self> {
        let seat = Seat::admit(stream)?;
        let session = Session::new(limits);
        Some(Self { session, seat, input: Vec::new(), output: Vec::new(), ended: false, failed: false })
    }

    fn drive(&mut self, stream: &mut Stream, ready: &mut Ready) -> Next {
        for _ in 0..TURNS_MAX {
            let turn = if !self.output.is_empty() {
                if ready.write_blocked {
                    return Next::Wait;
                }
                self.flush(stream, ready)
            } else if self.failed || (self.ended && !self.session.held_back(&self.input)) {
                return Next::Close;
            } else if self.session.held_back(&self.input) {
                self.answer_held_back();
                Ok(())
            } else if ready.read {
                SCRATCH.with_borrow_mut(|(buffer, replies)| self.exchange(stream, ready, buffer, replies))
            } else {
                return Next::Wait;
            };
            if turn.is_err() {
                return Next::Close;
            }
        }
        Next::Again
    }
}

impl Bare {
    /// One read, and one write of what it gave rise to.
    fn exchange(
        &mut self,
        stream: &mut Stream,
        ready: &mut Ready,
        buffer: &mut [u8],
        replies: &mut Vec<u8>,
    ) -> io::Result<()> {
        let n = match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready.read = false;
                return Ok(());
            }
            other => other?,
        };
        ready.read = n == buffer.len() || ready.read_closed;
        if n == 0 {
            self.end();
            return Ok(());
        }
        replies.clear();
        if self.input.is_empty() {
            match self.session.receive(&buffer[..n], replies) {
                Ok(used) if used == n => {}
                Ok(used) => self.input.extend_from_slice(&buffer[used..n]),
                Err(_) => self.failed = true,
            }
        } else {
            self.input.extend_from_slice(&buffer[..n]);
            self.receive_input(replies);
        }
        let written = if replies.is_empty() { 0 } else { write(stream, replies, ready)? };
        self.output.extend_from_slice(&replies[written..]);
        self.seat.count(n, self.session.take_frames(), written, !self.output.is_empty());
        if self.seat.input_is_over(n) && !self.failed {
            self.end();
        }
        Ok(())
    }

    fn flush(&mut self, stream: &mut Stream, ready: &mut Ready) -> io::Result<()> {
        let written = write(stream, &self.output, ready)?;
        self.output.drain(..written);
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        self.seat.count(0, 0, written, !self.output.is_empty());
        Ok(())
    }

    fn answer_held_back(&mut self) {
        let mut replies = std::mem::take(&mut self.output);
        self.receive_input(&mut replies);
        self.output = replies;
        self.seat.count(0, self.session.take_frames(), 0, true);
        if self.ended && !self.session.held_back(&self.input) {
            self.end();
        }
    }

    fn receive_input(&mut self, replies: &mut Vec<u8>) {
        match self.session.receive(&self.input, replies) {
            Ok(used) => {
                self.input.drain(..used);
                if self.input.is_empty() {
                    self.input = Vec::new();
                }
            }
            Err(_) => self.failed = true,
        }
    }

    fn end(&mut self) {
        self.ended = true;
        if !self.session.held_back(&self.input) {
            self.failed = self.session.end(self.input.len()).is_err();
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if self.failed {
            self.seat.broke_protocol();
        }
    }
}

fn write(stream: &mut Stream, bytes: &[u8], ready: &mut Ready) -> io::Result<usize> {
    match stream.write(bytes) {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            ready.write_blocked = true;
            Ok(0)
        }
        other => other,
    }
}
