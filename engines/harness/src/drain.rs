//! Ending without losing anything, by `shutdown(2)` alone: it wakes every framework the same way.
//!
//! 1. No new connection can be made: TCP listeners stop answering SYNs, Unix sockets lose their path.
//!    What queued before is still accepted.
//! 2. When the accept queues are empty the TCP listeners are shut down, and their accept loops end. A Unix
//!    listener is left alone: shut down, it would stay readable while a non-blocking accept says
//!    `WouldBlock`, and a framework that retries by itself would spin.
//! 3. Every connection is shut down for reading: its engine answers what arrived, sees the end of input
//!    (or is told so, where the peer goes on sending), flushes and closes.
//!    Where the peer has not taken all replies yet, its socket is kept until it has (`farewell`).
//! 4. At the deadline the rest is shut down both ways and counted as forced.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use protocol::{HEADER_BYTES, MAX_PAYLOAD_BYTES};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use rustix::net::{Shutdown, shutdown};

use crate::context::Shared;
use crate::control::Drained;
use crate::farewell;
use crate::registry::Fate;

/// A socket held by the harness beside the engine, to end it.
#[derive(Debug)]
pub(crate) enum Stoppable {
    TcpListener(OwnedFd),
    UnixListener(OwnedFd, PathBuf),
    UdpSocket(OwnedFd),
}

const STEP: Duration = Duration::from_millis(1);
/// Time for an engine's accept loop to empty its queue.
const ACCEPT_QUEUE_MAX: Duration = Duration::from_millis(500);
/// Time without any connection before it counts as the end: an engine may have accepted one and not admitted it yet.
const SETTLED: Duration = Duration::from_millis(25);
/// Time for engines to notice that their connections were cut off.
const FORCED_MAX: Duration = Duration::from_millis(500);

/// Drains the process. Call once.
pub(crate) fn drain(sockets: &[Stoppable]) -> Drained {
    let shared = Shared::get();
    let begun = Instant::now();
    shared.draining.store(true, Ordering::Release);
    stop_accepting(sockets);
    let open_at_first = shared.open.load(Ordering::Acquire);
    let accepted_at_first = shared.snapshot().accept_total;
    let deadline = begun + shared.options.drain_timeout;
    // A connection counts as open until its peer has taken all replies.
    let open = || shared.open.load(Ordering::Acquire) + farewell::kept() as u64;
    let mut none_since = None;
    while Instant::now() < deadline {
        if open() > 0 {
            // Again and again: a connection may have been accepted just before its listener stopped.
            drain_connections();
            none_since = None;
        } else if none_since.get_or_insert_with(Instant::now).elapsed() >= SETTLED {
            break;
        }
        sleep(STEP);
    }
    let forced = open();
    let cut_off = Instant::now() + FORCED_MAX;
    while shared.open.load(Ordering::Acquire) > 0 && Instant::now() < cut_off {
        force_connections();
        sleep(STEP);
    }
    let accepted_late = shared.snapshot().accept_total.saturating_sub(accepted_at_first);
    Drained {
        closed: (open_at_first + accepted_late).saturating_sub(forced),
        forced,
        elapsed_ms: begun.elapsed().as_millis() as u64,
    }
}

fn stop_accepting(sockets: &[Stoppable]) {
    for socket in sockets {
        match socket {
            // Otherwise new connections could keep the queue from ever being empty, and those in it when the
            // listener goes would be reset by the kernel. If it is refused, the wait below still helps.
            Stoppable::TcpListener(fd) => drop(refuse_syns(fd)),
            Stoppable::UnixListener(_, path) => drop(std::fs::remove_file(path)),
            Stoppable::UdpSocket(_) => {}
        }
    }
    let deadline = Instant::now() + ACCEPT_QUEUE_MAX;
    while sockets.iter().any(connections_queue) && Instant::now() < deadline {
        sleep(STEP);
    }
    for socket in sockets {
        if let Stoppable::TcpListener(fd) | Stoppable::UdpSocket(fd) = socket {
            let _ = shutdown(fd, Shutdown::Both);
        }
    }
}

fn connections_queue(socket: &Stoppable) -> bool {
    let (Stoppable::TcpListener(fd) | Stoppable::UnixListener(fd, _)) = socket else { return false };
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)];
    matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(n) if n > 0)
}

/// Attaches a classic BPF filter that drops segments with SYN and without ACK.
fn refuse_syns(fd: &OwnedFd) -> std::io::Result<()> {
    use socket2::{SockFilter, SockRef};
    // Offsets count from the TCP header; byte 13 holds the flags. Returning 0 drops the segment.
    let program = [
        SockFilter::new(0x30, 0, 0, 13),          // ldb [13]
        SockFilter::new(0x54, 0, 0, 0x12),        // and #SYN|ACK
        SockFilter::new(0x15, 0, 1, 0x02),        // jeq #SYN, next, skip
        SockFilter::new(0x06, 0, 0, 0),           // ret #0
        SockFilter::new(0x06, 0, 0, 0xFFFF_FFFF), // ret #-1
    ];
    SockRef::from(fd).attach_filter(&program)
}

/// Ends the input of every connection behind what has arrived.
fn drain_connections() {
    // A read that is under way may not be counted in what waits: what it can bring at most is let through.
    let one_read = Shared::get().limits.readbuf_bytes.max(HEADER_BYTES + MAX_PAYLOAD_BYTES) as u64;
    for context in Shared::get().contexts() {
        context.registry.each(|entry| {
            if entry.fate() != Fate::Drained {
                let arrived = ioctl_fionread(entry.fd()).unwrap_or(0);
                entry.drain((arrived + one_read) as u32);
                let _ = shutdown(entry.fd(), Shutdown::Read);
            }
        });
    }
}

fn force_connections() {
    for context in Shared::get().contexts() {
        context.registry.each(|entry| {
            if entry.fate() != Fate::Forced {
                entry.doom(Fate::Forced);
                let _ = shutdown(entry.fd(), Shutdown::Both);
            }
        });
    }
}
