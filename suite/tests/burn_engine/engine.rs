//! An engine whose CPU time per frame is known by arithmetic: `a + b × connections`, burnt by the thread's CPU clock.

mod serve;

use std::process::ExitCode;

use serve::Burn;

#[global_allocator]
static ALLOCATOR: harness::Allocator = harness::Allocator;

/// The harness wants to know which framework is pinned.
const CARGO_TOML: &str = "[dependencies]\nstd = \"=1.0.0\"";

fn main() -> ExitCode {
    harness::run(include_str!("engine.toml"), CARGO_TOML, |server| {
        let burn = Burn { per_frame_ns: server.setting("per-frame-ns")?, per_conn_ns: server.setting("per-conn-ns")? };
        harness::run_workers(server.into_workers()?, move |worker| serve::serve(worker, burn))
    })
}
