//! UDP: one datagram is one frame, and there is nothing to remember.

use std::thread;

use anyhow::{Context as _, Result, ensure};
use protocol::{ErrorCode, Kind};

use crate::verify::case::{Case, Proven, Scope};
use crate::verify::datagram::DatagramClient;
use crate::verify::script::{Script, header};
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new("udp-frames", "PING, ECHO and SINK in a datagram each get their reply in one", Scope::Datagram, frames),
    Case::new("udp-largest", "the largest datagram of IPv4 is echoed", Scope::Datagram, largest),
    Case::new("udp-errors", "each error is answered with its code, and counted", Scope::Datagram, errors),
    Case::new("udp-junk", "what is no whole frame is not answered, and harms nobody", Scope::Datagram, junk),
    Case::new("udp-no-state", "no datagram changes what another gets: there are no streams", Scope::Datagram, no_state),
    Case::new("udp-many", "20 peers at a time each get their own replies", Scope::Datagram, many),
    Case::new("udp-drain", "a drain ends the process with exit code 0", Scope::Datagram, drain),
];

fn frames(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let client = DatagramClient::connect(&server, subject.patience())?;
    for script in [
        Script::new().ping(),
        Script::new().echo(0),
        Script::new().echo(5),
        Script::new().echo(1400),
        Script::new().sink(0),
        Script::new().sink(1400),
    ] {
        client.exchange(&script.request, &script.reply)?;
    }
    client.expect_nothing()?;
    Ok(Proven::Holds)
}

fn largest(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let client = DatagramClient::connect(&server, subject.patience())?;
    let script = Script::new().echo(65_507 - 3);
    client.exchange(&script.request, &script.reply)?;
    Ok(Proven::Holds)
}

fn errors(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--max-frame", "1000"])?;
    let client = DatagramClient::connect(&server, subject.patience())?;
    let bad: [(&[u8], ErrorCode); 7] = [
        (&[0x09, 0, 0], ErrorCode::UnknownType),
        (&[0x81, 0, 0], ErrorCode::UnknownType),
        (&header(Kind::Echo, 1001), ErrorCode::FrameTooLarge),
        (&[0x05, 0, 1, 7], ErrorCode::UnexpectedChunk),
        (&[0x04, 0, 10, 0, 0, 0, 0, 0, 0, 0, 9, 0, 9], ErrorCode::BadStream),
        (&[0x04, 0, 3], ErrorCode::BadStream),
        (&[0x01, 0, 1, 7], ErrorCode::PingWithPayload),
    ];
    for (datagram, code) in bad {
        client.exchange(datagram, &code.frame()).with_context(|| format!("{datagram:02x?}"))?;
    }
    client.exchange(&Script::new().ping().request, &Script::new().ping().reply)?;
    let now = server.snapshot()?;
    ensure!(now.protocol_errors_total == 7, "protocol_errors_total is {}, not 7", now.protocol_errors_total);
    ensure!(now.frames_total == 1, "frames_total is {}, not 1", now.frames_total);
    Ok(Proven::Holds)
}

fn junk(subject: &Subject<'_>) -> Result<Proven> {
    // One worker and one socket: what was sent first is handled first.
    let mut server = subject.start(&["--workers", "1", "--acceptors", "1"])?;
    let client = DatagramClient::connect(&server, subject.patience())?;
    let ping = Script::new().ping();
    let junk: [&[u8]; 6] = [&[], &[0x01], &[0x02, 0], &[0x02, 0, 5, 1, 2], &[0x02, 0, 1, 1, 2, 3], &[0xFF, 0, 1, 1]];
    for datagram in junk {
        client.send(datagram)?;
        client.exchange(&ping.request, &ping.reply).with_context(|| format!("after {datagram:02x?}"))?;
        client.expect_nothing().with_context(|| format!("after {datagram:02x?}"))?;
    }
    let errors = server.snapshot()?.protocol_errors_total;
    ensure!(errors == 6, "protocol_errors_total is {errors} after 6 datagrams that are no frame");
    Ok(Proven::Holds)
}

fn no_state(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let client = DatagramClient::connect(&server, subject.patience())?;
    let stream = Script::new().stream(10, 10).request;
    let chunk = Script::new().chunk(5).request;
    for _ in 0..3 {
        client.exchange(&stream, &ErrorCode::BadStream.frame())?;
        client.exchange(&chunk, &ErrorCode::UnexpectedChunk.frame())?;
        client.exchange(&Script::new().echo(9).request, &Script::new().echo(9).reply)?;
    }
    Ok(Proven::Holds)
}

fn many(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    thread::scope(|scope| {
        let peers: Vec<_> = (0..20)
            .map(|seed| {
                let server = &server;
                let client = DatagramClient::connect(server, subject.patience());
                scope.spawn(move || -> Result<()> {
                    let client = client?;
                    let mut script = Script::seeded(seed);
                    for _ in 0..50 {
                        let length = 1 + script.below(500) as u16;
                        let echo = Script::seeded(seed).echo(length);
                        client.exchange(&echo.request, &echo.reply)?;
                    }
                    Ok(())
                })
            })
            .collect();
        peers.into_iter().try_for_each(|peer| peer.join().expect("a peer does not panic"))
    })?;
    Ok(Proven::Holds)
}

fn drain(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let client = DatagramClient::connect(&server, subject.patience())?;
    client.exchange(&Script::new().ping().request, &Script::new().ping().reply)?;
    let drained = server.drain()?;
    ensure!((drained.closed, drained.forced) == (0, 0), "there are no connections: {drained:?}");
    Ok(Proven::Holds)
}
