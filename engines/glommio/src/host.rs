//! What glommio needs of the host, asked for before it starts: its own refusals are panics and half-sentences.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use rustix::io_uring::{io_uring_params, io_uring_setup};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CpuSet, sched_getaffinity};

/// glommio refuses to start below this.
const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;

/// Entries of a submission queue, as many as the kernel takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RingDepth(u32);

impl RingDepth {
    const MAX: u32 = 32_768;

    pub(crate) fn entries(self) -> usize {
        self.0 as usize
    }
}

impl FromStr for RingDepth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let in_range = text.parse().ok().filter(|depth| (1..=Self::MAX).contains(depth));
        in_range.map(Self).ok_or_else(|| format!("write a number from 1 to {}", Self::MAX))
    }
}

/// Whether this kernel and these limits let glommio's executors start.
///
/// # Errors
/// What is missing, and how to get it, in one line.
pub(crate) fn check(ring_depth: RingDepth) -> Result<()> {
    let memlock = getrlimit(Resource::Memlock).current.unwrap_or(u64::MAX);
    if memlock < MEMLOCK_BYTES_MIN {
        bail!(
            "RLIMIT_MEMLOCK is {memlock} bytes and glommio needs {MEMLOCK_BYTES_MIN}: \
             raise it with 'ulimit -l 512', memlock in limits.conf, or LimitMEMLOCK=512K in a systemd unit"
        );
    }
    let mut params = io_uring_params::default();
    // SAFETY: the parameters ask for nothing but a plain ring; in particular ATTACH_WQ is not set.
    let ring = unsafe { io_uring_setup(ring_depth.0, &mut params) };
    ring.map(drop).context(
        "the kernel refuses io_uring: set kernel.io_uring_disabled=0, \
             or allow io_uring_setup in the container's seccomp filter",
    )
}

/// The CPUs that this process may run on, in order.
pub(crate) fn allowed_cpus() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None).context("cannot read the CPU affinity")?;
    Ok((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
}
