//! Latencies, losses and wrong replies: nothing is forgiven, nothing overlooked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use loadclient::report::{Event, Report};

use crate::client::{Talk, report};
use crate::server::{Script, Server};

const SHORT: &str = "--warmup 200ms --duration 1s --grace 3s";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn ns(ms: u64) -> u64 {
    ms * 1_000_000
}

fn gates(report: &Report) -> Vec<&str> {
    report.gates.iter().map(|gate| gate.gate.as_str()).collect()
}

/// What is true of every open report, whatever the server did.
fn check_sums(report: &Report) {
    assert_eq!(report.frames_intended, report.frames_ok + report.frames_unsent + report.frames_unanswered);
    assert_eq!(report.frames_sent, report.frames_intended - report.frames_unsent);
    assert_eq!(report.response_ns.count, report.frames_ok);
    assert_eq!(report.response_ns.infinite, report.frames_unsent + report.frames_unanswered);
    assert_eq!(report.service_ns.count, report.frames_ok);
    assert_eq!(report.lag_ns.count + report.lag_ns.infinite, report.frames_intended);
}

/// Runs an open load against a server with this script.
fn open(script: Script, options: &str, exit: i32) -> Report {
    let server = Server::tcp(script);
    let report = report(&format!("--target {} {SHORT} {options}", server.target), exit);
    check_sums(&report);
    report
}

#[test]
fn a_correct_echo_is_answered_in_full() {
    let report = open(Script::Echo, "--conns 8 --total-rate 2000 --schedule fixed --payload 100 --verify", 0);
    assert_eq!((report.conns_asked, report.conns_live, report.conns_active, report.conns_answered), (8, 8, 8, 8));
    // A fixed schedule has exactly rate × time frames in the window, give or take the one at its edge.
    assert!(report.frames_intended.abs_diff(2000) <= 1, "{}", report.frames_intended);
    assert_eq!((report.frames_ok, report.frames_wrong), (report.frames_intended, 0));
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    assert_eq!(report.connect_ns.count, 8);
    assert!(report.cpu_ns > 0 && report.frames_per_write >= 1.0);
    let max = |q: loadclient::report::Quantiles| q.max.expect("all were answered");
    // Each response is its lag and its service; at three digits a sum of two may be off by two of a thousand.
    assert!(max(report.response_ns) as f64 >= 0.998 * max(report.service_ns) as f64);
    assert!(max(report.response_ns) as f64 <= 1.002 * (max(report.service_ns) + max(report.lag_ns)) as f64);
}

#[test]
fn every_payload_size_travels_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for server in [Server::tcp(Script::Echo), Server::unix(&folder.path().join("socket"), Script::Echo)] {
        for payload in [0, 1, 7, 8, 9, 4096, 65535] {
            let line = format!(
                "--target {} --conns 3 --total-rate 500 --payload {payload} --verify --warmup 50ms --duration 300ms",
                server.target
            );
            let report = report(&line, 0);
            check_sums(&report);
            assert_eq!((report.frames_ok, report.frames_wrong), (report.frames_intended, 0), "{payload}");
            assert!(report.errors.is_empty(), "{payload}: {:?}", report.errors);
        }
    }
}

#[test]
fn a_fixed_delay_is_in_every_service_time() {
    let report = open(Script::Delay(ms(1)), "--conns 4 --total-rate 400", 0);
    assert_eq!(report.frames_ok, report.frames_intended);
    // The least sample bounds the mean, and the median, from below.
    assert!(report.service_ns.p50.expect("answered") >= 1_000_000);
    assert!(report.service_ns.mean.expect("answered") >= 1_000_000.0);
    assert!(report.response_ns.p50.expect("answered") >= 1_000_000);
}

