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
    harness::run_workers(server.into_workers()?, move |share| worker::run::<C>(share, limits))
}
