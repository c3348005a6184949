//! An engine for tests: a thread a connection, and faults on request. The fault is the variant's name:
//! `plain`, `dies` (under load), `hangs` (under load), `deaf` (never drains), `refuses` (to start), `garbage` (instead of JSON).

mod serve;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use harness::control::{Command, Drained, Event, Ready, Snapshot};

use serve::Counters;

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args().collect();
    let option = |name: &str| argv.iter().position(|arg| arg == name).and_then(|at| argv.get(at + 1)).cloned();
    let variant = option("--variant").unwrap_or_else(|| "plain".into());
    let address = option("--addr").unwrap_or_default();
    match variant.as_str() {
        "refuses" => {
            eprintln!("fake-engine: the kernel says no");
            return ExitCode::from(2);
        }
        "garbage" => {
            println!("this is no JSON");
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        _ => {}
    }
    let counters = Arc::new(Counters::default());
    if let Err(error) = serve::listen(&address, &variant, &counters) {
        eprintln!("fake-engine: {address}: {error}");
        return ExitCode::from(2);
    }
    say(&Event::Ready(Ready {
        engine: "fake".into(),
        variant: variant.clone(),
        version: "1.2.3".into(),
        addrs: vec![address],
        pid: std::process::id(),
        workers: 1,
        options: BTreeMap::new(),
        sockets: BTreeMap::new(),
    }));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match Command::parse(&line) {
            Some(Command::Snapshot) => say(&Event::Snapshot(snapshot(&counters))),
            Some(Command::Drain) if variant != "deaf" => {
                say(&Event::Drained(Drained::default()));
                return ExitCode::SUCCESS;
            }
            _ => {}
        }
    }
    if variant == "deaf" {
        // Not even the end of stdin ends it: only its parent's death does.
        std::thread::sleep(std::time::Duration::from_secs(600));
    }
    ExitCode::SUCCESS
}

fn say(event: &Event) {
    let line = serde_json::to_string(event).expect("events are plain data");
    println!("{line}");
    std::io::stdout().flush().expect("the suite listens");
}

fn snapshot(counters: &Counters) -> Snapshot {
    Snapshot {
        conns_open: counters.open.load(Ordering::Relaxed),
        frames_total: counters.frames.load(Ordering::Relaxed),
        ..Snapshot::default()
    }
}