#[test]
fn a_stall_is_charged_to_every_frame_that_was_due_in_it() {
    let server = Server::tcp(Script::Stall { period: ms(1000), stall: ms(200) });
    let line = format!(
        "--target {} --conns 2 --total-rate 1000 --schedule fixed --warmup 1s --duration 3s --grace 2s",
        server.target
    );
    let report = report(&line, 0);
    check_sums(&report);
    assert_eq!(report.frames_ok, report.frames_intended, "a stall loses nothing");
    // Of each second 200 ms are stalled, so 20 % of the frames wait, evenly, up to 200 ms: the share that waits longer
    // than t is (200 ms − t) ÷ 1 s. So p99 is 190 ms and p90 100 ms, plus what the host adds, which has no bound.
    assert!(report.response_ns.p99.expect("answered") >= ns(190) * 98 / 100, "{:?}", report.response_ns);
    assert!(report.response_ns.p90.expect("answered") >= ns(100) * 98 / 100, "{:?}", report.response_ns);
    // The client wrote them all on time as far as it could: the stall is none of its lag.
    assert_eq!(report.lag_ns.count, report.frames_intended);
}

/// A server that stands still for 1.4 s at 2 000 requests a second: a client that waited for replies
/// would have sent next to nothing meanwhile, and seen one slow reply per connection.
#[test]
fn a_long_stand_still_is_seen_by_all_who_were_due() {
    let server = Server::tcp(Script::Stall { period: ms(3000), stall: ms(1400) });
    let line = format!(
        "--target {} --conns 4 --total-rate 2000 --schedule fixed --warmup 0s --duration 3s --grace 3s",
        server.target
    );
    let report = report(&line, 0);
    check_sums(&report);
    assert_eq!((report.frames_ok, report.frames_unsent), (report.frames_intended, 0));
    // (1.4 s − t) ÷ 3 s wait longer than t: p90 is 1.1 s and p99 1.37 s at the least.
    assert!(report.response_ns.p90.expect("answered") >= ns(1100) * 98 / 100, "{:?}", report.response_ns);
    assert!(report.response_ns.p99.expect("answered") >= ns(1370) * 98 / 100, "{:?}", report.response_ns);
    assert!(report.frames_intended.abs_diff(6000) <= 1);
}

#[test]
fn swallowed_requests_are_infinite() {
    // 2 connections × 50 answered of 2 × 100, after one each before the window: half of the samples never come.
    let server = Server::tcp(Script::AnswerOnly(51));
    let line = format!(
        "--target {} --conns 2 --total-rate 200 --schedule fixed --warmup 0s --duration 1s --grace 1s",
        server.target
    );
    let report = report(&line, 0);
    check_sums(&report);
    assert_eq!(report.frames_ok, 100);
    assert_eq!(report.frames_unanswered, report.frames_intended - 100);
    assert!(report.frames_unanswered >= 99);
    assert_eq!((report.response_ns.p90, report.response_ns.p99, report.response_ns.max), (None, None, None));
    assert_eq!(report.service_ns.p99, None);
    assert!(gates(&report).contains(&"rate"), "{:?}", report.gates);
}

#[test]
fn wrong_replies_are_found_and_end_their_connection() {
    let check = |script, verify: &str, kind: &str| {
        // The other connection goes the same way: at the end nobody is left, and the exit code says so.
        let report = open(script, &format!("--conns 2 --total-rate 500 --payload 32 {verify}"), 1);
        assert_eq!(report.errors.get(kind), Some(&2), "{script:?}: {:?}", report.errors);
        assert_eq!((report.frames_wrong, report.conns_live), (2, 0), "{script:?}");
        assert!(gates(&report).contains(&"wrong_reply"), "{script:?}: {:?}", report.gates);
        assert!(gates(&report).contains(&"live"), "{script:?}");
    };
    check(Script::WrongByte(20), "--verify", "wrong_content");
    check(Script::Swap(20), "", "wrong_sequence");
    check(Script::WrongKind(20), "", "wrong_kind");
    // The second copy takes the place of the next reply, or comes to no request at all.
    let report = open(Script::Twice(20), "--conns 2 --total-rate 500 --payload 32", 1);
    let found = |kind: &str| report.errors.get(kind).copied().unwrap_or(0);
    assert_eq!(found("wrong_sequence") + found("wrong_unsolicited"), 2, "{:?}", report.errors);
}

