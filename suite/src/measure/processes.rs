//! CPU time and context switches of the processes of one side.

use anyhow::Context;
use procfs::process::Process;

use crate::record::Usage;

/// Counters of some processes since they started, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessSample {
    cpu_ns: u64,
    run_delay_ns: u64,
    user_ticks: u64,
    system_ticks: u64,
    voluntary_switches: u64,
    involuntary_switches: u64,
    threads: u32,
}

/// Samples the processes `pids`, thread by thread: only there the kernel keeps exact times.
///
/// # Errors
/// When one of them is gone.
pub fn processes(pids: &[u32]) -> anyhow::Result<ProcessSample> {
    let mut sum = ProcessSample::default();
    for pid in pids {
        add(&mut sum, *pid).with_context(|| format!("failed to sample process {pid}"))?;
    }
    Ok(sum)
}

fn add(sum: &mut ProcessSample, pid: u32) -> anyhow::Result<()> {
    let process = Process::new(pid as i32)?;
    for task in process.tasks()? {
        let task = task?;
        // A thread may end while its process goes on; what it used is then in no list any more.
        let (Ok(sched), Ok(status)) = (task.schedstat(), task.status()) else { continue };
        sum.cpu_ns += sched.sum_exec_runtime;
        sum.run_delay_ns += sched.run_delay;
        sum.voluntary_switches += status.voluntary_ctxt_switches.unwrap_or(0);
        sum.involuntary_switches += status.nonvoluntary_ctxt_switches.unwrap_or(0);
        sum.threads += 1;
    }
    let stat = process.stat()?;
    sum.user_ticks += stat.utime;
    sum.system_ticks += stat.stime;
    Ok(())
}

impl ProcessSample {
    /// What was used from `before` until this sample.
    #[must_use]
    pub fn since(&self, before: &Self) -> Usage {
        let tick_ns = 1_000_000_000 / procfs::ticks_per_second();
        Usage {
            cpu_ns: self.cpu_ns.saturating_sub(before.cpu_ns),
            run_delay_ns: self.run_delay_ns.saturating_sub(before.run_delay_ns),
            user_ns: self.user_ticks.saturating_sub(before.user_ticks) * tick_ns,
            system_ns: self.system_ticks.saturating_sub(before.system_ticks) * tick_ns,
            voluntary_switches: self.voluntary_switches.saturating_sub(before.voluntary_switches),
            involuntary_switches: self.involuntary_switches.saturating_sub(before.involuntary_switches),
            threads: self.threads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_as_cpu_time() {
        let own = [std::process::id()];
        let before = processes(&own).unwrap();
        let mut sum = 0_u64;
        while processes(&own).unwrap().since(&before).cpu_ns < 5_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
        let used = processes(&own).unwrap().since(&before);
        assert!(used.cpu_ns >= 5_000_000 && used.threads >= 1);
    }

    #[test]
    fn a_process_that_is_gone_is_named() {
        // Process ids end at 2²² everywhere.
        let error = processes(&[u32::try_from(i32::MAX).unwrap()]).unwrap_err();
        assert!(error.to_string().contains("2147483647"));
    }
}
