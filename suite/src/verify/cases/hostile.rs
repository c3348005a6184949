//! Peers that mean harm, or behave as if they did.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use protocol::{ErrorCode, Kind};

use super::limits::wait_for;
use crate::verify::case::{Case, Proven, Scope};
use crate::verify::client::Client;
use crate::verify::script::{Script, header};
use crate::verify::server::Server;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "slow-loris",
        "1 000 connections that trickle a frame which never ends are closed by --idle-timeout, beside one that is served",
        Scope::Stream,
        slow_loris,
    ),
    Case::new(
        "oversize-flood",
        "10 000 oversize headers (quick set: 1 000) are refused without a buffer: allocations and RSS stay flat",
        Scope::Stream,
        oversize_flood,
    ),
    Case::new(
        "announced-length",
        "memory follows the bytes that came, not the length that a header announces",
        Scope::Stream,
        announced_length,
    ),
    Case::new(
        "connect-storm",
        "connections that come and go at once, in every way, leave nothing behind",
        Scope::Stream,
        storm,
    ),
    Case::new(
        "descriptors-exhausted",
        "out of descriptors: the connected are served, the CPU does not spin, and service resumes",
        Scope::Stream,
        descriptors,
    ),
];

fn slow_loris(subject: &Subject<'_>) -> Result<Proven> {
    const LORIS: usize = 1000;
    let mut server = subject.start(&["--idle-timeout", "1s"])?;
    let mut loris = subject.connect_many(&server, LORIS)?;
    let mut healthy = subject.connect(&server)?;
    let over = AtomicBool::new(false);
    let healthy = thread::scope(|scope| -> Result<Client> {
        let served = scope.spawn(|| -> Result<Client> {
            while !over.load(Ordering::Relaxed) {
                healthy.exchange(&Script::new().echo(20))?;
                thread::sleep(Duration::from_millis(20));
            }
            Ok(healthy)
        });
        let closed = trickle(&mut loris, subject.patience());
        over.store(true, Ordering::Relaxed);
        let healthy = served.join().expect("a client does not panic").context("the one that is served")?;
        closed.map(|()| healthy)
    })?;
    let now = server.until("all but one are closed", |now| now.conns_open == 1)?;
    ensure!(now.timeouts_total == LORIS as u64, "timeouts_total is {}, not {LORIS}", now.timeouts_total);
    drop(healthy);
    Ok(Proven::Holds)
}

/// A byte at a time of frames that never end, until all connections are closed.
fn trickle(clients: &mut [Client], patience: Duration) -> Result<()> {
    for client in &mut *clients {
        client.send(&header(Kind::Echo, 1000))?;
    }
    wait_for("all are closed", patience, || {
        thread::sleep(Duration::from_millis(20));
        for client in &mut *clients {
            // Those that were closed already cannot take it.
            let _ = client.send(&[0]);
        }
        clients.iter_mut().all(Client::is_closed)
    })
}

fn oversize_flood(subject: &Subject<'_>) -> Result<Proven> {
    /// A runtime's own allocations vary a little from one round to the next; a buffer would be one more each time.
    const MORE_PER_REFUSAL_MAX: f64 = 0.5;
    const ATTEMPTS: usize = 3;
    const GROWTH_MAX_BYTES: u64 = 4 << 20;
    let refusals = subject.long_or(10_000, 1000);
    let mut server = subject.start(&["--max-frame", "1000"])?;
    // The control ends in an error, too, but announces nothing.
    let control = Script::new().refused(&[0x09, 0, 0], ErrorCode::UnknownType);
    let refused = Script::new().refused(&header(Kind::Echo, u16::MAX), ErrorCode::FrameTooLarge);
    one_by_one(subject, &mut server, &control, 200)?;
    one_by_one(subject, &mut server, &refused, 200)?;
    let process = server.process();
    let rss_before = process.rss_bytes()?;
    let (mut more, mut bytes) = (f64::INFINITY, u64::MAX);
    for _ in 0..ATTEMPTS {
        let (without, _) = one_by_one(subject, &mut server, &control, refusals)?;
        let (with, kept) = one_by_one(subject, &mut server, &refused, refusals)?;
        more = more.min((with as f64 - without as f64) / refusals as f64);
        bytes = bytes.min(kept);
        if more <= MORE_PER_REFUSAL_MAX {
            break;
        }
    }
    let growth = process.rss_bytes()?.saturating_sub(rss_before);
    ensure!(more <= MORE_PER_REFUSAL_MAX, "{more:.2} allocations per refusal beyond those of another error");
    ensure!(bytes < GROWTH_MAX_BYTES, "{bytes} bytes are still allocated after {refusals} refusals");
    ensure!(growth < GROWTH_MAX_BYTES, "RSS grew by {growth} bytes over {refusals} refusals");
    Ok(Proven::Holds)
}

