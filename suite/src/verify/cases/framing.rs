//! Frames arrive whole, cut, glued together and in order.

use std::thread;

use anyhow::{Context as _, Result};

use crate::verify::case::{Case, Proven, Scope};
use crate::verify::client::Client;
use crate::verify::script::Script;
use crate::verify::server::Server;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new("ping", "PING is answered by PONG", Scope::Stream, ping),
    Case::new("echo", "ECHO brings back the same payload", Scope::Stream, echo),
    Case::new("echo-empty", "an ECHO without payload is answered", Scope::Stream, echo_empty),
    Case::new("sink", "SINK of any length is answered by ACK alone", Scope::Stream, sink),
    Case::new("longest-frames", "frames of 65 535 payload bytes pass, one by one and in a row", Scope::Stream, longest),
    Case::new(
        "byte-by-byte",
        "all frame types pass when every byte comes in a segment of its own",
        Scope::Stream,
        bytes,
    ),
    Case::new("ten-in-one-write", "10 frames in one write get 10 replies", Scope::Stream, ten),
    Case::new("thousand-in-one-write", "1 000 frames in one write get 1 000 replies", Scope::Stream, thousand),
    Case::new(
        "every-boundary",
        "a frame straddling the read buffer's end at every place decodes the same (--readbuf 64)",
        Scope::Stream,
        every_boundary,
    ),
    Case::new("odd-readbufs", "no read-buffer size changes what is answered", Scope::Stream, odd_readbufs),
    Case::new("random-cuts", "requests cut into random writes are answered the same", Scope::Stream, random_cuts),
    Case::new("order", "replies to 3 000 mixed frames in flight come in request order", Scope::Stream, order),
    Case::new("many-connections", "200 connections at a time each get their own replies", Scope::Stream, many),
    Case::new(
        "kept-buffers",
        "connections that keep their buffers answer the same (--pool false)",
        Scope::Stream,
        kept,
    ),
    Case::new("one-worker", "one worker serves many connections (--workers 1)", Scope::Stream, one_worker),
    Case::new("delayed-writes", "replies come without TCP_NODELAY too (--nodelay false)", Scope::Tcp, no_nodelay),
];

/// One script on a fresh connection of a fresh engine, then the half-close.
fn check(subject: &Subject<'_>, options: &[&str], script: &Script) -> Result<Proven> {
    let server = subject.start(options)?;
    let mut client = subject.connect(&server)?;
    client.exchange(script)?;
    client.finish()?;
    client.expect_end()?;
    Ok(Proven::Holds)
}

fn ping(subject: &Subject<'_>) -> Result<Proven> {
    check(subject, &[], &Script::new().ping())
}

fn echo(subject: &Subject<'_>) -> Result<Proven> {
    check(subject, &[], &Script::new().echo(1).echo(5).echo(64).echo(1500))
}

fn echo_empty(subject: &Subject<'_>) -> Result<Proven> {
    check(subject, &[], &Script::new().echo(0).echo(0).ping().echo(0))
}

fn sink(subject: &Subject<'_>) -> Result<Proven> {
    check(subject, &[], &Script::new().sink(0).sink(1).sink(1500).sink(u16::MAX))
}

fn longest(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let mut client = subject.connect(&server)?;
    client.exchange(&Script::new().echo(u16::MAX))?;
    client.exchange(&Script::seeded(1).echo(u16::MAX).repeated(20))?;
    client.exchange(&Script::seeded(2).sink(u16::MAX).echo(u16::MAX).echo(u16::MAX - 1))?;
    Ok(Proven::Holds)
}

fn bytes(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&[])?;
    let mut client = subject.connect(&server)?;
    let script = Script::new().ping().echo(5).sink(3).stream(7, 4).chunk(4).echo(0).chunk(3).ping();
    send_byte_by_byte(&mut server, &mut client, &script.request, 0)?;
    client.expect(&script.reply)?;
    client.finish()?;
    client.expect_end()?;
    Ok(Proven::Holds)
}

fn ten(subject: &Subject<'_>) -> Result<Proven> {
    check(subject, &[], &Script::mixed(10, 10, 80))
}

