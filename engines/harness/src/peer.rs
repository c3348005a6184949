//! One admitted connection: the protocol's [`Conn`] with the harness's counting, deadlines and drain around it.

use std::io;
use std::os::fd::AsFd;

use protocol::{Conn, Step};

use crate::context::{self, Local, Scratch, Shared};
use crate::seat::Seat;
use crate::service::Begun;

/// What a peer takes beside its seat and its buffers.
const STATE_BYTES: u64 = (size_of::<Peer>() - size_of::<Seat>()) as u64;

/// A connection to serve. Drive it by [`Peer::step`]:
///
/// - read by [`Peer::read_with`] (readiness: this worker's buffer), by [`Peer::spare`] and
///   [`Peer::filled`] (a buffer held while waiting), or by [`Peer::lend`] and [`Peer::restore`] (completion);
/// - write by [`Peer::write_with`], or by [`Peer::pending`] and [`Peer::flushed`].
///
/// **Drop it before its socket**: it tells the harness that the descriptor is about to be closed.
#[derive(Debug)]
pub struct Peer {
    conn: Conn,
    seat: Seat,
    /// Buffer bytes last counted for this connection.
    held_bytes: u32,
    /// When the request was read that is timed now, if one is.
    begun: Begun,
}

impl Peer {
    /// Admits an accepted connection, or refuses it: then it got ERROR 5 and is to be dropped.
    #[must_use]
    pub fn admit(socket: impl AsFd) -> Option<Self> {
        let seat = Seat::admit(socket)?;
        let mut peer = Self { conn: Conn::new(&Shared::get().limits), seat, held_bytes: 0, begun: Begun::NONE };
        context::with(|local| {
            local.context.counters.state_bytes.add(STATE_BYTES);
            peer.count_buffers(local);
        });
        Some(peer)
    }

    /// What to do next; ask again after every other call.
    #[inline]
    #[must_use]
    pub fn step(&self) -> Step {
        self.conn.step()
    }

    /// Whether reading is allowed, also while replies wait. `false` is the back-pressure.
    #[inline]
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.conn.wants_input()
    }

    /// Reads once, by `read(2)`'s rules, into a buffer that is only used meanwhile, and decodes what came.
    ///
    /// # Errors
    /// What `read` returned, `WouldBlock` included; nothing has changed then.
    #[inline]
    pub fn read_with(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        context::with(|local| {
            let (n, begun) = if Shared::get().limits.pool {
                let Scratch { read: buffer, pool } = &mut *local.scratch.borrow_mut();
                let n = read(buffer)?;
                let begun = local.sampler.begin();
                self.conn.adopt(pool);
                self.conn.arrived(&buffer[..n]);
                self.conn.release(pool);
                (n, begun)
            } else {
                let n = read(self.conn.spare())?;
                let begun = local.sampler.begin();
                self.conn.filled(n);
                (n, begun)
            };
            self.turned(local, n, 0, begun);
            Ok(n)
        })
    }

    /// Writes once, by `write(2)`'s rules, what waits.
    ///
    /// # Errors
    /// What `write` returned; `WouldBlock` means: wait until the socket is writable.
    #[inline]
    pub fn write_with(&mut self, write: impl FnOnce(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
        let n = write(self.conn.pending())?;
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.flushed(n);
        Ok(n)
    }

    /// Space to read into, for a framework that holds the buffer while it waits. Never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        context::with(|local| {
            // The last flush gave the buffer back: without this, every read would allocate one.
            self.conn.adopt(&mut local.scratch.borrow_mut().pool);
            // Makes the room that is returned below: it is held while the framework waits, and counts.
            self.conn.spare();
            self.count_buffers(local);
        });
        self.conn.spare()
    }

    /// `n` bytes were read into [`Peer::spare`]; 0 is the end of input.
    #[inline]
    pub fn filled(&mut self, n: usize) {
        context::with(|local| {
            let begun = local.sampler.begin();
            self.conn.adopt_output(&mut local.scratch.borrow_mut().pool);
            self.conn.filled(n);
            self.turned(local, n, 0, begun);
        });
    }

    /// An owned buffer with room for one read, for a completion API. Give it back with [`Peer::restore`].
    #[must_use]
    pub fn lend(&mut self) -> Vec<u8> {
        context::with(|local| self.conn.adopt(&mut local.scratch.borrow_mut().pool));
        self.conn.lend()
    }

    /// Takes back the buffer of [`Peer::lend`]; its first `n` bytes were read, and 0 is the end of input.
    pub fn restore(&mut self, buffer: Vec<u8>, n: usize) {
        context::with(|local| {
            let begun = local.sampler.begin();
            self.conn.adopt_output(&mut local.scratch.borrow_mut().pool);
            self.conn.restore(buffer, n);
            self.turned(local, n, 0, begun);
        });
    }

    /// `bytes` arrived in a buffer of the framework's; empty is the end of input.
    #[inline]
    pub fn arrived(&mut self, bytes: &[u8]) {
        context::with(|local| {
            let begun = local.sampler.begin();
            let pool = &mut local.scratch.borrow_mut().pool;
            self.conn.adopt(pool);
            self.conn.arrived(bytes);
            self.conn.release(pool);
            self.turned(local, bytes.len(), 0, begun);
        });
    }

    /// Reply bytes to send.
    #[inline]
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.conn.pending()
    }

    /// The socket took `n` bytes of [`Peer::pending`].
    #[inline]
    pub fn flushed(&mut self, n: usize) {
        context::with(|local| {
            let pool = &mut local.scratch.borrow_mut().pool;
            self.conn.flushed(n);
            self.conn.release(pool);
            self.turned(local, 0, n, Begun::NONE);
        });
    }

    #[inline]
    fn turned(&mut self, local: &Local, bytes_in: usize, bytes_out: usize, begun: Begun) {
        if bytes_in > 0 && self.seat.input_is_over(bytes_in) {
            self.conn.arrived(&[]);
        }
        let waiting = self.conn.step() == Step::Write;
        let frames = self.conn.take_frames();
        self.seat.count_in(local, bytes_in, frames, bytes_out, waiting);
        if begun.is_some() && frames > 0 {
            self.begun = begun;
        }
        if self.begun.is_some() && !waiting {
            local.context.counters.service.record(std::mem::replace(&mut self.begun, Begun::NONE));
        }
        self.count_buffers(local);
    }

    fn count_buffers(&mut self, local: &Local) {
        let now = self.conn.buffer_bytes() as u32;
        if now != self.held_bytes {
            local.context.counters.buffer_bytes.add(u64::from(now).wrapping_sub(u64::from(self.held_bytes)));
            self.held_bytes = now;
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(error) = self.conn.error() {
            self.seat.broke_protocol(error);
        }
        let held = u64::from(self.held_bytes);
        context::with(|local| {
            local.context.counters.buffer_bytes.add(0_u64.wrapping_sub(held));
            local.context.counters.state_bytes.add(0_u64.wrapping_sub(STATE_BYTES));
        });
    }
}
