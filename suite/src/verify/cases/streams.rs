//! STREAM announces, CHUNK delivers, and the server keeps none of it.

use std::thread;

use anyhow::{Result, ensure};
use protocol::Kind;

use crate::verify::case::{Case, Proven, Scope};
use crate::verify::script::{Script, header};
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new("stream", "a STREAM and each of its CHUNKs get ACK, and another may follow", Scope::Stream, stream),
    Case::new(
        "stream-interleaved",
        "frames of other types between the chunks are answered in order",
        Scope::Stream,
        interleaved,
    ),
    Case::new(
        "stream-small-chunks",
        "chunks may be shorter than announced, down to a byte",
        Scope::Stream,
        small_chunks,
    ),
    Case::new(
        "stream-bulk",
        "a bulk STREAM (64 MiB; long set: 1 GiB) passes and the server's peak RSS stays flat",
        Scope::Stream,
        bulk,
    ),
];

fn stream(subject: &Subject<'_>) -> Result<Proven> {
    let script = Script::new().stream(10, 6).chunk(6).chunk(4).stream(1, u16::MAX).chunk(1).ping();
    let server = subject.start(&[])?;
    let mut client = subject.connect(&server)?;
    client.exchange(&script)?;
    client.finish()?;
    client.expect_end()?;
    Ok(Proven::Holds)
}

fn interleaved(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let mut client = subject.connect(&server)?;
    client.exchange(&Script::new().stream(12, 5).ping().chunk(5).echo(20).chunk(5).sink(9).echo(0).chunk(2).ping())?;
    Ok(Proven::Holds)
}

fn small_chunks(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let mut client = subject.connect(&server)?;
    let mut script = Script::new().stream(300, 100).chunk(100).chunk(1).chunk(99);
    for _ in 0..100 {
        script = script.chunk(1);
    }
    client.exchange(&script)?;
    Ok(Proven::Holds)
}

fn bulk(subject: &Subject<'_>) -> Result<Proven> {
    const CHUNK: u16 = 32_768;
    const ACK: [u8; 3] = header(Kind::Ack, 0);
    /// Far above what buffers of a few connections take, far below the stream.
    const GROWTH_MAX_BYTES: u64 = 16 << 20;
    let chunks = subject.long_or(1 << 15, 1 << 11);
    let mut server = subject.start(&[])?;
    let mut client = subject.connect(&server)?;
    client.exchange(&Script::new().stream(u64::from(CHUNK), CHUNK).chunk(CHUNK).echo(1000))?;
    let before = server.process().rss_peak_bytes()?;
    client.exchange(&Script::new().stream(u64::from(CHUNK) * chunks, CHUNK))?;
    let chunk = Script::new().chunk(CHUNK).request;
    let mut writer = client.try_clone()?;
    thread::scope(|scope| {
        let sent = scope.spawn(move || (0..chunks).try_for_each(|_| writer.send(&chunk)));
        let received = (0..chunks).try_for_each(|_| client.expect(&ACK));
        received.and(sent.join().expect("sending does not panic"))
    })?;
    client.exchange(&Script::new().ping())?;
    let growth = server.process().rss_peak_bytes()?.saturating_sub(before);
    ensure!(growth < GROWTH_MAX_BYTES, "peak RSS grew by {} KiB", growth >> 10);
    let total = u64::from(CHUNK) * chunks;
    let snapshot = server.snapshot()?;
    ensure!(snapshot.bytes_in_total > total, "bytes_in_total is {} after {total} bytes", snapshot.bytes_in_total);
    Ok(Proven::Holds)
}