/// TCP loses nothing, so a missing reply is a server's fault: found by the sequence number of the next one. Nothing that
/// was asked on that connection from there on counts as answered.
#[test]
fn a_dropped_reply_is_found_at_the_next() {
    let server = Server::tcp(Script::Drop(1000));
    let line = format!(
        "--target {} --conns 1 --total-rate 2000 --schedule fixed --payload 32 --warmup 0s --duration 1s --grace 1s",
        server.target
    );
    let report = report(&line, 1);
    check_sums(&report);
    assert_eq!(report.errors.get("wrong_sequence"), Some(&1), "{:?}", report.errors);
    // The first use of the connection comes before the window; 999 more were answered before the thousandth was not.
    assert_eq!((report.frames_ok, report.frames_wrong), (999, 1));
    assert_eq!(report.response_ns.infinite, report.frames_intended - 999);
    assert_eq!((report.response_ns.p90, report.response_ns.max), (None, None), "{:?}", report.response_ns);
    assert!(gates(&report).contains(&"wrong_reply") && gates(&report).contains(&"live"), "{:?}", report.gates);
}

#[test]
fn without_verify_only_the_content_goes_unseen() {
    let report = open(Script::WrongByte(0), "--conns 2 --total-rate 200 --payload 32", 0);
    assert_eq!((report.frames_ok, report.frames_wrong), (report.frames_intended, 0));
}

#[test]
fn a_refusal_and_an_end_are_errors_by_name() {
    let report = open(Script::Refuse, "--conns 2 --total-rate 100", 1);
    assert_eq!(report.errors.get("refused_5"), Some(&2), "{:?}", report.errors);
    assert_eq!(report.frames_unsent, report.frames_intended);
    assert_eq!(report.lag_ns.infinite, report.frames_intended);

    let report = open(Script::Close(10), "--conns 2 --total-rate 100", 1);
    let ended = ["eof", "reset", "broken_pipe"].iter().filter_map(|kind| report.errors.get(*kind)).sum::<u64>();
    assert_eq!(ended, 2, "{:?}", report.errors);
    assert_eq!(report.conns_live, 0);
    assert!(gates(&report).contains(&"errors"));
}

#[test]
fn a_full_queue_fails_the_trial() {
    let report = open(Script::AnswerOnly(0), "--conns 1 --total-rate 1000 --queue 10", 1);
    assert!(gates(&report).contains(&"overflow"), "{:?}", report.gates);
    assert_eq!(report.frames_ok, 0);
    assert!(report.frames_unsent > 0);
}

#[test]
fn a_full_socket_delays_no_schedule() {
    // Nobody reads fast enough: 65 535-byte frames at a server that answers one batch in 50 ms.
    let report = open(Script::Delay(ms(50)), "--conns 1 --total-rate 400 --payload 65535 --schedule fixed", 0);
    // What is due is due: the schedule went on, and all that is not answered is counted.
    assert!(report.frames_intended.abs_diff(400) <= 1);
}

#[test]
fn saturation_keeps_its_number_in_flight() {
    let server = Server::tcp(Script::Echo);
    let line =
        format!("--target {} --mode saturate --conns 4 --in-flight 8 --warmup 200ms --duration 3s", server.target);
    let report = report(&line, 0);
    assert!(report.frames_ok > 0);
    assert_eq!(report.frames_unanswered, 0);
    assert_eq!((report.response_ns.count, report.lag_ns.count), (0, 0), "a closed loop has no intended times");
    assert_eq!(report.service_ns.count, report.frames_ok);
    assert_eq!(report.frames_ok_by_second.iter().sum::<u64>(), report.frames_ok);
    assert!(!gates(&report).contains(&"little"), "{:?}", report.gates);
}

