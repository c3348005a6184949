//! Connections that come and go: every one is accounted for, whatever the server does, and whoever closes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loadclient::report::{Churn, Report};

use crate::client::{refused, report};
use crate::server::{Script, Server};

const PACED: &str = "--mode churn --total-rate 200 --schedule fixed --warmup 0s --duration 1s";

fn churn(report: &Report) -> &Churn {
    report.churn.as_ref().expect("the mode has its section")
}

fn gates(report: &Report) -> Vec<&str> {
    report.gates.iter().map(|gate| gate.gate.as_str()).collect()
}

/// What is true of every churn on a schedule.
fn check_sums(report: &Report) {
    assert_eq!(report.frames_intended, report.frames_ok + report.frames_unsent + report.frames_unanswered);
    assert_eq!(report.response_ns.count, report.frames_ok);
    assert_eq!(report.response_ns.infinite, report.frames_unsent + report.frames_unanswered);
    assert_eq!(report.lag_ns.count + report.lag_ns.infinite, report.frames_intended);
    let churn = churn(report);
    assert_eq!(churn.opened_by_second.iter().sum::<u64>(), churn.conns_opened);
    assert_eq!(churn.closed_by_second.iter().sum::<u64>(), churn.conns_closed);
}

fn paced(server: &Server, options: &str, exit: i32) -> Report {
    let report = report(&format!("--target {} {PACED} --grace 5s {options}", server.target), exit);
    check_sums(&report);
    assert!(report.frames_intended.abs_diff(200) <= 1, "{}", report.frames_intended);
    report
}

#[test]
fn every_connection_is_opened_answered_and_closed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [tcp, unix] = [Server::tcp(Script::Echo), Server::unix(&folder.path().join("socket"), Script::Echo)];
    let cases = [
        (&tcp, "--close fin --payload 0", "client"),
        (&tcp, "--close rst --payload 65535", "none"),
        (&tcp, "--threads 3", "client"),
        (&unix, "--payload 65535", "none"),
    ];
    for (server, options, time_wait) in cases {
        let report = paced(server, &format!("{options} --verify"), 0);
        assert_eq!((report.frames_ok, report.frames_wrong), (report.frames_intended, 0), "{options}");
        assert!(report.errors.is_empty(), "{options}: {:?}", report.errors);
        let churn = churn(&report);
        assert_eq!((churn.time_wait.as_str(), churn.frames_per_conn), (time_wait, 1), "{options}");
        assert_eq!(report.connect_ns.count, report.frames_intended, "{options}");
        assert_eq!((churn.conns_failed, churn.conns_unclosed), (0, 0));
        // Of those begun at the very end some come up, and close, after the window.
        assert!(churn.conns_opened <= report.frames_intended && churn.conns_opened > 0);
        assert!(churn.conns_closed <= churn.conns_opened && churn.conns_closed > 0);
        assert_eq!(churn.close_ns.count, if churn.close == "rst" { 0 } else { churn.conns_closed });
    }
}

/// Ten frames one after the other, each answered after 2 ms: no exchange can be shorter than 20 ms.
#[test]
fn frames_of_an_exchange_go_one_after_the_other() {
    let server = Server::tcp(Script::Delay(Duration::from_millis(2)));
    let report = paced(&server, "--frames 10 --verify", 0);
    assert_eq!(report.frames_ok, report.frames_intended);
    assert_eq!(churn(&report).frames_per_conn, 10);
    assert!(report.service_ns.p50.expect("answered") >= 20_000_000, "{:?}", report.service_ns);
    assert!(report.response_ns.p50.expect("answered") >= 20_000_000, "{:?}", report.response_ns);
}

