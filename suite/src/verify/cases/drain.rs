//! A drain loses nothing that was received.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::Address;

use super::backpressure::settled;
use super::limits::wait_for;
use crate::verify::case::{Case, Proven, Scope};
use crate::verify::client::{Client, is_reset};
use crate::verify::script::Script;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "drain-idle",
        "idle connections are closed in order and counted, the address is given up, the exit code is 0",
        Scope::Stream,
        idle,
    ),
    Case::new("drain-answers", "whole frames received before the drain are answered", Scope::Stream, answers),
    Case::new(
        "drain-partial-frame",
        "a frame that never ends does not hold up the drain, which closes the connection in order",
        Scope::Stream,
        partial,
    ),
    Case::new(
        "drain-under-load",
        "a drain at full load truncates no frame (100 times; quick set: 3 times)",
        Scope::Stream,
        under_load,
    ),
    Case::new(
        "drain-slow-readers",
        "replies that clients read late arrive whole although the engine has ended",
        Scope::Stream,
        slow_readers,
    ),
    Case::new(
        "drain-accept-queue",
        "connections made before the drain are served, not reset",
        Scope::Stream,
        accept_queue,
    ),
    Case::new(
        "drain-forced",
        "a peer that takes nothing is cut off at --drain-timeout, and counted",
        Scope::Stream,
        forced,
    ),
];

fn idle(subject: &Subject<'_>) -> Result<Proven> {
    const IDLE: usize = 50;
    let mut server = subject.start(&[])?;
    let addr = server.addr.clone();
    let mut clients = subject.connect_many(&server, IDLE)?;
    clients[0].exchange(&Script::mixed(0, 10, 100))?;
    server.until("all are accepted", |now| now.conns_open == IDLE as u64)?;
    let drained = server.drain()?;
    ensure!((drained.closed, drained.forced) == (IDLE as u64, 0), "{IDLE} closed and 0 forced were due: {drained:?}");
    for client in &mut clients {
        client.expect_end()?;
    }
    if let Address::Unix(path) = &addr {
        ensure!(!path.exists(), "the socket's path is still there");
    }
    ensure!(Client::connect(&addr, subject.patience()).is_err(), "a connection was made after the end");
    Ok(Proven::Holds)
}

fn answers(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let mut clients = subject.connect_many(&server, 20)?;
    let scripts: Vec<Script> = (0..20).map(|seed| Script::mixed(seed, 100, 800)).collect();
    for (client, script) in clients.iter_mut().zip(&scripts) {
        client.send(&script.request)?;
    }
    let drained = server.drain()?;
    ensure!(drained.forced == 0, "{} connections were forced", drained.forced);
    for (client, script) in clients.iter_mut().zip(&scripts) {
        client.expect(&script.reply)?;
        client.expect_end()?;
    }
    Ok(Proven::Holds)
}

fn partial(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--drain-timeout", "60s"])?;
    let script = Script::new().echo(100).ping();
    let mut clients = subject.connect_many(&server, 10)?;
    for client in &mut clients {
        client.send(&script.request)?;
        client.send(&[0x02, 0x00, 0x10, 1, 2])?;
    }
    let bytes = 10 * (script.request.len() as u64 + 5);
    server.until("all is read", |now| now.bytes_in_total == bytes)?;
    let drained = server.drain()?;
    ensure!((drained.closed, drained.forced) == (10, 0), "10 closed and 0 forced were due: {drained:?}");
    for client in &mut clients {
        client.expect(&script.reply)?;
        client.expect_end()?;
    }
    Ok(Proven::Holds)
}

fn under_load(subject: &Subject<'_>) -> Result<Proven> {
    let repetitions = subject.long_or(100, 3);
    for repetition in 0..repetitions {
        // In turn with small socket buffers, so that the engine has replies half sent, and with the system's.
        let sndbuf = if repetition % 2 == 0 { "65536" } else { "0" };
        load_and_drain(subject, sndbuf, 30 + 17 * (repetition % 7))
            .with_context(|| format!("repetition {repetition}"))?;
    }
    Ok(Proven::Holds)
}

fn load_and_drain(subject: &Subject<'_>, sndbuf: &str, before_ms: u64) -> Result<()> {
    const CLIENTS: u64 = 12;
    let server = subject.start(&["--drain-timeout", "30s", "--sndbuf", sndbuf])?;
    let clients = subject.connect_many(&server, CLIENTS as usize)?;
    let answered = AtomicU64::new(0);
    let answered = &answered;
    let drained = thread::scope(|scope| {
        let loads: Vec<_> = clients
            .into_iter()
            .zip(0..)
            .map(|(client, index)| {
                // Small frames, and frames that no socket buffer holds in one piece.
                let frames = if index % 3 == 0 { [40_000, 65_535] } else { [64, 500] };
                let script = Script::seeded(index).echo(frames[0]).ping().echo(frames[1]);
                scope.spawn(move || load(client, &script, answered))
            })
            .collect();
        let begun = wait_for("all are answered", subject.patience(), || answered.load(Ordering::Relaxed) == CLIENTS);
        thread::sleep(Duration::from_millis(before_ms));
        let drained = server.drain();
        begun?;
        for load in loads {
            load.join().expect("a client does not panic")?;
        }
        drained
    })?;
    ensure!(drained.forced == 0, "{} connections were forced", drained.forced);
    Ok(())
}

