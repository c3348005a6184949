//! Refusals, exit codes, events, and the end of the parent.

use std::net::TcpListener;

use loadclient::report::{Event, Report};

use crate::client::{Talk, refused, report};
use crate::server::{Script, Server};

#[test]
fn what_cannot_be_is_refused_before_anything_is_opened() {
    let tcp = "--target tcp://127.0.0.1:9";
    refused(&format!("{tcp} --conns 10 --rate 0"), "above 0");
    refused(&format!("{tcp} --conns 0 --rate 1"), "--conns");
    refused(&format!("{tcp} --conns 1 --rate 1 --payload 70000"), "70000");
    refused(&format!("{tcp} --conns 1"), "--total-rate");
    refused("--target 127.0.0.1:9 --conns 1 --rate 1", "tcp://ADDRESS:PORT");
    refused(&format!("{tcp} --conns 1 --rate 1 --congestion nonesuch"), "nonesuch");
    refused(&format!("{tcp} --conns 1 --rate 1 --cpus 1023"), "CPU 1023");
    refused(&format!("{tcp} --bogus"), "--bogus");
}

#[test]
fn a_limit_that_is_too_low_comes_with_its_fix() {
    let line = "--target tcp://127.0.0.1:9 --conns 200 --rate 1";
    let script = format!("ulimit -n 100 && exec {} {line}", env!("CARGO_BIN_EXE_loadclient"));
    let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("the hard limit is 100") && stderr.contains("ulimit -Hn 219"), "{stderr}");
}

#[test]
fn an_unreachable_target_is_named() {
    // Bound, and closed again: nobody listens there now.
    let addr = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a loopback port is free");
    refused(&format!("--target tcp://{addr} --conns 100 --total-rate 10"), &format!("tcp://{addr}: refused"));
    refused("--target unix:///nonexistent/socket --conns 1 --rate 1", "unix:///nonexistent/socket: no such path");
}

#[test]
fn one_dead_target_among_several_is_named() {
    let server = Server::tcp(Script::Echo);
    let dead = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a loopback port is free");
    let line = format!("--target {} --target tcp://{dead} --conns 10 --total-rate 10", server.target);
    refused(&line, &dead.to_string());
}

#[test]
fn connections_go_round_robin_over_targets_threads_and_sources() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let unix = Server::unix(&folder.path().join("socket"), Script::Echo);
    let tcp = Server::tcp(Script::Echo);
    let line = format!(
        "--target {} --target {} --conns 7 --threads 3 --total-rate 500 --warmup 0s --duration 500ms --active-frac 0.5",
        tcp.target, unix.target
    );
    let report = report(&line, 0);
    assert_eq!((report.conns_live, report.conns_active, report.conns_answered), (7, 4, 4));
    assert_eq!((report.threads, report.frames_ok), (3, report.frames_intended));
    let line = format!(
        "--target {} --conns 5 --srcips 127.0.0.2-127.0.0.4 --total-rate 100 --warmup 0s --duration 200ms",
        tcp.target
    );
    assert_eq!(crate::client::report(&line, 0).conns_live, 5);
}

/// std gives listeners a backlog of 128: of 200 connections some find the queue full until the server accepts.
#[test]
fn a_full_accept_queue_is_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("the path is free");
    let line = format!("--target unix://{} --conns 200 --mode hold --warmup 0s --duration 50ms", path.display());
    let report = std::thread::scope(|scope| {
        let client = scope.spawn(|| report(&line, 0));
        std::thread::sleep(std::time::Duration::from_millis(200));
        let accepted: Vec<_> = listener.incoming().take(200).collect();
        let report = client.join().expect("the client's checks hold");
        drop(accepted);
        report
    });
    assert_eq!((report.conns_live, report.connect_ns.count), (200, 200));
    assert!(report.errors.is_empty(), "{:?}", report.errors);
}

