//! UDP: what is lost is unanswered, what comes in another order is not wrong, and nothing is sent again.

use std::net::UdpSocket;

use loadclient::report::Report;
use loadclient::tally::Latencies;

use crate::client;
use crate::server::{DatagramScript, Server};

fn run(script: DatagramScript, options: &str) -> Report {
    let server = Server::udp(script);
    client::report(&format!("--target {} --warmup 0s --grace 2s --verify {options}", server.target), 0)
}

const OPEN: &str = "--conns 4 --total-rate 1000 --schedule fixed --duration 1s --timeout 1m";

#[test]
fn a_correct_echo_is_answered_in_full() {
    // With two datagrams on their way at most, a socket's buffer takes them however long its reader is kept waiting.
    for payload in [0, 1, 64, 1400, 60_000] {
        let line = format!("--conns 2 --rate 100 --in-flight 1 --duration 400ms --timeout 1m --payload {payload}");
        let report = run(DatagramScript::Echo, &line);
        assert_eq!((report.frames_ok, report.frames_wrong), (report.frames_intended, 0), "{payload}");
        assert!(report.errors.is_empty(), "{payload}: {:?}", report.errors);
        assert_eq!((report.conns_answered, report.frames_per_write), (2, 1.0), "{payload}");
    }
}

#[test]
fn loss_is_infinite_and_exact() {
    let report = run(DatagramScript::DropEvery(20), OPEN);
    // Every frame was written once: were one sent again, the server's count of twenties would shift.
    assert_eq!(report.frames_unanswered, report.frames_intended / 20);
    assert_eq!(report.frames_ok, report.frames_intended - report.frames_unanswered);
    assert_eq!(report.response_ns.infinite, report.frames_unanswered);
    assert!(report.response_ns.p90.is_some() && report.response_ns.p99.is_none(), "{:?}", report.response_ns);
    assert!(report.errors.is_empty(), "{:?}", report.errors);
}

/// One of a thousand: p99 stands, p99.9 is the last finite one or among the lost, and what is beyond is infinite.
#[test]
fn one_of_a_thousand_is_lost() {
    let report =
        run(DatagramScript::DropEvery(1000), "--conns 4 --total-rate 3000 --schedule fixed --duration 1s --timeout 1m");
    // The connections' first use is counted by the server too: the thousands may fall elsewhere, but are as many.
    let lost = report.frames_intended / 1000;
    assert!(report.frames_unanswered.abs_diff(lost) <= 1 && report.frames_unanswered > 0, "{report:?}");
    assert_eq!(report.frames_ok, report.frames_intended - report.frames_unanswered);
    assert_eq!(report.response_ns.infinite, report.frames_unanswered);
    assert!(report.response_ns.p99.is_some() && report.response_ns.max.is_none(), "{:?}", report.response_ns);
    let response = Latencies::decode(&report.hdr.response, report.frames_unanswered).expect("the client encoded it");
    let finite = 1.0 - report.frames_unanswered as f64 / report.frames_intended as f64;
    assert!(response.quantile(finite).is_some() && response.quantile(finite + 1e-4).is_none());
}

#[test]
fn another_order_is_no_error() {
    let report = run(DatagramScript::SwapPairs, &format!("{OPEN} --payload 1000"));
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    // An odd one may be left without its pair.
    assert!(report.frames_unanswered <= 1, "{}", report.frames_unanswered);
}

#[test]
fn a_second_reply_is_found() {
    let report = run(DatagramScript::TwiceEvery(100), OPEN);
    assert_eq!(report.frames_ok, report.frames_intended);
    // The very last may still lie in the socket.
    let found = report.errors.get("late_or_repeated").copied().unwrap_or(0);
    assert!(found.abs_diff(report.frames_intended / 100) <= 1, "{found}");
}

#[test]
fn wrong_content_is_found_and_answers_nothing() {
    let report = run(DatagramScript::WrongEvery(10), OPEN);
    assert_eq!(report.frames_wrong, report.frames_intended / 10);
    assert_eq!(report.errors.get("wrong_content"), Some(&report.frames_wrong));
    assert_eq!(report.frames_unanswered, report.frames_wrong);
    assert_eq!(report.conns_live, 4, "a datagram says nothing about the next");
}

#[test]
fn a_lost_datagram_does_not_stop_a_closed_loop() {
    let report =
        run(DatagramScript::DropEvery(3), "--conns 2 --mode saturate --in-flight 2 --duration 1s --timeout 20ms");
    // Four slots lose one in three, and each loss costs its slot 25 ms at most before the next look: forty rounds
    // a second and slot are the least, of which two in three are answered.
    assert!(report.frames_ok > 20, "{}", report.frames_ok);
    assert!(report.frames_unanswered > 20, "{}", report.frames_unanswered);
    // On a busy host a reply may come after its time; nothing else may go wrong.
    assert!(report.errors.keys().all(|kind| kind == "late_or_repeated"), "{:?}", report.errors);
}

#[test]
fn nobody_there_is_a_refusal_on_every_socket() {
    let addr = UdpSocket::bind("127.0.0.1:0").and_then(|s| s.local_addr()).expect("a loopback port is free");
    let line = format!("--target udp://{addr} --conns 2 --total-rate 100 --warmup 0s --duration 500ms --grace 100ms");
    let report = client::report(&line, 1);
    assert_eq!((report.conns_live, report.frames_ok), (0, 0));
    assert_eq!(report.errors.get("refused"), Some(&2), "{:?}", report.errors);
}
