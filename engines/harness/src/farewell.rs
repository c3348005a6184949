//! Closing without cutting off what the peer has yet to take.
//!
//! A TCP socket that is closed with unread input, or that gets input after its close, answers with a reset,
//! and the kernel throws away what was still to be sent: a reply would be cut short. So a socket whose peer
//! has not acknowledged everything is kept open, under a descriptor of ours, until it has. What the peer sent
//! too late to be answered is then discarded, so that it sees the end of input and not a reset.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::sockopt::socket_domain;
use rustix::net::{AddressFamily, RecvFlags, Shutdown, getpeername, recv, shutdown};

/// Descriptors that may be kept: beyond this, peers who break the protocol and do not read lose their replies.
const KEPT_MAX: usize = 1024;
const STEP: Duration = Duration::from_millis(2);

struct Kept {
    socket: OwnedFd,
    until: Instant,
}

struct Farewells {
    kept: Vec<Kept>,
    watched: bool,
}

static FAREWELLS: Mutex<Farewells> = Mutex::new(Farewells { kept: Vec::new(), watched: false });
static ARRIVED: Condvar = Condvar::new();

/// To be called before `socket` is closed.
pub(crate) fn keep_until_taken(socket: BorrowedFd<'_>, patience: Duration) {
    // What was written to a Unix socket is in the peer's hands already.
    if is_taken(socket) || socket_domain(socket).is_ok_and(|domain| domain == AddressFamily::UNIX) {
        return leave(socket);
    }
    let mut farewells = lock();
    if farewells.kept.len() >= KEPT_MAX {
        return;
    }
    // Without a descriptor to spare the close is all that is left.
    let Ok(socket) = fcntl_dupfd_cloexec(socket, 0) else { return };
    farewells.kept.push(Kept { socket, until: Instant::now() + patience });
    if !farewells.watched {
        // Only an engine whose peers are late has this thread. If it cannot be started, a drain still waits.
        let started = thread::Builder::new().name("farewell".into()).spawn(watch);
        farewells.watched = started.is_ok();
    }
    ARRIVED.notify_one();
}

/// Sockets whose peers have yet to take something.
pub(crate) fn kept() -> usize {
    let mut farewells = lock();
    release(&mut farewells.kept);
    farewells.kept.len()
}

fn watch() {
    loop {
        let none_kept = |farewells: &mut Farewells| farewells.kept.is_empty();
        drop(ARRIVED.wait_while(lock(), none_kept).unwrap_or_else(PoisonError::into_inner));
        while kept() > 0 {
            thread::sleep(STEP);
        }
    }
}

fn lock() -> MutexGuard<'static, Farewells> {
    FAREWELLS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn release(kept: &mut Vec<Kept>) {
    let now = Instant::now();
    kept.retain(|kept| {
        let waits = kept.until > now && !is_taken(kept.socket.as_fd());
        if !waits {
            leave(kept.socket.as_fd());
        }
        waits
    });
}

/// Discards what came too late, and says that no more comes. The close that follows finds nothing unread.
fn leave(socket: BorrowedFd<'_>) {
    /// A peer that sends faster than this is reset.
    const READS_MAX: usize = 256;
    // Small: this may run on a coroutine's stack.
    let mut discarded = [0; 1024];
    for _ in 0..READS_MAX {
        match recv(socket, &mut discarded[..], RecvFlags::DONTWAIT) {
            Ok((n, _)) if n > 0 => {}
            _ => break,
        }
    }
    let _ = shutdown(socket, Shutdown::Write);
}

/// Whether nothing is left to send, or nobody to send it to: after a reset there is no peer.
fn is_taken(socket: BorrowedFd<'_>) -> bool {
    unsent_bytes(socket) == 0 || getpeername(socket).is_err()
}

/// Bytes written that the peer's kernel has not acknowledged, the end of output included.
fn unsent_bytes(socket: BorrowedFd<'_>) -> i32 {
    /// SIOCOUTQ of `linux/sockios.h`; rustix does not name it.
    const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;
    // SAFETY: SIOCOUTQ writes one int, and does nothing else.
    let asked = unsafe { rustix::ioctl::ioctl(socket, rustix::ioctl::Getter::<SIOCOUTQ, i32>::new()) };
    // A socket that cannot tell is past saving.
    asked.unwrap_or(0)
}
