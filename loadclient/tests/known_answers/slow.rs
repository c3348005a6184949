//! Slow readers: the rate is kept, and what the server does about it is told apart.

use std::io::Read;
use std::net::TcpListener;
use std::thread;

use loadclient::report::{Report, SlowReader};

use crate::client::report;
use crate::server::{Script, Server};

fn slow(report: &Report) -> &SlowReader {
    report.slow_reader.as_ref().expect("the mode has its section")
}

/// 4 connections at 10 replies of 1 003 bytes a second, of which they read 5 015 bytes: half. The window is 2 s, and 1 s of
/// grace follows.
const LINE: &str = "--mode slow-reader --conns 4 --rate 10 --schedule fixed --payload 1000 --read-rate 5015 \
                    --warmup 0s --duration 2s --grace 1s --verify";

#[test]
fn the_rate_is_kept_and_the_rest_is_the_backlog() {
    let server = Server::tcp(Script::Echo);
    let report = report(&format!("--target {} {LINE}", server.target), 0);
    let section = slow(&report);
    // Three seconds at the rate are the most; a client that was kept from running reads less, and never makes up for it.
    assert!(section.bytes_read <= 4 * 3 * 5015, "{section:?}");
    assert!(section.bytes_read > 0 && report.frames_ok > 0);
    assert_eq!((section.conns_dropped, section.first_drop_ns, report.conns_live), (0, None, 4));
    // All was asked for, nothing is lost: what is owed as the window ends is what was not read by then.
    assert!(report.frames_intended.abs_diff(80) <= 1, "{}", report.frames_intended);
    assert_eq!(report.frames_unsent, 0);
    let asked = report.frames_intended * 1003;
    assert!(section.backlog_bytes >= asked - 4 * 2 * 5015 - 4 * 101, "{section:?}");
    assert!(section.backlog_bytes <= asked, "{section:?}");
    let parts = section.backlog_received_bytes + section.backlog_unsent_bytes + section.backlog_server_bytes;
    assert_eq!(parts, section.backlog_bytes);
    // This server answers at once: the backlog lies in the client's own receive buffers, but for what is on the way.
    assert!(section.backlog_received_bytes >= section.backlog_bytes / 2, "{section:?}");
    assert_eq!((section.read_rate_bytes_per_s, report.errors.len()), (5015, 0));
    assert!(report.gates.iter().all(|gate| gate.gate != "rate" && gate.gate != "live"), "{:?}", report.gates);
}

#[test]
fn a_server_that_gives_up_is_seen_at_once() {
    let server = Server::tcp(Script::Close(5));
    let report = report(&format!("--target {} {LINE} --rcvbuf 8192", server.target), 0);
    let section = slow(&report);
    assert_eq!((section.conns_dropped, report.conns_live, section.rcvbuf_bytes), (4, 0, 2 * 8192));
    // It closes in answer to the sixth frame, which is due after half a second, or later if the host is busy.
    assert!(section.first_drop_ns.is_some_and(|ns| ns >= 500_000_000), "{section:?}");
    assert_eq!(report.errors.values().sum::<u64>(), 4, "{:?}", report.errors);
    assert_eq!(section.backlog_bytes, 0, "nobody is left to be owed anything");
    assert!(report.frames_unsent > 0, "what was due on a dropped connection is not forgotten");
}

#[test]
fn wrong_bytes_are_found_at_any_pace() {
    let server = Server::tcp(Script::WrongByte(0));
    let report = report(&format!("--target {} {LINE}", server.target), 0);
    assert_eq!((report.frames_ok, report.frames_wrong), (0, 4));
    assert_eq!(report.errors.get("wrong_content"), Some(&4), "{:?}", report.errors);
    assert!(report.gates.iter().any(|gate| gate.gate == "wrong_reply"));
}

/// A server that reads nothing: the backlog is the client's unsent bytes and what waits in the server's buffers.
#[test]
fn a_stuck_server_is_told_from_a_slow_client() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let addr = listener.local_addr().expect("it is bound");
    let holder = thread::spawn(move || {
        let mut stream = listener.incoming().next().expect("one comes").expect("accepted");
        // The client's end releases it: every byte of it is then there to be read.
        let mut all = Vec::new();
        thread::sleep(std::time::Duration::from_millis(1500));
        let _ = stream.read_to_end(&mut all);
        all.len()
    });
    let line = format!(
        "--target tcp://{addr} --mode slow-reader --conns 1 --rate 400 --schedule fixed --payload 65535 --read-rate 1000 \
         --rcvbuf 8192 --warmup 0s --duration 1s --grace 100ms"
    );
    let report = report(&line, 0);
    let section = slow(&report);
    assert_eq!((section.bytes_read, section.backlog_received_bytes, report.frames_ok), (0, 0, 0));
    assert_eq!(section.rcvbuf_bytes, 2 * 8192, "the kernel doubles it, and it is read back");
    assert!(section.backlog_unsent_bytes > 0 && section.frames_held_back > 0, "{section:?}");
    assert!(section.backlog_server_bytes > 0);
    assert!(holder.join().expect("the server reads to the end") > 0);
}

#[test]
fn two_slow_clients_make_one_report() {
    let server = Server::tcp(Script::Echo);
    let [a, b] = [1, 2].map(|seed| {
        report(
            &format!("--target {} {} --seed {seed}", server.target, LINE.replace("--duration 2s", "--duration 300ms")),
            0,
        )
    });
    let both = Report::merge(&[a.clone(), b.clone()]).expect("the same load");
    assert_eq!(slow(&both).bytes_read, slow(&a).bytes_read + slow(&b).bytes_read);
    assert_eq!(slow(&both).backlog_bytes, slow(&a).backlog_bytes + slow(&b).backlog_bytes);
}