/// Sends the same frames for ever, as fast as they go; reads until the end, which must lie between replies.
fn load(mut client: Client, script: &Script, answered: &AtomicU64) -> Result<()> {
    let mut writer = client.try_clone()?;
    let request = script.request.repeat((1 << 14) / script.request.len() + 1);
    let mut ends: VecDeque<usize> = reply_ends(&script.reply).into();
    thread::scope(|scope| {
        scope.spawn(move || while writer.send(&request).is_ok() {});
        // Long replies are read more slowly than they can be sent.
        let slow = script.reply.len() > 1 << 15;
        let mut buffer = vec![0; if slow { 1 << 13 } else { 1 << 16 }];
        let mut at = 0;
        let mut whole = 0_u64;
        loop {
            if slow {
                thread::sleep(Duration::from_micros(500));
            }
            let n = match client.receive_some(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                // Requests that came after the end of the drain are nobody's.
                Err(error) if is_reset(&error) => break,
                Err(error) => bail!("{error} instead of the end"),
            };
            for byte in &buffer[..n] {
                ensure!(*byte == script.reply[at], "a wrong byte in reply {whole}");
                at += 1;
                if at == ends[0] {
                    ends.rotate_left(1);
                    whole += 1;
                    if whole == 1 {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    at %= script.reply.len();
                }
            }
        }
        let cut = reply_ends(&script.reply).iter().all(|end| at != *end) && at != 0;
        ensure!(!cut, "the end came inside reply {whole}: a truncated frame");
        Ok(())
    })
}

/// Where each reply ends.
fn reply_ends(reply: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(header) = protocol::Header::decode(&reply[at..]) {
        at += protocol::HEADER_BYTES + usize::from(header.length);
        ends.push(at);
    }
    ends
}

fn slow_readers(subject: &Subject<'_>) -> Result<Proven> {
    const CLIENTS: usize = 10;
    let mut server = subject.start(&["--drain-timeout", "30s", "--sndbuf", "65536"])?;
    // More than the sockets hold: replies wait in the engine, and it depends on the engine how many.
    let echo = Script::new().echo(20_000);
    let frame = echo.reply.len();
    let script = echo.repeated(16);
    let mut clients = subject.connect_many(&server, CLIENTS)?;
    for client in &mut clients {
        client.send(&script.request)?;
    }
    let answered = settled(&mut server, subject.patience())?.frames_total;
    thread::scope(|scope| {
        let draining = scope.spawn(move || server.drain());
        thread::sleep(Duration::from_millis(100));
        let mut whole = 0;
        for client in &mut clients {
            let got = client.rest_or_reset()?;
            ensure!(script.reply.starts_with(&got), "wrong bytes among {} of a reply", got.len());
            ensure!(got.len() % frame == 0, "the end came {} bytes into a reply", got.len() % frame);
            whole += got.len() / frame;
        }
        let drained = draining.join().expect("a drain does not panic")?;
        ensure!(drained.forced == 0, "{} connections were forced", drained.forced);
        ensure!(whole as u64 >= answered, "{whole} replies came of {answered} that were made before the drain");
        Ok(Proven::Holds)
    })
}

fn accept_queue(subject: &Subject<'_>) -> Result<Proven> {
    for acceptors in ["1", "4"] {
        let server = subject.start(&["--acceptors", acceptors])?;
        let script = Script::new().ping().echo(200);
        let mut clients = Vec::new();
        for _ in 0..200 {
            let mut client = subject.connect(&server)?;
            client.send(&script.request)?;
            clients.push(client);
        }
        let drained = server.drain()?;
        for (index, client) in clients.iter_mut().enumerate() {
            let answered = client.expect(&script.reply).and_then(|()| client.expect_end());
            answered.with_context(|| format!("connection {index} of 200, --acceptors {acceptors}"))?;
        }
        ensure!((drained.closed, drained.forced) == (200, 0), "200 closed and 0 forced were due: {drained:?}");
    }
    Ok(Proven::Holds)
}

fn forced(subject: &Subject<'_>) -> Result<Proven> {
    let options = ["--drain-timeout", "300ms", "--write-queue", "65536", "--sndbuf", "32768"];
    let mut server = subject.start(&options)?;
    let mut idle = subject.connect(&server)?;
    let mut stuck = subject.connect(&server)?;
    let request = Script::new().echo(4096).repeated(4000).request;
    let mut sent = 0;
    while sent < request.len() {
        match stuck.send_some(&request[sent..], Duration::from_millis(150))? {
            0 => break,
            n => sent += n,
        }
    }
    server.until("both are accepted", |now| now.conns_open == 2)?;
    let drained = server.drain()?;
    ensure!((drained.closed, drained.forced) == (1, 1), "1 closed and 1 forced were due: {drained:?}");
    ensure!(drained.elapsed_ms >= 300, "forced after {} ms, before --drain-timeout", drained.elapsed_ms);
    idle.expect_end()?;
    Ok(Proven::Holds)
}
