//! A place among the open connections: admission, deadlines' stamps, and leaving.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::{ErrorCode, ProtocolError};
use rustix::net::{RecvFlags, SendFlags, Shutdown};

use crate::context::{self, Context, Local, Shared};
use crate::farewell;
use crate::listen;
use crate::registry::{Entry, Fate};

/// Time for a peer that broke the protocol to take the replies to what preceded it.
const TAKEN_MAX: Duration = Duration::from_secs(2);

/// What a seat takes, with its entry.
const STATE_BYTES: u64 = (size_of::<Seat>() + size_of::<Entry>()) as u64;

/// What the harness keeps of one admitted connection. Part of every [`crate::Peer`]; alone only in a
/// variant that does without `Peer`.
///
/// **Drop it before its socket**: it tells the harness that the descriptor is about to be closed.
#[derive(Debug)]
pub struct Seat {
    entry: &'static Entry,
    home: &'static Context,
}

impl Seat {
    /// Admits an accepted connection, or refuses it: then it got ERROR 5 and is to be dropped.
    #[must_use]
    pub fn admit(socket: impl AsFd) -> Option<Self> {
        let shared = Shared::get();
        let fd = socket.as_fd();
        let max = shared.options.max_conns;
        let open_before = shared.open.fetch_add(1, Ordering::Relaxed);
        context::with(|local| {
            local.context.counters.accepts.add(1);
            if max > 0 && open_before >= max {
                shared.open.fetch_sub(1, Ordering::Relaxed);
                local.context.counters.rejected.add(1);
                let refusal = ErrorCode::AtCapacity.frame();
                let _ = rustix::net::send(fd, &refusal, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
                linger(fd, local);
                return None;
            }
            // Failing to size a Unix socket's buffers is no reason to refuse it: the kernel caps them anyway.
            let _ = listen::set_buffers(&socket2::SockRef::from(&fd), &shared.options);
            local.context.open.fetch_add(1, Ordering::Relaxed);
            let entry = local.context.registry.open(fd.as_raw_fd(), shared.tick());
            local.context.counters.state_bytes.add(STATE_BYTES);
            Some(Self { entry, home: local.context })
        })
    }

    /// Counts what one turn did: bytes read, frames answered, bytes written. `waiting` tells whether
    /// replies still wait for the socket.
    #[inline]
    pub fn count(&self, bytes_in: usize, frames: u32, bytes_out: usize, waiting: bool) {
        context::with(|local| self.count_in(local, bytes_in, frames, bytes_out, waiting));
    }

    /// As [`Seat::count`], for a caller that has its thread's state at hand.
    #[inline]
    pub(crate) fn count_in(&self, local: &Local, bytes_in: usize, frames: u32, bytes_out: usize, waiting: bool) {
        let counters = &local.context.counters;
        counters.bytes_in.add(bytes_in as u64);
        counters.frames.add(u64::from(frames));
        counters.bytes_out.add(bytes_out as u64);
        let shared = Shared::get();
        if shared.deadlines {
            let tick = shared.tick();
            if frames > 0 {
                self.entry.framed(tick);
            }
            match waiting {
                false => self.entry.waits_since(0),
                true if bytes_out > 0 || !self.entry.waiting() => self.entry.waits_since(tick),
                true => {}
            }
        }
    }

    /// Whether the `bytes_in` just read were the last to be answered: the connection drains, and what had
    /// arrived when that began is through. A peer that goes on sending would otherwise never let it end,
    /// as after shutdown(2) a TCP socket still gives what comes, and the end of input only when nothing has come.
    #[inline]
    #[must_use]
    pub fn input_is_over(&self, bytes_in: usize) -> bool {
        Shared::get().draining.load(Ordering::Relaxed)
            && self.entry.fate() == Fate::Drained
            && self.entry.spend(bytes_in as u32)
    }

    /// The peer broke the protocol: counts it, and lets the ERROR frame arrive before the socket closes.
    pub fn broke_protocol(&self, error: ProtocolError) {
        // A frame that we cut ourselves, by a deadline or a drain, is not the peer's fault.
        if self.entry.fate() == Fate::Open {
            context::with(|local| local.context.counters.protocol_errors.add(error));
            farewell::keep_until_taken(self.entry.fd(), TAKEN_MAX);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.entry.fate() == Fate::Drained {
            farewell::keep_until_taken(self.entry.fd(), Shared::get().options.drain_timeout);
        }
        self.home.registry.close(self.entry);
        context::with(|local| local.context.counters.state_bytes.add(0_u64.wrapping_sub(STATE_BYTES)));
        self.home.open.fetch_sub(1, Ordering::Relaxed);
        Shared::get().open.fetch_sub(1, Ordering::Release);
    }
}

/// Closing a socket with unread input resets it, and the reset may overtake the ERROR frame.
/// So: say that no more comes, and take what is there already, up to a ceiling.
fn linger(fd: BorrowedFd<'_>, local: &Local) {
    const READS_MAX: usize = 16;
    let _ = rustix::net::shutdown(fd, Shutdown::Write);
    let Ok(mut scratch) = local.scratch.try_borrow_mut() else { return };
    for _ in 0..READS_MAX {
        match rustix::net::recv(fd, &mut scratch.read[..], RecvFlags::DONTWAIT) {
            Ok((n, _)) if n > 0 => {}
            _ => break,
        }
    }
}
