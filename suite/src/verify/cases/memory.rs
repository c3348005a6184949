//! What a frame and an idle connection cost in allocations.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::verify::case::{Case, Proven, Scope};
use crate::verify::client::Client;
use crate::verify::script::Script;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "no-allocation-per-frame",
        "in steady state a frame costs no allocation; where the framework makes some, how many",
        Scope::Stream,
        per_frame,
    ),
    Case::new(
        "no-buffer-while-idle",
        "with --pool true an idle connection holds no buffer; where the framework needs one, how large",
        Scope::Stream,
        while_idle,
    ),
    Case::new(
        "memory-given-back",
        "500 connections leave no allocation behind when they go",
        Scope::Stream,
        given_back,
    ),
];

fn per_frame(subject: &Subject<'_>) -> Result<Proven> {
    /// The snapshots' own allocations, and what a timer or a queue rounds up.
    const NOISE_PER_FRAME: f64 = 0.005;
    let rounds = subject.long_or(20_000, 2500);
    let mut server = subject.start(&[])?;
    let mut clients = subject.connect_many(&server, 4)?;
    let script = Script::new().echo(64);
    let mut run = |rounds: usize| -> Result<()> {
        for _ in 0..rounds {
            for client in &mut clients {
                client.exchange(&script)?;
            }
        }
        Ok(())
    };
    run(500)?;
    let before = server.snapshot()?;
    run(rounds)?;
    let after = server.snapshot()?;
    let frames = after.frames_total - before.frames_total;
    let allocs = (after.allocs_total - before.allocs_total) as f64 / frames as f64;
    Ok(if allocs <= NOISE_PER_FRAME {
        Proven::Holds
    } else {
        Proven::Measured(format!("{allocs:.2} allocations/frame"))
    })
}

fn while_idle(subject: &Subject<'_>) -> Result<Proven> {
    const IDLE: usize = 100;
    let mut server = subject.start(&[])?;
    let mut clients = subject.connect_many(&server, IDLE)?;
    for (seed, client) in clients.iter_mut().enumerate() {
        client.exchange(&Script::mixed(seed as u64, 20, 2000))?;
    }
    // The last reply may be here before its buffer is back in the pool.
    let mut held = server.snapshot()?.conn_buffer_bytes;
    for _ in 0..50 {
        if held == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(5));
        held = held.min(server.snapshot()?.conn_buffer_bytes);
    }
    let held = held.div_ceil(IDLE as u64);
    Ok(if held == 0 { Proven::Holds } else { Proven::Measured(format!("{held} B held by us")) })
}

fn given_back(subject: &Subject<'_>) -> Result<Proven> {
    /// Of each of 500 connections, 32 bytes: less than any state that could be forgotten.
    const KEPT_MAX_BYTES: u64 = 16 * 1024;
    const ROUNDS: usize = 5;
    let mut server = subject.start(&[])?;
    let mut round = || -> Result<u64> {
        let mut clients: Vec<Client> = subject.connect_many(&server, 500)?;
        for (seed, client) in clients.iter_mut().enumerate() {
            client.exchange(&Script::mixed(seed as u64, 5, 1000))?;
        }
        drop(clients);
        Ok(server.until("all are freed", |now| now.conns_open == 0)?.allocated_bytes)
    };
    round()?;
    let allocated = (0..ROUNDS).map(|_| round()).collect::<Result<Vec<u64>>>()?;
    // A leak is there in every round; tables and pools grow in some, to what they then keep.
    let kept = allocated.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).min().unwrap_or(0);
    anyhow::ensure!(kept < KEPT_MAX_BYTES, "{kept} bytes more are allocated after each 500 connections: {allocated:?}");
    Ok(Proven::Holds)
}
