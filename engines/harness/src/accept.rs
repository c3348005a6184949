//! What a failed accept means: the same answer for every engine.

use std::io;
use std::time::Duration;

use rustix::io::Errno;

use crate::context;
use crate::counters::AcceptError;

/// What the accept loop does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptNext {
    /// That one connection is gone; accept the next.
    Again,
    /// Out of descriptors or memory: wait this long, as the queue would be reported ready at once again.
    Pause(Duration),
    /// The listener was shut down.
    Stop,
}

/// Long enough not to spin, short enough that a freed descriptor is soon used.
const PAUSE: Duration = Duration::from_millis(50);

/// Judges, and counts, a failed accept (not for `WouldBlock`, which is no failure).
#[must_use]
pub fn accept_failed(error: &io::Error) -> AcceptNext {
    let (next, kind) = match error.raw_os_error().map(Errno::from_raw_os_error) {
        // shutdown(2) of the listener: how the harness ends accepting.
        Some(Errno::INVAL | Errno::BADF) => return AcceptNext::Stop,
        Some(Errno::INTR) => return AcceptNext::Again,
        Some(Errno::CONNABORTED | Errno::PROTO) => (AcceptNext::Again, AcceptError::Aborted),
        Some(Errno::MFILE | Errno::NFILE) => (AcceptNext::Pause(PAUSE), AcceptError::Descriptors),
        Some(Errno::NOMEM | Errno::NOBUFS) => (AcceptNext::Pause(PAUSE), AcceptError::Memory),
        None if error.kind() == io::ErrorKind::OutOfMemory => (AcceptNext::Pause(PAUSE), AcceptError::Memory),
        _ => (AcceptNext::Pause(PAUSE), AcceptError::Other),
    };
    context::with(|local| local.context.counters.accept_errors.add(kind));
    next
}
