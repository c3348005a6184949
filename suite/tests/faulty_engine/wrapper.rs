//! Faults of the process: the sound variant in a child, and a parent that garbles what passes.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use harness::control::Event;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::fault::Fault;

/// Limits that are dropped from the command line.
const LIMITS: [&str; 6] =
    ["--max-conns", "--max-frame", "--idle-timeout", "--write-timeout", "--write-queue", "--drain-timeout"];

pub(crate) fn run(fault: Fault, args: &[String]) -> ExitCode {
    for signal in [SIGTERM, SIGINT] {
        // Caught, and not heeded.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false))).expect("signals can be caught");
    }
    let program = std::env::current_exe().expect("a program knows itself");
    let mut command = Command::new(program);
    command.args(arguments(fault, args)).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let stdin = child.stdin.take().expect("piped");
    thread::spawn(move || forward(fault, stdin));
    for line in BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok) {
        let line = if fault == Fault::Lies { garbled(&line) } else { line };
        // A closed stdout is the end of a parent that was killed.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    let status = child.wait().expect("the child is ours");
    ExitCode::from(if fault == Fault::Immortal { 1 } else { u8::from(!status.success()) * 2 })
}

/// The command line of the sound variant, without limits where that is the fault.
fn arguments(fault: Fault, args: &[String]) -> Vec<String> {
    let mut passed = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = args.next().cloned().unwrap_or_default();
        match arg.as_str() {
            "--variant" => passed.extend([arg.clone(), "sound".to_owned()]),
            limit if fault == Fault::NoLimits && LIMITS.contains(&limit) => {}
            _ => passed.extend([arg.clone(), value]),
        }
    }
    passed
}

/// Passes commands on; but what an immortal is told, and its end of input, are kept from the child.
fn forward(fault: Fault, mut child: ChildStdin) {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let known = ["snapshot", "drain"].contains(&line.as_str());
        let kept = match fault {
            Fault::Immortal => line == "drain",
            _ => fault == Fault::Lies && !known,
        };
        if !kept && writeln!(child, "{line}").is_err() {
            return;
        }
    }
    if fault == Fault::Immortal {
        std::mem::forget(child);
    }
}

fn garbled(line: &str) -> String {
    let Ok(mut event) = serde_json::from_str::<Event>(line) else { return line.to_owned() };
    match &mut event {
        Event::Ready(ready) => {
            ready.options.remove("readbuf");
            for value in ready.sockets.values_mut() {
                *value = "1".to_owned();
            }
        }
        Event::Snapshot(snapshot) => snapshot.frames_total += 1,
        Event::Drained(drained) => drained.closed += 1,
    }
    serde_json::to_string(&event).expect("events serialise")
}