#[test]
fn active_waiting_is_reported_apart() {
    let report = open(Script::Echo, "--conns 2 --total-rate 200 --schedule fixed --spin-us 1000", 0);
    // Up to 1 ms before each of the frames, and before the two boundaries of the window.
    assert!(report.spin_ns > 0 && report.spin_ns <= (report.frames_intended + 2) * 1_010_000, "{}", report.spin_ns);
    let quiet = open(Script::Echo, "--conns 2 --total-rate 200 --schedule fixed", 0);
    assert_eq!(quiet.spin_ns, 0);
}

/// Runs beside a thread that never sleeps, on the CPU that the client is pinned to.
fn beside_a_hog(options: &str) -> Report {
    let cpus = rustix::thread::sched_getaffinity(None).expect("every thread has an affinity");
    let cpu = (0..1024).find(|&cpu| cpus.is_set(cpu)).expect("there is a CPU to run on");
    let server = Server::tcp(Script::Echo);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut own = rustix::thread::CpuSet::new();
            own.set(cpu);
            rustix::thread::sched_setaffinity(None, &own).expect("the CPU is one of ours");
            while !stop.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let output = crate::client::run(&format!("--target {} --cpus {cpu} {SHORT} {options}", server.target));
        stop.store(true, Ordering::Relaxed);
        crate::client::parse(&output, 0)
    })
}

#[test]
fn a_client_that_must_share_its_cpu_says_so() {
    let report = beside_a_hog("--mode saturate --conns 4 --in-flight 64");
    assert!(gates(&report).contains(&"run_delay"), "{:?}", report.gates);
}

/// At a rate of which it could serve many times more, if it were let: a thread that sleeps much is woken at once even
/// beside a hog, so it takes one that has work for more than half of the time.
#[test]
fn an_open_load_that_must_share_its_cpu_says_so() {
    let report = beside_a_hog("--conns 64 --total-rate 20000 --spin-us 1000");
    assert!(gates(&report).contains(&"run_delay"), "{:?}", report.gates);
    assert!(gates(&report).contains(&"lag"), "{:?}", report.gates);
}

/// A client that is stopped from inside its window to well after it: every frame that was due meanwhile is
/// accounted for, and the lateness is its own.
#[test]
fn a_client_forgives_itself_nothing() {
    use rustix::process::{Pid, Signal, kill_process};

    let server = Server::tcp(Script::Echo);
    let mut talk = Talk::begin(&format!(
        "--target {} --conns 4 --total-rate 200 --schedule fixed --warmup 0s --duration 1s --hold",
        server.target
    ));
    let pid = Pid::from_child(&talk.child);
    assert!(matches!(talk.hear(), Event::Connected { .. }));
    talk.say("go");
    assert!(matches!(talk.hear(), Event::Measuring { .. }));
    // Between two frames, most likely: with nothing in flight nothing is left to remind the client.
    std::thread::sleep(ms(102));
    kill_process(pid, Signal::STOP).expect("it is our child");
    std::thread::sleep(ms(1500));
    kill_process(pid, Signal::CONT).expect("it is our child");
    assert!(matches!(talk.hear(), Event::Measured { .. }));
    let Event::Report(report) = talk.hear() else { panic!("the report comes last") };
    check_sums(&report);
    assert!(report.frames_intended.abs_diff(200) <= 1, "{}", report.frames_intended);
    assert_eq!(report.frames_ok, report.frames_intended);
    // It was stopped for 1.5 s, of which 500 ms and more came after the window: the last frame waited as long.
    assert!(report.lag_ns.max.expect("all were sent") >= ns(500) * 98 / 100, "{:?}", report.lag_ns);
    assert!(gates(&report).contains(&"lag"), "{:?}", report.gates);
}

#[test]
fn a_swallowing_server_breaks_littles_law() {
    let server = Server::tcp(Script::AnswerOnly(5));
    let line = format!("--target {} --mode saturate --conns 2 {SHORT}", server.target);
    let report = report(&line, 0);
    assert!(gates(&report).contains(&"little"), "{:?}", report.gates);
}