fn thousand(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let mut client = subject.connect(&server)?;
    // Small enough for the socket's buffers: the write is one, and so may the read be.
    for script in [Script::new().ping().repeated(1000), Script::mixed(11, 1000, 24)] {
        client.send(&script.request)?;
        client.expect(&script.reply)?;
    }
    client.exchange(&Script::mixed(12, 1000, 1000))?;
    Ok(Proven::Holds)
}

fn every_boundary(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&["--readbuf", "64"])?;
    let mut client = subject.connect(&server)?;
    for lead in 0..=134_u16 {
        for length in [0, 1, 60, 61, 62, 200] {
            let script = Script::seeded(u64::from(lead)).echo(lead).echo(length).ping();
            client.send(&script.request)?;
            client.expect(&script.reply).with_context(|| format!("ECHO of {length} bytes behind one of {lead}"))?;
        }
    }
    Ok(Proven::Holds)
}

fn odd_readbufs(subject: &Subject<'_>) -> Result<Proven> {
    for (seed, readbuf) in ["64", "65", "127", "1000", "65536", "1048576"].into_iter().enumerate() {
        check(subject, &["--readbuf", readbuf], &Script::mixed(20 + seed as u64, 400, 500))
            .with_context(|| format!("--readbuf {readbuf}"))?;
    }
    Ok(Proven::Holds)
}

fn random_cuts(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    for seed in 0..subject.long_or(40, 8) {
        let mut script = Script::mixed(100 + seed, 150, 150);
        let mut client = subject.connect(&server)?;
        let mut at = 0;
        while at < script.request.len() {
            let now = (1 + script.below(300) as usize).min(script.request.len() - at);
            client.send(&script.request[at..at + now])?;
            at += now;
        }
        client.finish()?;
        client.expect(&script.reply).with_context(|| format!("seed {seed}"))?;
        client.expect_end()?;
    }
    Ok(Proven::Holds)
}

fn order(subject: &Subject<'_>) -> Result<Proven> {
    check(subject, &[], &Script::mixed(30, 3000, 4000))
}

fn many(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    interleave(subject, &server, 200)
}

fn kept(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&["--pool", "false"])?;
    let mut client = subject.connect(&server)?;
    client.exchange(&Script::mixed(40, 500, 2000))?;
    client.exchange(&Script::new().echo(u16::MAX).repeated(5))?;
    interleave(subject, &server, 50)
}

fn one_worker(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&["--workers", "1"])?;
    interleave(subject, &server, 50)
}

fn no_nodelay(subject: &Subject<'_>) -> Result<Proven> {
    check(subject, &["--nodelay", "false"], &Script::mixed(50, 200, 200))
}

/// Each byte is sent when the server, which has read `read_before` bytes so far, has read the one before it.
pub(super) fn send_byte_by_byte(
    server: &mut Server,
    client: &mut Client,
    bytes: &[u8],
    read_before: u64,
) -> Result<()> {
    for (byte, due) in bytes.iter().zip(read_before + 1..) {
        client.send(&[*byte])?;
        server.until("a single byte is read", |now| now.bytes_in_total >= due)?;
    }
    Ok(())
}

/// All connections have requests in flight before the first reply is read; and then all at once.
fn interleave(subject: &Subject<'_>, server: &Server, count: usize) -> Result<Proven> {
    let mut clients = subject.connect_many(server, count)?;
    let scripts: Vec<Script> = (0..count as u64).map(|seed| Script::mixed(1000 + seed, 20, 100)).collect();
    for (client, script) in clients.iter_mut().zip(&scripts) {
        client.send(&script.request)?;
    }
    for (index, (client, script)) in clients.iter_mut().zip(&scripts).enumerate() {
        client.expect(&script.reply).with_context(|| format!("connection {index}"))?;
    }
    const THREADS: usize = 4;
    let share = count.div_ceil(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = clients
            .chunks_mut(share)
            .zip(scripts.chunks(share))
            .map(|(clients, scripts)| {
                scope.spawn(move || {
                    clients.iter_mut().zip(scripts).try_for_each(|(client, script)| client.exchange(script))
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a client does not panic"))
    })?;
    Ok(Proven::Holds)
}
