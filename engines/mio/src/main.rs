//! mio: one raw event loop per core, no runtime.

mod bare;
mod datagrams;
mod seamed;
mod socket;
mod worker;

use std::process::ExitCode;

use anyhow::Result;
use harness::Server;

#[global_allocator]
static ALLOCATOR: harness::Allocator = harness::Allocator;

fn main() -> ExitCode {
    harness::run(include_str!("../engine.toml"), include_str!("../Cargo.toml"), |server| match server.variant() {
        "bare" => serve::<bare::Bare>(server),
        _ => serve::<seamed::Seamed>(server),
    })
}

fn serve<C: worker::Connection>(server: Server) -> Result<()> {
    let limits = server.limits();
    let threads: Vec<_> = server
        .into_workers()?
        .into_iter()
        .map(|share| {
            let name = format!("worker-{}", share.index);
            std::thread::Builder::new().name(name).spawn(move || worker::run::<C>(share, limits))
        })
        .collect::<Result<_, _>>()?;
    threads.into_iter().try_for_each(|thread| thread.join().expect("a worker does not panic"))
}
