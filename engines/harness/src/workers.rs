//! A thread a worker, for engines with a loop a core.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::Builder;

use anyhow::{Context as _, Result, anyhow};

use crate::server::Worker;

/// Runs `serve` for every worker on a thread of its own, until the first one ends: the others could not
/// serve its connections, so that is the end of the engine.
///
/// # Errors
/// What the first worker to end said, a panic included.
pub fn run_workers(workers: Vec<Worker>, serve: impl Fn(Worker) -> Result<()> + Send + Sync + 'static) -> Result<()> {
    let serve = Arc::new(serve);
    let (report, end) = mpsc::channel();
    for worker in workers {
        let (serve, report) = (Arc::clone(&serve), report.clone());
        Builder::new()
            .name(format!("worker-{}", worker.index))
            .spawn(move || {
                let served = catch_unwind(AssertUnwindSafe(|| serve(worker)));
                // Nobody listens any more only if another worker ended first.
                let _ = report.send(served.unwrap_or_else(|panic| Err(anyhow!("a worker died: {}", text(&*panic)))));
            })
            .context("cannot start a worker thread")?;
    }
    drop(report);
    end.recv().context("no worker was started")?
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panicked")
}
