//! What a client can do wrong: the code, after the replies to what preceded it, and then the close.

use anyhow::{Context as _, Result, ensure};
use protocol::{ErrorCode, Kind};

use super::framing::send_byte_by_byte;
use crate::verify::case::{Case, Proven, Scope};
use crate::verify::script::{Script, header};
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new("error-1", "an unknown type, or a reply's type, is ERROR 1", Scope::Stream, unknown_type),
    Case::new("error-2", "a frame over --max-frame is ERROR 2, on its header alone", Scope::Stream, too_large),
    Case::new(
        "error-3",
        "a CHUNK without, beyond or after its STREAM, too long, or empty, is ERROR 3",
        Scope::Stream,
        chunk,
    ),
    Case::new("error-4", "a bad STREAM header, or a STREAM while one is open, is ERROR 4", Scope::Stream, bad_stream),
    Case::new("error-6", "a PING with a payload is ERROR 6, on its header alone", Scope::Stream, ping_payload),
    Case::new("error-is-last", "nothing that follows an error is answered", Scope::Stream, is_last),
    Case::new("error-byte-by-byte", "an error is found however its header is cut", Scope::Stream, cut),
    Case::new("error-stays-alone", "an error ends its own connection only, and each is counted", Scope::Stream, alone),
];

/// Each of the scripts on a connection of its own: replies, ERROR, close; and all of them are counted.
fn check(subject: &Subject<'_>, options: &[&str], scripts: Vec<(&str, Script)>) -> Result<Proven> {
    let mut server = subject.start(options)?;
    let expected = scripts.len() as u64;
    for (what, script) in scripts {
        let mut client = subject.connect(&server)?;
        client.send(&script.request).and_then(|()| client.expect(&script.reply)).with_context(|| what.to_owned())?;
        client.expect_end().with_context(|| what.to_owned())?;
    }
    let counted = server.until("all are closed", |now| now.conns_open == 0)?.protocol_errors_total;
    ensure!(counted == expected, "protocol_errors_total is {counted} after {expected} errors");
    Ok(Proven::Holds)
}

/// Replies to all types come first.
fn before() -> Script {
    Script::new().ping().echo(300).sink(5).stream(5, 5).chunk(5).echo(0)
}

fn unknown_type(subject: &Subject<'_>) -> Result<Proven> {
    let types = [0x00, 0x06, 0x7F, 0x80, 0x81, 0x82, 0x83, 0x84, 0xFE, 0xFF];
    let refused = |kind: u8, length: u8| before().refused(&[kind, 0, length], ErrorCode::UnknownType);
    let mut scripts: Vec<_> = types.into_iter().map(|kind| ("a type byte of no request", refused(kind, 0))).collect();
    scripts.push(("an unknown type whose payload never comes", refused(0x06, 9)));
    check(subject, &[], scripts)
}

fn too_large(subject: &Subject<'_>) -> Result<Proven> {
    let over = |kind| before().refused(&header(kind, 1001), ErrorCode::FrameTooLarge);
    let scripts = vec![
        ("ECHO of max + 1", over(Kind::Echo)),
        ("SINK of max + 1", over(Kind::Sink)),
        (
            "CHUNK of max + 1",
            Script::new().stream(9000, 2000).refused(&header(Kind::Chunk, 1001), ErrorCode::FrameTooLarge),
        ),
        ("the longest header", before().refused(&header(Kind::Echo, u16::MAX), ErrorCode::FrameTooLarge)),
        ("max, then max + 1", Script::new().echo(1000).refused(&header(Kind::Echo, 1001), ErrorCode::FrameTooLarge)),
    ];
    check(subject, &["--max-frame", "1000"], scripts)
}

fn chunk(subject: &Subject<'_>) -> Result<Proven> {
    let code = ErrorCode::UnexpectedChunk;
    let scripts = vec![
        ("without a stream", before().refused(&[0x05, 0, 1], code)),
        ("after the last", Script::new().stream(4, 4).chunk(4).refused(&[0x05, 0, 1], code)),
        ("longer than announced", Script::new().stream(100, 4).chunk(4).refused(&[0x05, 0, 5], code)),
        ("beyond the total", Script::new().stream(6, 4).chunk(4).refused(&[0x05, 0, 3], code)),
        ("empty", Script::new().stream(6, 4).refused(&[0x05, 0, 0], code)),
        ("empty, without a stream", before().refused(&[0x05, 0, 0], code)),
    ];
    check(subject, &[], scripts)
}

fn bad_stream(subject: &Subject<'_>) -> Result<Proven> {
    let code = ErrorCode::BadStream;
    let scripts = vec![
        ("too short", before().refused(&[0x04, 0, 9], code)),
        ("too long", before().refused(&[0x04, 0, 11], code)),
        ("empty", before().refused(&[0x04, 0, 0], code)),
        ("a total of 0", before().refused(&[0x04, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], code)),
        ("chunks of 0", before().refused(&[0x04, 0, 10, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0], code)),
        ("while one is open", Script::new().stream(9, 9).ping().refused(&[0x04, 0, 10], code)),
    ];
    check(subject, &[], scripts)
}

fn ping_payload(subject: &Subject<'_>) -> Result<Proven> {
    let code = ErrorCode::PingWithPayload;
    let scripts = vec![
        ("its payload never comes", before().refused(&[0x01, 0, 1], code)),
        ("its payload came", before().refused(&[0x01, 0, 2, 7, 7], code)),
    ];
    check(subject, &[], scripts)
}

fn is_last(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let later = Script::mixed(5, 50, 200);
    let script = before().refused(&[0x09, 0, 0], ErrorCode::UnknownType).unanswered(&later.request);
    let mut client = subject.connect(&server)?;
    client.send(&script.request)?;
    client.expect(&script.reply)?;
    client.expect_closed()?;
    Ok(Proven::Holds)
}

fn cut(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--max-frame", "500"])?;
    let mut read = 0;
    for (request, code) in [
        ([0x09, 0, 0], ErrorCode::UnknownType),
        ([0x02, 0xFF, 0xFF], ErrorCode::FrameTooLarge),
        ([0x01, 0x00, 0x01], ErrorCode::PingWithPayload),
    ] {
        let script = Script::new().ping().echo(4).refused(&request, code);
        let mut client = subject.connect(&server)?;
        send_byte_by_byte(&mut server, &mut client, &script.request, read)?;
        read += script.request.len() as u64;
        client.expect(&script.reply)?;
        client.expect_end()?;
    }
    Ok(Proven::Holds)
}

fn alone(subject: &Subject<'_>) -> Result<Proven> {
    const BAD: u64 = 50;
    let mut server = subject.start(&[])?;
    let mut healthy = subject.connect_many(&server, 10)?;
    for round in 0..BAD {
        let mut client = subject.connect(&server)?;
        let script = Script::new().ping().refused(&[0x42, 0, 0], ErrorCode::UnknownType);
        client.exchange(&script)?;
        client.expect_end()?;
        healthy[round as usize % 10].exchange(&Script::mixed(round, 10, 100))?;
    }
    let now = server.until("only the healthy are open", |now| now.conns_open == 10)?;
    ensure!(now.protocol_errors_total == BAD, "protocol_errors_total is {}, not {BAD}", now.protocol_errors_total);
    Ok(Proven::Holds)
}
