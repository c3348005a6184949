//! A connection without the seam: the protocol's `Session`, and buffers handled right here.
//!
//! It exists to price the seam: the loop, the socket calls and the protocol are the same.

use std::cell::RefCell;
use std::io;

use harness::{Limits, Pool, ProtocolError, Seat, Session};

use crate::socket::Stream;
use crate::worker::{Connection, Next, Ready, TURNS_MAX};

const SCRATCH_BYTES: usize = 16_384;
const POOL_BUFFERS_MAX: usize = 256;

/// The worker's receive and reply buffers, in use only inside one turn, and spare ones for connections in need.
struct Scratch {
    read: Box<[u8]>,
    replies: Vec<u8>,
    pool: Pool,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        read: vec![0; SCRATCH_BYTES].into_boxed_slice(),
        replies: Vec::with_capacity(2 * SCRATCH_BYTES),
        pool: Pool::new(POOL_BUFFERS_MAX),
    });
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
    failed: Option<ProtocolError>,
}

impl Connection for Bare {
    fn admit(stream: &Stream, limits: &Limits) -> Option<Self> {
        let seat = Seat::admit(stream)?;
        let session = Session::new(limits);
        Some(Self { session, seat, input: Vec::new(), output: Vec::new(), ended: false, failed: None })
    }

    fn drive(&mut self, stream: &mut Stream, ready: &mut Ready) -> Next {
        SCRATCH.with_borrow_mut(|scratch| self.take_turns(stream, ready, scratch))
    }
}

impl Bare {
    fn take_turns(&mut self, stream: &mut Stream, ready: &mut Ready, scratch: &mut Scratch) -> Next {
        for _ in 0..TURNS_MAX {
            let turn = if !self.output.is_empty() {
                if ready.write_blocked {
                    return Next::Wait;
                }
                self.flush(stream, ready, &mut scratch.pool)
            } else if self.failed.is_some() || (self.ended && !self.session.held_back(&self.input)) {
                return Next::Close;
            } else if self.session.held_back(&self.input) {
                self.answer_held_back(&mut scratch.pool);
                Ok(())
            } else if ready.read {
                self.exchange(stream, ready, scratch)
            } else {
                return Next::Wait;
            };
            if turn.is_err() {
                return Next::Close;
            }
        }
        Next::Again
    }

    /// One read, and one write of what it gave rise to.
    fn exchange(&mut self, stream: &mut Stream, ready: &mut Ready, scratch: &mut Scratch) -> io::Result<()> {
        let Scratch { read: buffer, replies, pool } = scratch;
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
                Ok(used) => hold(&mut self.input, &buffer[used..n], pool),
                Err(error) => self.failed = Some(error),
            }
        } else {
            hold(&mut self.input, &buffer[..n], pool);
            self.receive_input(replies, pool);
        }
        let written = if replies.is_empty() { 0 } else { write(stream, replies, ready)? };
        hold(&mut self.output, &replies[written..], pool);
        self.seat.count(n, self.session.take_frames(), written, !self.output.is_empty());
        if self.seat.input_is_over(n) && self.failed.is_none() {
            self.end();
        }
        Ok(())
    }

    fn flush(&mut self, stream: &mut Stream, ready: &mut Ready, pool: &mut Pool) -> io::Result<()> {
        let written = write(stream, &self.output, ready)?;
        self.output.drain(..written);
        give_back_if_empty(&mut self.output, pool);
        self.seat.count(0, 0, written, !self.output.is_empty());
        Ok(())
    }

    fn answer_held_back(&mut self, pool: &mut Pool) {
        let mut replies = std::mem::take(&mut self.output);
        self.receive_input(&mut replies, pool);
        self.output = replies;
        self.seat.count(0, self.session.take_frames(), 0, true);
        if self.ended && !self.session.held_back(&self.input) {
            self.end();
        }
    }

    fn receive_input(&mut self, replies: &mut Vec<u8>, pool: &mut Pool) {
        match self.session.receive(&self.input, replies) {
            Ok(used) => {
                self.input.drain(..used);
                give_back_if_empty(&mut self.input, pool);
            }
            Err(error) => self.failed = Some(error),
        }
    }

    fn end(&mut self) {
        self.ended = true;
        if !self.session.held_back(&self.input) {
            self.failed = self.session.end(self.input.len()).err();
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let Some(error) = self.failed {
            self.seat.broke_protocol(error);
        }
    }
}

/// Adds `bytes` to a connection's buffer: a spare one, where it has none.
fn hold(buffer: &mut Vec<u8>, bytes: &[u8], pool: &mut Pool) {
    if bytes.is_empty() {
        return;
    }
    if buffer.capacity() == 0 {
        *buffer = pool.take();
    }
    buffer.extend_from_slice(bytes);
}

fn give_back_if_empty(buffer: &mut Vec<u8>, pool: &mut Pool) {
    if buffer.is_empty() && buffer.capacity() > 0 {
        pool.give(std::mem::take(buffer));
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
