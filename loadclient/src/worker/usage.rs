//! What a load thread used of its CPU.

use std::fs;
use std::io;

use crate::clock::thread_cpu_ns;

/// Totals of the calling thread since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) cpu_ns: u64,
    /// Runnable, and waiting for a CPU: the second figure of schedstat.
    pub(super) run_delay_ns: u64,
}

impl Usage {
    /// The calling thread's totals now.
    pub(super) fn now() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/thread-self/schedstat")?;
        let run_delay_ns = text.split_whitespace().nth(1).and_then(|field| field.parse().ok());
        let run_delay_ns =
            run_delay_ns.ok_or_else(|| io::Error::other("/proc/thread-self/schedstat has no run delay"))?;
        Ok(Self { cpu_ns: thread_cpu_ns(), run_delay_ns })
    }

    pub(super) const fn since(self, earlier: Self) -> Self {
        Self { cpu_ns: self.cpu_ns - earlier.cpu_ns, run_delay_ns: self.run_delay_ns - earlier.run_delay_ns }
    }
}
