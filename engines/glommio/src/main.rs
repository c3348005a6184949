//! glommio: a pinned executor a core, each with its own listeners; a task a connection.

mod connection;
mod datagrams;
mod host;
mod listener;

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use glommio::{LocalExecutorBuilder, Placement, spawn_local};
use harness::{Server, Worker};

use crate::host::RingDepth;
use crate::listener::Buffering;

#[global_allocator]
static ALLOCATOR: harness::Allocator = harness::Allocator;

/// glommio registers this much memory for files, in three rings an executor: it is not used here, and
/// 64 KiB is the least that it takes. Its default, 10 MiB, is more than many hosts let a process lock.
const IO_MEMORY_BYTES: usize = 65_536;

fn main() -> ExitCode {
    harness::run(include_str!("../engine.toml"), include_str!("../Cargo.toml"), serve)
}

fn serve(server: Server) -> Result<()> {
    let ring_depth = server.setting::<RingDepth>("ring-depth")?;
    host::check(ring_depth)?;
    let buffering = match server.variant() {
        "buffered" => Buffering::Own(server.readbuf_bytes()),
        _ => Buffering::None,
    };
    let cpus = host::allowed_cpus()?;
    harness::run_workers(server.into_workers()?, move |mut worker| {
        worker.cpu = worker.cpu.or(Some(cpus[worker.index % cpus.len()]));
        run_core(worker, ring_depth, buffering)
    })
}

fn run_core(mut worker: Worker, ring_depth: RingDepth, buffering: Buffering) -> Result<()> {
    let cpu = worker.cpu.context("a worker has a CPU")?;
    let executor = LocalExecutorBuilder::new(Placement::Fixed(cpu))
        .io_memory(IO_MEMORY_BYTES)
        .ring_depth(ring_depth.entries())
        .make()
        .map_err(|error| anyhow!("glommio cannot start an executor on CPU {cpu}: {error}"))?;
    executor.run(async move {
        for listener in worker.listeners.drain(..) {
            spawn_local(listener::accept(listener, buffering)).detach();
        }
        for socket in worker.datagrams.drain(..) {
            spawn_local(datagrams::answer(socket)?).detach();
        }
        worker.ready()?;
        std::future::pending().await
    })
}
