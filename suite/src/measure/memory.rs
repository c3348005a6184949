//! Memory of the servers, and of the kernel for all of the host.

use anyhow::Context;
use harness::control::Snapshot;
use procfs::process::Process;

use super::kernel;
use crate::record::{Memory, State};

/// Samples the processes `pids` in the state `state`; `snapshot` is what they say about themselves, added up.
///
/// # Errors
/// When one of them is gone.
pub fn memory(pids: &[u32], state: State, snapshot: &Snapshot) -> anyhow::Result<Memory> {
    let mut memory = Memory {
        state,
        connections: snapshot.conns_open,
        rss_bytes: 0,
        pss_bytes: 0,
        pss_anon_bytes: 0,
        page_tables_bytes: 0,
        maps: 0,
        allocated_bytes: snapshot.allocated_bytes,
        conn_buffer_bytes: snapshot.conn_buffer_bytes,
        kernel: kernel::sample(),
    };
    for pid in pids {
        add(&mut memory, *pid).with_context(|| format!("failed to sample the memory of process {pid}"))?;
    }
    Ok(memory)
}

fn add(memory: &mut Memory, pid: u32) -> anyhow::Result<()> {
    let process = Process::new(pid as i32)?;
    let rollup = process.smaps_rollup()?;
    for map in &rollup.memory_map_rollup {
        let bytes = |name: &str| map.extension.map.get(name).copied().unwrap_or(0);
        memory.rss_bytes += bytes("Rss");
        memory.pss_bytes += bytes("Pss");
        memory.pss_anon_bytes += bytes("Pss_Anon");
    }
    memory.page_tables_bytes += process.status()?.vmpte.unwrap_or(0) * 1024;
    // Counted as lines: parsing tens of thousands of maps would take longer than the state lasts.
    let maps = std::fs::read(format!("/proc/{pid}/maps"))?;
    memory.maps += maps.iter().filter(|byte| **byte == b'\n').count() as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touched_memory_is_seen() {
        let own = [std::process::id()];
        let sample = || memory(&own, State::Before, &Snapshot::default()).unwrap();
        let before = sample();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = sample();
        assert!(after.pss_anon_bytes >= before.pss_anon_bytes + (60 << 20), "{before:?} {after:?}");
        assert!(after.maps > 0 && after.rss_bytes >= after.pss_anon_bytes);
        drop(block);
    }
}
