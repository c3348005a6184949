//! glommio: a pinned executor a core, each with its own listeners; a task a connection.

mod connection;
mod datagrams;
mod host;
mod listener;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc;

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
    let (report, end) = mpsc::channel();
    for mut worker in server.into_workers()? {
        worker.cpu = worker.cpu.or(Some(cpus[worker.index % cpus.len()]));
        let report = report.clone();
        std::thread::Builder::new().name(format!("worker-{}", worker.index)).spawn(move || {
            let served = catch_unwind(AssertUnwindSafe(|| run_core(worker, ring_depth, buffering)));
            // Nobody listens any more only if another worker ended first.
            let _ = report.send(served.unwrap_or_else(|panic| Err(anyhow!("a worker died: {}", text(&*panic)))));
        })?;
    }
    // The first worker to end ends the engine: the others could not serve its connections.
    end.recv().context("no worker was started")?
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

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panicked")
}
