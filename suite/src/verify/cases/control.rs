//! What an engine says about itself: the ready line and the counters.

use anyhow::{Context as _, Result, ensure};
use harness::Address;
use harness::control::{Ready, Snapshot};
use protocol::ErrorCode;

use super::limits::wait_for;
use crate::verify::case::{Case, Proven, Scope};
use crate::verify::script::Script;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "ready-line",
        "the ready line is complete: who, where with the port, every option in effect",
        Scope::Stream,
        ready,
    ),
    Case::new(
        "options-in-effect",
        "options given are options in effect, as the kernel reads them back",
        Scope::Tcp,
        effect,
    ),
    Case::new("buffers-in-effect", "socket buffer sizes given are in effect on the listener", Scope::Stream, buffers),
    Case::new("snapshot-adds-up", "after a known script every counter has the known value", Scope::Stream, adds_up),
    Case::new(
        "unknown-command",
        "an unknown line on stdin is reported and changes nothing",
        Scope::Tcp,
        unknown_command,
    ),
];

const OPTIONS: [&str; 18] = [
    "addr",
    "workers",
    "acceptors",
    "backlog",
    "nodelay",
    "rcvbuf",
    "sndbuf",
    "readbuf",
    "write-queue",
    "idle-timeout",
    "write-timeout",
    "max-frame",
    "max-conns",
    "drain-timeout",
    "pool",
    "congestion",
    "cpus",
    "metrics-addr",
];

fn ready(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let ready = &server.ready;
    ensure!(ready.engine == subject.target.manifest.name, "engine is '{}'", ready.engine);
    ensure!(ready.variant == subject.variant.name, "variant is '{}'", ready.variant);
    ensure!(ready.version.starts_with(|digit: char| digit.is_ascii_digit()), "version is '{}'", ready.version);
    ensure!(ready.pid == server.process().0, "pid is {}, and the process is {}", ready.pid, server.process().0);
    ensure!(ready.workers == 2, "workers is {} with --workers 2", ready.workers);
    ensure!(ready.addrs.len() == 1, "one address became {:?}", ready.addrs);
    match &server.addr {
        Address::Tcp(addr) | Address::Udp(addr) => ensure!(addr.port() > 0, "the port of {addr} is not resolved"),
        Address::Unix(path) => ensure!(path.exists(), "{} does not exist", path.display()),
    }
    for option in OPTIONS {
        ensure!(ready.options.get(option).is_some_and(|value| !value.is_empty()), "option '{option}' is not reported");
    }
    for setting in subject.target.manifest.setting.keys() {
        ensure!(ready.options.contains_key(setting), "the engine's own option '{setting}' is not reported");
    }
    for option in ["rcvbuf", "sndbuf"] {
        let bytes: u64 = socket(ready, option)?.parse()?;
        ensure!(bytes > 0, "{option} reads back as 0");
    }
    Ok(Proven::Holds)
}

fn effect(subject: &Subject<'_>) -> Result<Proven> {
    // Option, value, socket option, what the kernel reads back.
    let asked = [
        ["--nodelay", "false", "nodelay", "false"],
        ["--nodelay", "true", "nodelay", "true"],
        ["--congestion", "reno", "congestion", "reno"],
        ["--backlog", "7", "backlog", "7"],
        ["--acceptors", "1", "reuseport", "false"],
        ["--acceptors", "2", "reuseport", "true"],
    ];
    for [option, value, socket_option, expected] in asked {
        let name = option.trim_start_matches("--");
        // What the framework refuses is tried in a case of its own.
        if subject.supports(name, value).is_err() {
            continue;
        }
        let server = subject.start(&[option, value])?;
        let effective = server.ready.options.get(name).with_context(|| format!("{option} is not reported"))?;
        ensure!(effective == value, "{option} {value} is reported as {effective}");
        let got = socket(&server.ready, socket_option)?;
        ensure!(got == expected, "{option} {value}: the socket's {socket_option} is {got}");
    }
    Ok(Proven::Holds)
}

