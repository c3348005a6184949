//! CPU lists (`0,2-3`) and pinning the calling thread.

use std::fmt;
use std::str::FromStr;

use rustix::thread::{CpuSet, sched_setaffinity};

/// An ordered list of CPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CpuList(Vec<usize>);

impl CpuList {
    /// The CPU of worker `index`: one each, round and round.
    pub(crate) fn of_worker(&self, index: usize) -> usize {
        self.0[index % self.0.len()]
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Lets the calling thread, and threads it starts, run on all CPUs of the list.
    pub(crate) fn confine(&self) -> std::io::Result<()> {
        set(&self.0)
    }
}

/// Pins the calling thread to one CPU.
pub(crate) fn pin(cpu: usize) -> std::io::Result<()> {
    set(&[cpu])
}

fn set(cpus: &[usize]) -> std::io::Result<()> {
    let mut mask = CpuSet::new();
    for &cpu in cpus {
        mask.set(cpu);
    }
    Ok(sched_setaffinity(None, &mask)?)
}

impl FromStr for CpuList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is no CPU list: write numbers and ranges below {}, such as 0,2-3", CpuSet::MAX_CPU);
        let mut cpus = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: usize = first.trim().parse().map_err(|_| wrong())?;
            let last: usize = last.trim().parse().map_err(|_| wrong())?;
            if first > last || last >= CpuSet::MAX_CPU {
                return Err(wrong());
            }
            cpus.extend(first..=last);
        }
        Ok(Self(cpus))
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges() {
        assert_eq!("0,2-4".parse::<CpuList>().map(|list| list.to_string()), Ok("0,2,3,4".to_owned()));
        for text in ["", "a", "3-1", "0,", "99999"] {
            assert!(text.parse::<CpuList>().is_err(), "{text}");
        }
    }
}
