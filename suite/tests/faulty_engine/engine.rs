//! An engine with faults on request, one a variant: what the conformance cases must catch.
//!
//! Faults of serving are in the loop, around the harness; faults of the process are in a wrapper
//! around the sound variant.

mod fault;
mod serve;
mod wrapper;

use std::process::ExitCode;

use fault::Fault;

#[global_allocator]
static ALLOCATOR: harness::Allocator = harness::Allocator;

/// The harness wants to know which framework is pinned.
const CARGO_TOML: &str = "[dependencies]\nstd = \"=1.0.0\"";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let variant = args.iter().position(|arg| arg == "--variant").and_then(|at| args.get(at + 1));
    match variant.and_then(|name| Fault::named(name)) {
        Some(fault) if fault.is_of_the_process() => wrapper::run(fault, &args),
        _ => harness::run(include_str!("engine.toml"), CARGO_TOML, |server| {
            let fault = Fault::named(server.variant()).expect("every variant is a fault");
            serve::serve(server, fault)
        }),
    }
}