fn buffers(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&["--rcvbuf", "40000", "--sndbuf", "50000"])?;
    for (option, asked) in [("rcvbuf", 40_000_u64), ("sndbuf", 50_000)] {
        // The kernel doubles what it is asked for.
        let got: u64 = socket(&server.ready, option)?.parse()?;
        ensure!(got == 2 * asked, "--{option} {asked} reads back as {got}");
    }
    let mut client = subject.connect(&server)?;
    client.exchange(&Script::mixed(70, 300, 3000))?;
    Ok(Proven::Holds)
}

fn socket<'a>(ready: &'a Ready, option: &str) -> Result<&'a str> {
    let key = format!("{} {option}", ready.addrs.first().context("no address")?);
    ready.sockets.get(&key).map(String::as_str).with_context(|| format!("'{key}' is not among the socket options"))
}

fn adds_up(subject: &Subject<'_>) -> Result<Proven> {
    const CONNECTIONS: u64 = 6;
    let mut server = subject.start(&[])?;
    let fresh = server.snapshot()?;
    ensure!(fresh.accept_total == 0 && fresh.frames_total == 0, "a fresh engine has counted: {fresh:?}");
    let mut clients = subject.connect_many(&server, CONNECTIONS as usize)?;
    let (mut frames, mut bytes_in, mut bytes_out) = (0, 0, 0);
    for (seed, client) in clients.iter_mut().enumerate() {
        let script = Script::mixed(seed as u64, 40, 700);
        client.exchange(&script)?;
        frames += script.frames;
        bytes_in += script.request.len() as u64;
        bytes_out += script.reply.len() as u64;
    }
    let bad = Script::new().echo(30).refused(&[0x77, 0, 0], ErrorCode::UnknownType);
    let mut client = subject.connect(&server)?;
    client.exchange(&bad)?;
    client.expect_end()?;
    frames += bad.frames;
    bytes_in += bad.request.len() as u64;
    bytes_out += bad.reply.len() as u64;
    // A reply may be here before it is counted there.
    let counted = |now: &Snapshot| now.conns_open == CONNECTIONS && now.bytes_out_total >= bytes_out;
    let now = server.until("the bad one is freed and all is counted", counted)?;
    ensure!(now.accept_total == CONNECTIONS + 1, "accept_total is {}, not {}", now.accept_total, CONNECTIONS + 1);
    ensure!(now.frames_total == frames, "frames_total is {}, not {frames}", now.frames_total);
    ensure!(now.bytes_in_total == bytes_in, "bytes_in_total is {}, not {bytes_in}", now.bytes_in_total);
    ensure!(now.bytes_out_total == bytes_out, "bytes_out_total is {}, not {bytes_out}", now.bytes_out_total);
    ensure!(now.protocol_errors_total == 1, "protocol_errors_total is {}, not 1", now.protocol_errors_total);
    let others = [now.rejected_total, now.timeouts_total, now.write_queue_drops_total, now.accept_errors_total];
    ensure!(others == [0; 4], "counted without a reason: {now:?}");
    let by_worker: u64 = now.conns_per_worker.iter().sum();
    ensure!(by_worker == now.conns_open, "conns_per_worker {:?} is not {CONNECTIONS} in all", now.conns_per_worker);
    ensure!(now.allocs_total > 0 && now.allocated_bytes > 0, "the allocator is not counted: {now:?}");
    Ok(Proven::Holds)
}

fn unknown_command(subject: &Subject<'_>) -> Result<Proven> {
    let mut server = subject.start(&[])?;
    server.command("snapshots please")?;
    server.command("")?;
    server.snapshot()?;
    subject.connect(&server)?.exchange(&Script::new().ping())?;
    server.drain()?;
    let named = || subject.stderr().contains("snapshots please");
    wait_for("stderr names the unknown command", subject.patience(), named)?;
    Ok(Proven::Holds)
}
