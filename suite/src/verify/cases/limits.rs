//! Limits on time and number.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use protocol::ErrorCode;

use crate::verify::case::{Case, Proven, Scope};
use crate::verify::client::{Client, until};
use crate::verify::script::Script;
use crate::verify::server::Server;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "idle-timeout",
        "a connection without a complete frame is closed and counted, one with frames is not",
        Scope::Stream,
        idle_timeout,
    ),
    Case::new("no-idle-timeout", "without --idle-timeout an idle connection stays", Scope::Stream, no_idle_timeout),
    Case::new(
        "max-conns",
        "the connection beyond --max-conns gets ERROR 5, is closed and counted; a place that is freed is given again",
        Scope::Stream,
        max_conns,
    ),
    Case::new(
        "max-conns-flood",
        "300 refused connections cost the served ones nothing",
        Scope::Stream,
        max_conns_flood,
    ),
];

fn idle_timeout(subject: &Subject<'_>) -> Result<Proven> {
    const IDLE: usize = 5;
    let mut server = subject.start(&["--idle-timeout", "400ms"])?;
    let mut active = subject.connect(&server)?;
    let mut never_used = subject.connect_many(&server, IDLE)?;
    let mut used_once = subject.connect_many(&server, IDLE)?;
    for client in &mut used_once {
        client.exchange(&Script::new().ping())?;
    }
    let deadline = Instant::now() + subject.patience();
    while server.snapshot()?.timeouts_total < 2 * IDLE as u64 {
        ensure!(Instant::now() < deadline, "idle connections are not closed: {:?}", server.snapshot()?);
        active.exchange(&Script::new().ping())?;
        std::thread::sleep(Duration::from_millis(20));
    }
    for client in never_used.iter_mut().chain(&mut used_once) {
        client.expect_closed()?;
    }
    active.exchange(&Script::new().echo(10))?;
    let now = server.until("only the active one is open", |now| now.conns_open == 1)?;
    ensure!(now.timeouts_total == 2 * IDLE as u64, "timeouts_total is {}, not {}", now.timeouts_total, 2 * IDLE);
    ensure!(now.protocol_errors_total == 0, "a timeout was counted as the peer's error");
    Ok(Proven::Holds)
}

fn no_idle_timeout(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--write-timeout", "100ms"])?;
    let mut client = subject.connect(&server)?;
    // Longer than the other deadline, and than any tick.
    std::thread::sleep(Duration::from_millis(400));
    client.exchange(&Script::new().ping())?;
    let now = server.snapshot()?;
    ensure!((now.timeouts_total, now.write_queue_drops_total) == (0, 0), "counted without a reason: {now:?}");
    Ok(Proven::Holds)
}

fn max_conns(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&["--max-conns", "3"])?;
    let mut served = serve(subject, &server, 3)?;
    refused(&mut subject.connect(&server)?)?;
    for client in &mut served {
        client.exchange(&Script::new().echo(100))?;
    }
    let now = server.snapshot()?;
    ensure!((now.rejected_total, now.conns_open) == (1, 3), "rejected_total 1 and conns_open 3 were due: {now:?}");
    served.pop();
    server.until("the place is free", |now| now.conns_open == 2)?;
    served.extend(serve(subject, &server, 1)?);
    refused(&mut subject.connect(&server)?)?;
    Ok(Proven::Holds)
}

fn max_conns_flood(subject: &Subject<'_>) -> Result<Proven> {
    const FLOOD: u64 = 300;
    let mut server = subject.start(&["--max-conns", "5"])?;
    let mut served = serve(subject, &server, 5)?;
    let mut flood = Vec::new();
    for seed in 0..FLOOD {
        let mut client = subject.connect(&server)?;
        // What a client sends before it knows must not turn the refusal into a reset.
        let _ = client.send(&Script::seeded(seed).echo(50).request);
        flood.push(client);
        served[seed as usize % 5].exchange(&Script::seeded(seed).echo(200))?;
    }
    server.until("all are refused", |now| now.rejected_total == FLOOD && now.conns_open == 5)?;
    for client in &mut flood {
        let mut frame = [0; 4];
        // Bytes that arrive after the refusal may reset the connection before the ERROR is read.
        if let Ok(4) = client.receive_some(&mut frame) {
            ensure!(frame == ErrorCode::AtCapacity.frame(), "another answer than ERROR 5: {frame:02x?}");
        }
    }
    Ok(Proven::Holds)
}

fn serve(subject: &Subject<'_>, server: &Server, count: usize) -> Result<Vec<Client>> {
    let mut served = subject.connect_many(server, count)?;
    for client in &mut served {
        client.exchange(&Script::new().ping())?;
    }
    Ok(served)
}

fn refused(client: &mut Client) -> Result<()> {
    client.expect(&ErrorCode::AtCapacity.frame())?;
    client.expect_end()
}

/// Asks `probe` until it says yes.
pub(super) fn wait_for(what: &str, patience: Duration, mut probe: impl FnMut() -> bool) -> Result<()> {
    until(what, patience, || Ok(probe()), |yes| *yes, |_| "not yet".to_owned()).map(drop)
}
