//! The ways in which an engine is told to end.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::Address;
use harness::control::Event;
use rustix::process::Signal;

use super::limits::wait_for;
use crate::verify::case::{Case, Proven, Scope};
use crate::verify::process::Process;
use crate::verify::script::Script;
use crate::verify::server::{Server, events};
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[
    Case::new("sigterm", "SIGTERM drains: replies, the drained line, exit code 0", Scope::Tcp, sigterm),
    Case::new("sigint", "SIGINT drains: replies, the drained line, exit code 0", Scope::Tcp, sigint),
    Case::new("stdin-end", "the end of stdin drains: the parent is gone", Scope::Tcp, stdin_end),
    Case::new("parent-killed", "an engine whose parent is killed by SIGKILL ends by itself", Scope::Tcp, parent_killed),
    Case::new(
        "all-transports",
        "one process serves all its transports at a time, and drains them",
        Scope::Tcp,
        together,
    ),
];

fn sigterm(subject: &Subject<'_>) -> Result<Proven> {
    ends(subject, |server| server.process().signal(Signal::TERM))
}

fn sigint(subject: &Subject<'_>) -> Result<Proven> {
    ends(subject, |server| server.process().signal(Signal::INT))
}

fn stdin_end(subject: &Subject<'_>) -> Result<Proven> {
    ends(subject, |server| {
        server.close_stdin();
        Ok(())
    })
}

fn ends(subject: &Subject<'_>, how: fn(&mut Server) -> Result<()>) -> Result<Proven> {
    let mut server = subject.start(&["--drain-timeout", "60s"])?;
    let script = Script::mixed(3, 50, 300);
    let mut clients = subject.connect_many(&server, 5)?;
    for client in &mut clients {
        client.send(&script.request)?;
    }
    how(&mut server)?;
    let drained = server.drained()?;
    ensure!((drained.closed, drained.forced) == (5, 0), "5 closed and 0 forced were due: {drained:?}");
    for client in &mut clients {
        client.expect(&script.reply)?;
        client.expect_end()?;
    }
    Ok(Proven::Holds)
}

/// The engine's parent is a shell. Only the shell holds the writing end of the engine's stdin.
fn parent_killed(subject: &Subject<'_>) -> Result<Proven> {
    const PARENT: &str = "exec 3<&0; \"$@\" <&3 3<&- 1>&2 2>/dev/null & wait";
    let engine = subject.command(&[subject.address()], &[]);
    let mut parent = {
        // The command holds both ends of the pipe, and must be gone before the shell is.
        let (reader, writer) = std::io::pipe()?;
        let mut command = Command::new("sh");
        command.args(["-c", PARENT, "sh"]).arg(engine.get_program()).args(engine.get_args());
        command.stdin(reader).stdout(writer).stderr(Stdio::piped()).spawn().context("failed to start sh")?
    };
    let events = events(parent.stderr.take().expect("piped"));
    let ready = events.recv_timeout(subject.patience());
    let killed = parent.kill();
    parent.wait()?;
    killed?;
    let Ok(Ok(Event::Ready(ready))) = ready else { bail!("no ready line: {ready:?}") };
    let orphan = Process(ready.pid);
    let ended = wait_for("the orphan ends", subject.patience(), || !orphan.is_alive());
    if ended.is_err() {
        // It is ours: its ready line came over our pipe, and it still runs.
        let _ = orphan.signal(Signal::KILL);
    }
    ended?;
    match events.recv_timeout(Duration::from_secs(1)) {
        Ok(Ok(Event::Drained(_))) => Ok(Proven::Holds),
        other => bail!("it ended without draining: {other:?}"),
    }
}

fn together(subject: &Subject<'_>) -> Result<Proven> {
    let mut addrs = vec![subject.address()];
    let served = subject.target.manifest.transports(subject.variant);
    if served.iter().any(|name| name == "unix") {
        addrs.push(subject.address_of("unix"));
    }
    if served.iter().any(|name| name == "udp") {
        addrs.push("udp://127.0.0.1:0".to_owned());
    }
    addrs.push(subject.address());
    let server = subject.start_on(&addrs, &[])?;
    ensure!(server.ready.addrs.len() == addrs.len(), "{addrs:?} became {:?}", server.ready.addrs);
    let mut clients = Vec::new();
    for addr in &server.ready.addrs {
        let addr: Address = addr.parse()?;
        if addr.transport() != "udp" {
            let mut client = subject.connect_to(&addr)?;
            client.exchange(&Script::mixed(1, 20, 200)).with_context(|| addr.to_string())?;
            clients.push(client);
        }
    }
    let drained = server.drain()?;
    let expected = clients.len() as u64;
    ensure!((drained.closed, drained.forced) == (expected, 0), "{expected} closed, 0 forced were due: {drained:?}");
    for client in &mut clients {
        client.expect_end()?;
    }
    Ok(Proven::Holds)
}
