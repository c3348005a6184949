//! Memory of the servers and of the clients, and of the kernel for all of the host.

use anyhow::Context;
use harness::control::Snapshot;
use procfs::process::Process;

use super::kernel;
use crate::record::{Memory, ProcessMemory, State};

/// Samples the processes of both sides in the state `state`; `snapshot` is what the servers say about themselves,
/// added up.
///
/// The kernel walks the page tables of every process for this: milliseconds for each, more with gigabytes. No measured
/// window should contain it. Descriptors are never listed: at this scale that alone would cost a gigabyte of slab.
///
/// # Errors
/// When one of them is gone.
pub fn memory(servers: &[u32], clients: &[u32], state: State, snapshot: &Snapshot) -> anyhow::Result<Memory> {
    // First, so that what looking costs the kernel is not in it.
    let kernel = kernel::sample();
    let own = of_processes(servers)?;
    Ok(Memory {
        state,
        connections: snapshot.conns_open,
        rss_bytes: own.rss_bytes,
        pss_bytes: own.pss_bytes,
        pss_anon_bytes: own.pss_anon_bytes,
        page_tables_bytes: own.page_tables_bytes,
        maps: own.maps,
        allocated_bytes: snapshot.allocated_bytes,
        conn_buffer_bytes: snapshot.conn_buffer_bytes,
        conn_state_bytes: snapshot.conn_state_bytes,
        client: of_processes(clients)?,
        kernel,
    })
}

fn of_processes(pids: &[u32]) -> anyhow::Result<ProcessMemory> {
    let mut sum = ProcessMemory { processes: pids.len() as u32, ..ProcessMemory::default() };
    for pid in pids {
        add(&mut sum, *pid).with_context(|| format!("failed to sample the memory of process {pid}"))?;
    }
    Ok(sum)
}

fn add(memory: &mut ProcessMemory, pid: u32) -> anyhow::Result<()> {
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
        let sample = || memory(&own, &own, State::Before, &Snapshot::default()).unwrap();
        let before = sample();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = sample();
        assert!(after.pss_anon_bytes >= before.pss_anon_bytes + (60 << 20), "{before:?} {after:?}");
        assert!(after.client.pss_anon_bytes >= before.client.pss_anon_bytes + (60 << 20), "{before:?} {after:?}");
        assert!(after.maps > 0 && after.rss_bytes >= after.pss_anon_bytes);
        drop(block);
    }
}
