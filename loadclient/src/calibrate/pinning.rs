//! One CPU for one thread.

use std::io;

use rustix::thread::{CpuSet, sched_setaffinity};

/// Keeps the calling thread, and those it starts later, on `cpu`.
pub(super) fn pin(cpu: Option<usize>) -> io::Result<()> {
    let Some(cpu) = cpu else { return Ok(()) };
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set)
        .map_err(|error| io::Error::new(io::Error::from(error).kind(), format!("cannot pin to CPU {cpu}: {error}")))
}