/// The same over TCP, with nobody who ever accepts: what the kernel's queue does not take is given up in time.
#[test]
fn a_connection_that_does_not_come_up_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let addr = listener.local_addr().expect("it is bound");
    let line =
        format!("--target tcp://{addr} --conns 200 --mode hold --connect-timeout 300ms --warmup 0s --duration 50ms");
    let report = report(&line, 0);
    let timeouts = report.errors.get("connect_timeout").copied().unwrap_or(0);
    assert!(timeouts > 0 && report.conns_live > 0, "{:?}", report.errors);
    assert_eq!(report.conns_live + timeouts, 200);
    assert_eq!(report.connect_ns.count, report.conns_live);
    assert!(report.gates.iter().any(|gate| gate.gate == "live"), "{:?}", report.gates);
}

#[test]
fn two_clients_make_one_report() {
    let server = Server::tcp(Script::Echo);
    let part = |seed: u32| {
        let line = format!("--target {} --conns 3 --total-rate 400 --warmup 0s --duration 500ms", server.target);
        report(&format!("{line} --seed {seed}"), 0)
    };
    let (a, b) = (part(1), part(2));
    let both = Report::merge(&[a.clone(), b.clone()]).expect("the same load");
    assert_eq!((both.processes, both.conns_live), (2, 6));
    assert_eq!(both.frames_ok, a.frames_ok + b.frames_ok);
    assert_eq!(both.response_ns.count, both.frames_ok);
    // The median of all lies between the medians of the parts, and the largest is the larger.
    let (low, high) = (a.response_ns.p50.min(b.response_ns.p50), a.response_ns.p50.max(b.response_ns.p50));
    assert!((low..=high).contains(&both.response_ns.p50), "{low:?} {:?} {high:?}", both.response_ns.p50);
    assert_eq!(both.response_ns.max, a.response_ns.max.max(b.response_ns.max));
}

#[test]
fn held_connections_beat() {
    let server = Server::tcp(Script::Echo);
    // Uniform phases: in one period each connection beats exactly once.
    let line = format!(
        "--target {} --conns 20 --mode hold --heartbeat 500ms --warmup 0s --duration 500ms --payload 0",
        server.target
    );
    let beating = report(&line, 0);
    assert_eq!((beating.frames_intended, beating.frames_ok, beating.conns_answered), (20, 20, 20));
    let line = format!("--target {} --conns 20 --mode hold --warmup 0s --duration 100ms", server.target);
    let silent = report(&line, 0);
    assert_eq!((silent.frames_intended, silent.conns_live), (0, 20));
    assert!(silent.gates.iter().all(|gate| gate.gate != "live"), "{:?}", silent.gates);
}

/// One connection in ten beats, twice in the window; the others are held, unused, and watched all the same.
#[test]
fn a_share_of_the_held_connections_beats() {
    let line = "--conns 200 --mode hold --active-frac 0.1 --heartbeat 500ms --warmup 0s --duration 1s --verify";
    let server = Server::tcp(Script::Echo);
    let beating = report(&format!("--target {} {line}", server.target), 0);
    assert_eq!((beating.conns_live, beating.conns_active, beating.conns_answered), (200, 20, 20));
    assert_eq!((beating.frames_intended, beating.frames_ok), (40, 40));
    // Each active connection is closed at its second frame: the idle ones stay, and the gate says who is missing.
    let server = Server::tcp(Script::Close(1));
    let closing = report(&format!("--target {} {line}", server.target), 0);
    assert_eq!((closing.conns_live, closing.errors.get("eof")), (180, Some(&20)), "{:?}", closing.errors);
    assert!(closing.gates.iter().any(|gate| gate.gate == "live"), "{:?}", closing.gates);
}

#[test]
fn a_parent_hears_of_every_step() {
    let server = Server::tcp(Script::Echo);
    let mut talk = Talk::begin(&format!(
        "--target {} --conns 3 --total-rate 300 --warmup 50ms --duration 300ms --hold --linger",
        server.target
    ));
    let pid = talk.child.id();
    assert!(
        matches!(talk.hear(), Event::Connected { pid: p, conns_asked: 3, conns_live: 3 } if p == pid),
        "connected comes first"
    );
    talk.say("go");
    assert!(matches!(talk.hear(), Event::Measuring { conns_live: 3, .. }));
    assert!(matches!(talk.hear(), Event::Measured { .. }));
    talk.say("done");
    // With its last word said, the parent may hang up: the report comes all the same.
    drop(talk.stdin.take());
    let Event::Report(report) = talk.hear() else { panic!("the report comes last") };
    assert_eq!(report.frames_ok, report.frames_intended);
    assert_eq!(talk.exit_code(), Some(0));
}