/// A connection a script, one after the other; returns the allocator's calls, and the bytes not given back.
fn one_by_one(subject: &Subject<'_>, server: &mut Server, script: &Script, count: u64) -> Result<(u64, u64)> {
    let before = server.snapshot()?;
    for _ in 0..count {
        let mut client = subject.connect(server)?;
        client.exchange(script)?;
        client.finish()?;
        client.expect_end()?;
    }
    let after = server.until("all are freed", |now| now.conns_open == 0)?;
    Ok((after.allocs_total - before.allocs_total, after.allocated_bytes.saturating_sub(before.allocated_bytes)))
}

fn announced_length(subject: &Subject<'_>) -> Result<Proven> {
    const LIARS: usize = 300;
    /// A receive buffer held while waiting, and connection state; but not a frame.
    const HELD_MAX_BYTES: u64 = 32_768;
    let mut server = subject.start(&[])?;
    let first = Script::new().echo(100);
    subject.connect(&server)?.exchange(&first)?;
    let mut liars = subject.connect_many(&server, LIARS)?;
    let before = server.until("all are accepted", |now| now.accept_total == 1 + LIARS as u64)?;
    for client in &mut liars {
        client.send(&header(Kind::Echo, u16::MAX))?;
        client.send(&[1])?;
    }
    let bytes = first.request.len() as u64 + 4 * LIARS as u64;
    let after = server.until("all is read", |now| now.bytes_in_total == bytes)?;
    let held = after.allocated_bytes.saturating_sub(before.allocated_bytes) / LIARS as u64;
    ensure!(held < HELD_MAX_BYTES, "{held} bytes are allocated per connection for the 4 that came");
    Ok(Proven::Holds)
}

fn storm(subject: &Subject<'_>) -> Result<Proven> {
    const THREADS: u64 = 4;
    /// Descriptors that a framework may open lazily for itself.
    const SLACK: u64 = 8;
    let each = subject.long_or(2500, 200);
    let mut server = subject.start(&[])?;
    subject.connect(&server)?.exchange(&Script::new().ping())?;
    server.until("the first is freed", |now| now.conns_open == 0)?;
    let before = server.process().descriptors()?;
    let addr = &server.addr;
    thread::scope(|scope| {
        let storms: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    (0..each).try_for_each(|turn| -> Result<()> {
                        let mut client = subject.connect_to(addr)?;
                        match (thread + turn) % 5 {
                            0 => {}
                            1 => client.exchange(&Script::seeded(turn).echo(30))?,
                            2 => return client.reset(),
                            3 => client.finish()?,
                            _ => client.send(&[0x02, 0])?,
                        }
                        Ok(())
                    })
                })
            })
            .collect();
        storms.into_iter().try_for_each(|storm| storm.join().expect("a storm does not panic"))
    })?;
    let all = 1 + THREADS * each;
    server.until("all are accepted and freed", |now| now.conns_open == 0 && now.accept_total == all)?;
    let process = server.process();
    let few = || process.descriptors().is_ok_and(|now| now <= before + SLACK);
    wait_for("the descriptors are given back", subject.patience(), few)?;
    subject.connect(&server)?.exchange(&Script::mixed(1, 50, 500))?;
    Ok(Proven::Holds)
}

fn descriptors(subject: &Subject<'_>) -> Result<Proven> {
    const SPARE: u64 = 20;
    const MORE: usize = 40;
    const WATCHED: Duration = Duration::from_millis(600);
    /// A thread that spins wants to run all the time, one that pauses next to never. Waiting for a CPU counts as
    /// wanting, so that a busy host hides nothing.
    const BUSY_MAX_PERCENT: u128 = 60;
    let mut server = subject.start(&[])?;
    let mut first = subject.connect(&server)?;
    first.exchange(&Script::new().ping())?;
    let process = server.process();
    process.limit_descriptors(process.descriptors()? + SPARE)?;
    let mut clients = Vec::new();
    for _ in 0..MORE {
        let mut client = subject.connect(&server)?;
        client.send(&Script::new().ping().request)?;
        clients.push(client);
    }
    server.until("accepting fails", |now| now.accept_errors_total > 0)?;
    let before = process.runnable_ns()?;
    thread::sleep(WATCHED);
    let after = process.runnable_ns()?;
    let busiest = after.iter().filter_map(|(thread, ns)| Some(ns - before.get(thread)?)).max().unwrap_or(0);
    let busy_percent = u128::from(busiest) * 100 / WATCHED.as_nanos();
    ensure!(busy_percent <= BUSY_MAX_PERCENT, "a thread spins ({busy_percent} % busy) while no descriptor is left");
    first.exchange(&Script::mixed(1, 100, 1000))?;
    let open = server.snapshot()?.conns_open as usize;
    ensure!(open > 1 && open < MORE, "{open} of {} connections are open", MORE + 1);
    // Room again: first by connections that go once they are answered, whichever were accepted first, …
    wait_for("those that waited are served", subject.patience(), || {
        clients.retain_mut(|client| !client.has_received(&Script::new().ping().reply));
        clients.is_empty()
    })?;
    // … then by a higher limit.
    process.limit_descriptors(process.descriptors()? + 4 * MORE as u64)?;
    for mut client in subject.connect_many(&server, MORE)? {
        client.exchange(&Script::new().echo(10))?;
    }
    Ok(Proven::Holds)
}
