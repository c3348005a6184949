//! Peers that do not take their replies.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::control::Snapshot;

use super::limits::wait_for;
use crate::verify::case::{Case, Proven, Scope};
use crate::verify::client::{Client, is_reset};
use crate::verify::script::Script;
use crate::verify::server::Server;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "backpressure",
        "a peer that stops reading is stopped being read: what the server holds stays within --write-queue and a read",
        Scope::Stream,
        bounded,
    ),
    Case::new(
        "write-queue-1",
        "the smallest write queue loses and reorders nothing (--write-queue 1)",
        Scope::Stream,
        one,
    ),
    Case::new(
        "write-queue-0",
        "without a bound every request is taken, and every reply comes (--write-queue 0)",
        Scope::Stream,
        unbounded,
    ),
    Case::new(
        "write-timeout",
        "a peer that takes no replies is dropped at --write-timeout and counted",
        Scope::Stream,
        write_timeout,
    ),
    Case::new(
        "slow-reader",
        "a peer that reads 1 KB/s is dropped and counted while 100 others (quick set: 20) are served, memory bounded",
        Scope::Stream,
        slow_reader,
    ),
];

const QUEUE: u64 = 65_536;
const FRAME: u16 = 4096;

fn bounded(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--write-queue", "65536", "--sndbuf", "32768"])?;
    let script = Script::new().echo(FRAME).repeated(4000);
    let mut client = subject.connect(&server)?;
    let sent = flood(&mut client, &script.request)?;
    ensure!(sent < script.request.len(), "all of {sent} bytes were taken from a peer that reads nothing");
    let now = settled(&mut server, subject.patience())?;
    held(&now)?;
    // Nothing was lost meanwhile: the rest goes, and all replies come.
    let mut writer = client.try_clone()?;
    let rest = &script.request[sent..];
    thread::scope(|scope| {
        let sending = scope.spawn(move || writer.send(rest));
        let received = client.expect(&script.reply);
        received.and(sending.join().expect("sending does not panic"))
    })?;
    client.finish()?;
    client.expect_end()?;
    Ok(Proven::Holds)
}

fn one(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&["--write-queue", "1"])?;
    let mut client = subject.connect(&server)?;
    client.exchange(&Script::mixed(60, 1000, 1000))?;
    client.exchange(&Script::new().echo(u16::MAX).repeated(10))?;
    client.finish()?;
    client.expect_end()?;
    Ok(Proven::Holds)
}

fn unbounded(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--write-queue", "0", "--sndbuf", "32768"])?;
    let script = Script::new().echo(FRAME).repeated(4000);
    let mut client = subject.connect(&server)?;
    client.send(&script.request)?;
    server.until("all requests are taken", |now| now.bytes_in_total == script.request.len() as u64)?;
    client.expect(&script.reply)?;
    client.finish()?;
    client.expect_end()?;
    Ok(Proven::Holds)
}

fn write_timeout(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--write-timeout", "300ms", "--write-queue", "65536", "--sndbuf", "32768"])?;
    let mut idle = subject.connect(&server)?;
    let mut stuck = subject.connect(&server)?;
    flood(&mut stuck, &Script::new().echo(FRAME).repeated(4000).request)?;
    let now = server.until("the stuck one is dropped", |now| now.conns_open == 1)?;
    ensure!(now.write_queue_drops_total == 1, "write_queue_drops_total is {}, not 1", now.write_queue_drops_total);
    ensure!(now.protocol_errors_total == 0, "a write timeout was counted as the peer's error");
    idle.exchange(&Script::new().ping())?;
    wait_for("the drop is seen", subject.patience(), || stuck.is_closed())?;
    Ok(Proven::Holds)
}

fn slow_reader(subject: &Subject<'_>) -> Result<Proven> {
    let healthy = subject.long_or(100, 20);
    let mut server = subject.start(&["--write-timeout", "800ms", "--write-queue", "65536", "--sndbuf", "32768"])?;
    let mut clients = subject.connect_many(&server, healthy)?;
    for client in &mut clients {
        client.exchange(&Script::new().echo(100))?;
    }
    let before = server.snapshot()?.allocated_bytes;
    let mut slow = subject.connect(&server)?;
    flood(&mut slow, &Script::new().echo(FRAME).repeated(4000).request)?;
    let mut most = 0;
    let deadline = Instant::now() + subject.patience();
    loop {
        for (seed, client) in clients.iter_mut().enumerate() {
            client.exchange(&Script::mixed(seed as u64, 5, 200))?;
        }
        let now = server.snapshot()?;
        most = most.max(now.allocated_bytes.saturating_sub(before));
        if now.write_queue_drops_total == 1 {
            break;
        }
        ensure!(Instant::now() < deadline, "the slow reader is not dropped: {now:?}");
        ensure!(now.conns_open == healthy as u64 + 1, "the slow reader went without being counted: {now:?}");
        // 1 KB/s.
        match slow.receive_some(&mut [0; 100]) {
            Ok(_) => {}
            Err(error) if is_reset(&error) => {}
            Err(error) => return Err(error.into()),
        }
        thread::sleep(Duration::from_millis(100));
    }
    // Queue, one read, one frame; growing a buffer doubles it for a moment.
    let bound = 2 * (QUEUE + 16_384 + 65_538) + (healthy as u64 + 1) * 16_384;
    ensure!(most <= bound, "{most} bytes were allocated for a slow reader and {healthy} others, more than {bound}");
    server.until("only the healthy are open", |now| now.conns_open == healthy as u64)?;
    Ok(Proven::Holds)
}

/// Sends until the peer takes nothing for a while; returns the bytes that it took.
pub(super) fn flood(client: &mut Client, request: &[u8]) -> Result<usize> {
    const STUCK: Duration = Duration::from_millis(150);
    let mut sent = 0;
    while sent < request.len() {
        match client.send_some(&request[sent..], STUCK) {
            Ok(0) => break,
            Ok(n) => sent += n,
            Err(error) if is_reset(&error) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sent)
}

/// The counters, once they stand still.
pub(super) fn settled(server: &mut Server, patience: Duration) -> Result<Snapshot> {
    let deadline = Instant::now() + patience;
    let mut last = server.snapshot()?;
    loop {
        thread::sleep(Duration::from_millis(100));
        let now = server.snapshot()?;
        if now.bytes_in_total == last.bytes_in_total && now.bytes_out_total == last.bytes_out_total {
            return Ok(now);
        }
        ensure!(Instant::now() < deadline, "the server goes on although its peer reads nothing: {now:?}");
        last = now;
    }
}

/// ECHO replies are as long as their requests: what came and did not leave is in the server.
fn held(now: &Snapshot) -> Result<()> {
    const BOUND: u64 = QUEUE + 16_384 + FRAME as u64 + 3;
    let held = now.bytes_in_total - now.bytes_out_total;
    ensure!(held <= BOUND, "the server holds {held} bytes, more than queue, read and frame ({BOUND})");
    Ok(())
}