/// Connections linger after the grace time; replies that come then were counted as unanswered, and harm nobody.
#[test]
fn replies_after_the_grace_time_are_late_and_no_more() {
    let server = Server::tcp(Script::Delay(std::time::Duration::from_millis(600)));
    let mut talk = Talk::begin(&format!(
        "--target {} --conns 4 --total-rate 200 --warmup 0s --duration 100ms --grace 1ms --connect-rate 10000 --linger",
        server.target
    ));
    assert!(matches!(talk.hear(), Event::Measuring { .. }));
    assert!(matches!(talk.hear(), Event::Measured { .. }));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    talk.say("done");
    let Event::Report(report) = talk.hear() else { panic!("the report comes last") };
    assert!(report.frames_sent > 0 && report.frames_unanswered == report.frames_sent, "{report:?}");
    assert_eq!((report.conns_live, report.frames_wrong), (4, 0));
    assert_eq!(talk.exit_code(), Some(0));
}

#[test]
fn the_end_of_stdin_ends_the_client_in_every_phase() {
    let server = Server::tcp(Script::Echo);
    let base = format!("--target {} --conns 2 --total-rate 100 --warmup 1m --duration 1m --hold", server.target);
    // While connecting: a ramp that would take a quarter of an hour.
    let mut talk = Talk::begin(&format!("{base} --conns 1000 --connect-rate 1").replacen("--conns 2 ", "", 1));
    drop(talk.stdin.take());
    assert_eq!(talk.exit_code(), Some(1));
    // While held.
    let mut talk = Talk::begin(&base);
    assert!(matches!(talk.hear(), Event::Connected { .. }));
    drop(talk.stdin.take());
    assert_eq!(talk.exit_code(), Some(1));
    // Under load.
    let mut talk = Talk::begin(&base);
    assert!(matches!(talk.hear(), Event::Connected { .. }));
    talk.say("go");
    drop(talk.stdin.take());
    assert_eq!(talk.exit_code(), Some(1));
}

/// The slope of private memory over the connections: what one more idle connection costs its client.
#[test]
fn an_idle_connection_costs_its_client_little() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    // The kernel completes connections that nobody accepts, up to the backlog: no server has to hold them.
    let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("/proc is mounted");
    let backlog: u32 = somaxconn.trim().parse::<u32>().expect("a number").min(4096);
    let [few, many] = [backlog / 8, backlog * 7 / 8];
    let private_bytes = |conns: u32| -> u64 {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("TCP is there");
        bind(&listener, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).expect("a loopback port is free");
        listen(&listener, backlog as i32).expect("it is bound");
        let addr = std::net::SocketAddr::try_from(getsockname(&listener).expect("it is bound")).expect("IPv4");
        let mut talk = Talk::begin(&format!("--target tcp://{addr} --conns {conns} --mode hold --hold"));
        assert!(matches!(talk.hear(), Event::Connected { conns_live, .. } if conns_live == u64::from(conns)));
        let rollup = format!("/proc/{}/smaps_rollup", talk.child.id());
        let rollup = std::fs::read_to_string(rollup).expect("the client lives");
        let line = rollup.lines().find(|line| line.starts_with("Anonymous:")).expect("the kernel reports it");
        let kib: u64 = line.split_whitespace().nth(1).and_then(|field| field.parse().ok()).expect("a number of kB");
        kib * 1024
    };
    let slope = (private_bytes(many) as f64 - private_bytes(few) as f64) / f64::from(many - few);
    assert!(slope <= 128.0, "{slope:.0} bytes a connection");
}