#[test]
fn as_fast_as_possible_keeps_its_number_and_counts_by_second() {
    let server = Server::tcp(Script::Echo);
    let line = "--mode churn --in-flight 4 --close rst --warmup 100ms --duration 1s";
    let report = report(&format!("--target {} {line}", server.target), 0);
    let churn = churn(&report);
    assert!(report.frames_ok > 0 && report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!((report.conns_asked, report.response_ns.count), (4, 0), "a closed loop has no intended times");
    assert_eq!(report.service_ns.count, report.frames_ok);
    assert_eq!(churn.conns_closed, report.frames_ok, "with a reset the last reply is the end");
    assert!(churn.conns_peak <= 4);
    assert_eq!(churn.opened_by_second.len(), 1);
}

/// A place is free again only when the server answers: what finds none waits, and its clock runs.
#[test]
fn a_full_house_delays_no_schedule() {
    let server = Server::tcp(Script::Delay(Duration::from_millis(100)));
    // 2 places × 10 a second × 2 s with the grace time, and two that were begun last: the others never find one.
    let report = report(&format!("--target {} {PACED} --conns 2 --grace 1s", server.target), 0);
    check_sums(&report);
    assert!(report.frames_ok <= 42 && report.frames_ok > 0, "{}", report.frames_ok);
    assert!(report.frames_unsent >= 200 - 42, "{}", report.frames_unsent);
    assert!(churn(&report).conns_peak <= 2);
    assert!(gates(&report).contains(&"lag") && gates(&report).contains(&"rate"), "{:?}", report.gates);
}

#[test]
fn what_goes_wrong_has_its_name_and_is_infinite() {
    let check = |script, options: &str, kind: &str, exit| {
        let server = Server::tcp(script);
        let report = paced(&server, &format!("--payload 32 {options}"), exit);
        assert_eq!(report.errors.get(kind), Some(&report.frames_intended), "{script:?}: {:?}", report.errors);
        assert_eq!((report.frames_ok, report.frames_unanswered), (0, report.frames_intended), "{script:?}");
        assert_eq!(report.response_ns.infinite, report.frames_intended);
        report
    };
    let wrong = check(Script::WrongByte(0), "--verify", "wrong_content", 1);
    assert_eq!(wrong.frames_wrong, wrong.frames_intended);
    assert!(gates(&wrong).contains(&"wrong_reply"));
    check(Script::WrongKind(0), "", "wrong_kind", 1);
    check(Script::Refuse, "", "refused_5", 1);
    let early = check(Script::Close(1), "--frames 2", "eof", 1);
    assert!(gates(&early).contains(&"errors"), "{:?}", early.gates);
}

/// A server that never ends its side: the exchange is good, the connection is counted as never closed.
#[test]
fn a_server_that_never_closes_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let addr = listener.local_addr().expect("it is bound");
    let kept = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&kept);
    std::thread::spawn(move || {
        let mut streams = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut frame = [0; 13];
            // The first connection only looks whether anybody is there.
            if stream.read_exact(&mut frame).is_ok() {
                stream.write_all(&frame).expect("the client reads");
                seen.fetch_add(1, Ordering::Relaxed);
                streams.push(stream);
            }
        }
    });
    let report = report(&format!("--target tcp://{addr} {PACED} --payload 10 --grace 500ms"), 0);
    assert_eq!(report.frames_ok, report.frames_intended);
    assert_eq!(report.errors.get("unclosed"), Some(&report.frames_ok), "{:?}", report.errors);
    assert_eq!(churn(&report).conns_unclosed, report.frames_ok);
    assert_eq!((churn(&report).conns_closed, kept.load(Ordering::Relaxed)), (0, report.frames_ok));
}

/// Eight source ports, each in TIME_WAIT for a second at the least after its connection: they run out, by name and
/// with the fix. Resets leave no TIME_WAIT, and the same eight ports serve thousands.
#[test]
fn ports_run_out_by_name() {
    let server = Server::tcp(Script::Echo);
    let base = format!("--target {} --mode churn --in-flight 2 --warmup 0s --duration 900ms", server.target);
    let range = "--ports 33000-33007";
    let probe = crate::client::run(&format!("{base} {range} --close rst"));
    if String::from_utf8_lossy(&probe.stderr).contains("IP_LOCAL_PORT_RANGE") {
        return refused(&format!("{base} {range}"), "Linux 6.3");
    }
    let resets = crate::client::parse(&probe, 0);
    assert!(resets.frames_ok > 8, "{}", resets.frames_ok);
    assert!(resets.errors.is_empty(), "{:?}", resets.errors);

    let report = report(&format!("{base} {range} --close fin"), 0);
    assert!(report.frames_ok <= 8, "{}: a port was used twice within a second", report.frames_ok);
    assert!(report.errors.get("connect_out_of_ports").is_some_and(|&count| count > 0), "{:?}", report.errors);
    let gate = report.gates.iter().find(|gate| gate.gate == "ports").expect("the gate has the fix");
    assert!(gate.detail.contains("--srcips") && gate.detail.contains("tcp_tw_reuse"), "{}", gate.detail);
    refused(&format!("{base} --ports 33000-33000"), "--srcips");
    refused(&format!("{base} --ports 1-2"), "ip_local_port_range");
}

#[test]
fn nobody_there_is_said_before_the_load() {
    let addr = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a loopback port is free");
    refused(&format!("--target tcp://{addr} {PACED}"), &format!("tcp://{addr}: refused"));
    refused(&format!("--target unix:///nonexistent/socket {PACED}"), "no such path");
}

#[test]
fn two_churning_clients_make_one_report() {
    let server = Server::tcp(Script::Echo);
    let [a, b] = [1, 2].map(|seed| paced(&server, &format!("--seed {seed}"), 0));
    let both = Report::merge(&[a.clone(), b.clone()]).expect("the same load");
    let [a, b, both] = [&a, &b, &both].map(churn);
    assert_eq!(both.conns_opened, a.conns_opened + b.conns_opened);
    assert_eq!(both.close_ns.count, a.close_ns.count + b.close_ns.count);
    assert_eq!(both.close_ns.max, a.close_ns.max.max(b.close_ns.max));
    assert_eq!(both.closed_by_second[0], a.closed_by_second[0] + b.closed_by_second[0]);
}
