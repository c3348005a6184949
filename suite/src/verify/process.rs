//! An engine's process as the kernel sees it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

/// A process by its id. The caller sees to it that the id is still its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// The largest resident set so far, in bytes.
    pub(crate) fn rss_peak_bytes(self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// The resident set now, in bytes.
    pub(crate) fn rss_bytes(self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// How long each thread has run or waited for a CPU, in nanoseconds.
    pub(crate) fn runnable_ns(self) -> Result<BTreeMap<OsString, u64>> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(self.path("task"))? {
            let task = task?;
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            let runnable = text.split(' ').take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
            threads.insert(task.file_name(), runnable);
        }
        Ok(threads)
    }

    /// Descriptors open now.
    pub(crate) fn descriptors(self) -> Result<u64> {
        Ok(fs::read_dir(self.path("fd"))?.count() as u64)
    }

    /// Changes RLIMIT_NOFILE's soft limit from outside.
    pub(crate) fn limit_descriptors(self, limit: u64) -> Result<()> {
        let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
        prlimit(self.pid(), Resource::Nofile, Rlimit { current: Some(limit), maximum: hard })
            .context("failed to set RLIMIT_NOFILE")?;
        Ok(())
    }

    /// Whether it runs. A zombie does not.
    pub(crate) fn is_alive(self) -> bool {
        let Ok(stat) = fs::read_to_string(self.path("stat")) else { return false };
        let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
        !matches!(state, None | Some('Z' | 'X'))
    }

    pub(crate) fn signal(self, signal: Signal) -> Result<()> {
        let pid = self.pid().context("a process id is not 0")?;
        kill_process(pid, signal).with_context(|| format!("failed to signal process {}", self.0))
    }

    fn pid(self) -> Option<Pid> {
        i32::try_from(self.0).ok().and_then(Pid::from_raw)
    }

    fn path(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0))
    }

    fn status(self, field: &str) -> Result<u64> {
        let text = fs::read_to_string(self.path("status")).context("the engine's process is gone")?;
        let line = text.lines().find(|line| line.starts_with(field)).context("the engine's process has ended")?;
        let kib: u64 = line.split_whitespace().nth(1).context("no figure in /proc/PID/status")?.parse()?;
        Ok(kib * 1024)
    }
}
