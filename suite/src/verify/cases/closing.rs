//! The ways in which a peer goes.

use anyhow::{Context as _, Result, ensure};

use crate::verify::case::{Case, Proven, Scope};
use crate::verify::script::Script;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new("close", "a close between frames is no error, and frees the connection", Scope::Stream, close),
    Case::new("half-close", "replies that are pending at the half-close still come", Scope::Stream, half_close),
    Case::new(
        "half-close-bulk",
        "so do replies for more than the sockets hold, read only afterwards",
        Scope::Stream,
        half_close_bulk,
    ),
    Case::new(
        "end-in-header",
        "the end inside a header is the peer's error: counted, closed",
        Scope::Stream,
        in_header,
    ),
    Case::new("end-in-frame", "the end inside a payload is the peer's error: counted, closed", Scope::Stream, in_frame),
    Case::new(
        "end-in-stream",
        "the end inside a stream is the peer's error: counted, closed",
        Scope::Stream,
        in_stream,
    ),
    Case::new(
        "reset-in-frame",
        "a connection reset inside a frame is freed, others go on",
        Scope::Stream,
        reset_in_frame,
    ),
    Case::new(
        "reset-with-replies",
        "a connection reset while replies wait is freed, others go on",
        Scope::Stream,
        reset_with_replies,
    ),
];

fn close(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&[])?;
    for seed in 0..20 {
        let mut client = subject.connect(&server)?;
        client.exchange(&Script::mixed(seed, 5, 50))?;
    }
    drop(subject.connect_many(&server, 20)?);
    let now = server.until("all are freed", |now| now.accept_total == 40 && now.conns_open == 0)?;
    ensure!(now.protocol_errors_total == 0, "{} protocol errors after orderly closes", now.protocol_errors_total);
    Ok(Proven::Holds)
}

fn half_close(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&[])?;
    for seed in 0..20 {
        let mut client = subject.connect(&server)?;
        let script = Script::mixed(seed, 100, 500);
        client.send(&script.request)?;
        client.finish()?;
        client.expect(&script.reply)?;
        client.expect_end()?;
    }
    let now = server.until("all are freed", |now| now.conns_open == 0)?;
    ensure!(now.protocol_errors_total == 0, "{} protocol errors after half-closes", now.protocol_errors_total);
    Ok(Proven::Holds)
}

fn half_close_bulk(subject: &Subject<'_>) -> Result<Proven> {
    // Small socket buffers: replies must wait in the server when the end of input comes.
    let server = subject.start(&["--sndbuf", "8192", "--write-queue", "65536"])?;
    let mut client = subject.connect(&server)?;
    let script = Script::mixed(7, 2000, 4000);
    let mut writer = client.try_clone()?;
    std::thread::scope(|scope| {
        let sent = scope.spawn(|| writer.send(&script.request).and_then(|()| writer.finish()));
        let received = client.expect(&script.reply);
        received.and(sent.join().expect("sending does not panic"))
    })?;
    client.expect_end()?;
    Ok(Proven::Holds)
}

fn in_header(subject: &Subject<'_>) -> Result<Proven> {
    truncated(subject, &[&[0x02], &[0x02, 0x00], &[0xEE, 0x00]], Script::new)
}

fn in_frame(subject: &Subject<'_>) -> Result<Proven> {
    let mut long = vec![0x02, 0x80, 0x00];
    long.resize(20_000, 7);
    truncated(subject, &[&[0x02, 0, 5], &[0x02, 0, 5, 1, 2, 3, 4], &[0x03, 0xFF, 0xFF, 1], &long], Script::new)
}

fn in_stream(subject: &Subject<'_>) -> Result<Proven> {
    truncated(subject, &[&[], &[0x05, 0], &[0x05, 0, 5, 1]], || Script::new().stream(20, 5).chunk(5).echo(9))
}

/// Whole frames, then `rest` and the end: replies to the frames, no ERROR, a close, and a count.
fn truncated(subject: &Subject<'_>, rests: &[&[u8]], open: fn() -> Script) -> Result<Proven> {
    let mut server = subject.start(&[])?;
    for rest in rests {
        let script = open().ping().echo(100);
        let mut client = subject.connect(&server)?;
        client.send(&script.request)?;
        client.send(rest)?;
        client.finish()?;
        client.expect(&script.reply)?;
        client.expect_end().with_context(|| format!("{} bytes of a frame, then the end", rest.len()))?;
    }
    let expected = rests.len() as u64;
    let counted = server.until("all are freed", |now| now.conns_open == 0)?.protocol_errors_total;
    ensure!(counted == expected, "protocol_errors_total is {counted} after {expected} truncations");
    Ok(Proven::Holds)
}

fn reset_in_frame(subject: &Subject<'_>) -> Result<Proven> {
    reset(subject, |seed| {
        let mut request = Script::mixed(seed, 5, 50).request;
        request.extend_from_slice(&[0x02, 0x10, 0x00, 1, 2, 3]);
        request
    })
}

fn reset_with_replies(subject: &Subject<'_>) -> Result<Proven> {
    reset(subject, |seed| Script::seeded(seed).echo(20_000).request)
}

fn reset(subject: &Subject<'_>, request: fn(u64) -> Vec<u8>) -> Result<Proven> {
    const RESETS: u64 = 50;
    let mut server = subject.start(&[])?;
    let mut other = subject.connect(&server)?;
    for seed in 0..RESETS {
        let mut client = subject.connect(&server)?;
        client.send(&request(seed))?;
        client.reset()?;
        other.exchange(&Script::mixed(seed, 5, 50))?;
    }
    server.until("the reset connections are freed", |now| now.accept_total == RESETS + 1 && now.conns_open == 1)?;
    other.exchange(&Script::mixed(99, 20, 50))?;
    Ok(Proven::Holds)
}
