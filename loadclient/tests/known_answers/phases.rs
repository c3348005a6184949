//! Loads whose rate changes: each phase has the frames that its rates make due, and the times that belong to them.

use std::time::Duration;

use loadclient::report::Report;

use crate::client::{refused, report};
use crate::server::{Script, Server};

fn run(script: Script, phases: &str, options: &str) -> Report {
    let server = Server::tcp(script);
    let line =
        format!("--target {} --phases {phases} --schedule fixed --warmup 100ms --verify {options}", server.target);
    let report = report(&line, 0);
    // Together the phases are the window.
    let sum = |of: fn(&loadclient::report::PhaseReport) -> u64| report.phases.iter().map(of).sum::<u64>();
    assert_eq!(sum(|phase| phase.frames_intended), report.frames_intended);
    assert_eq!(sum(|phase| phase.frames_ok), report.frames_ok);
    assert_eq!(sum(|phase| phase.duration_ns), report.duration_ns);
    for phase in &report.phases {
        assert_eq!(phase.frames_intended, phase.frames_ok + phase.frames_unsent + phase.frames_unanswered);
        assert_eq!(phase.response_ns.count, phase.frames_ok);
        assert_eq!(phase.lag_ns.count + phase.lag_ns.infinite, phase.frames_intended);
    }
    report
}

#[test]
fn every_phase_has_its_frames() {
    // A step, a ramp of (200 + 1 000) ÷ 2 × 0.5 s, a pause, a burst; on several threads, whose shares add up.
    for threads in [1, 3] {
        let report = run(
            Script::Echo,
            "500ms@200,500ms@200..1000,200ms@0,100ms@3000",
            &format!("--conns 6 --threads {threads}"),
        );
        let frames: Vec<u64> = report.phases.iter().map(|phase| phase.frames_intended).collect();
        for (&got, expected) in frames.iter().zip([100, 300, 0, 300]) {
            // A thread's comb may lie across an edge.
            assert!(got.abs_diff(expected) <= threads, "{frames:?}");
        }
        assert_eq!(report.frames_ok, report.frames_intended);
        let begins: Vec<u64> = report.phases.iter().map(|phase| phase.begin_ns / 1_000_000).collect();
        assert_eq!(begins, [0, 500, 1000, 1200]);
        assert_eq!((report.phases[1].rate_begin_per_s, report.phases[1].rate_end_per_s), (200.0, 1000.0));
    }
}

/// What is swallowed in the last phase is infinite there, and nowhere else.
#[test]
fn what_never_came_belongs_to_its_phase() {
    // One use before the warm-up, 20 frames in it, 100 in the first phase, and 29 of the 200 in the second.
    let report = run(Script::AnswerOnly(150), "500ms@200,500ms@400", "--conns 1 --grace 500ms");
    let [first, second] = &report.phases[..] else { panic!("two phases: {report:?}") };
    assert!(first.frames_unanswered == 0 && first.response_ns.p999.is_some(), "{first:?}");
    assert!(second.frames_ok.abs_diff(29) <= 2, "{second:?}");
    assert_eq!(second.response_ns.infinite, second.frames_intended - second.frames_ok);
    assert_eq!(second.response_ns.p50, None);
}

#[test]
fn phases_of_several_processes_are_merged() {
    let part = || run(Script::Delay(Duration::from_millis(2)), "200ms@100,200ms@100..300", "--conns 2");
    let (a, b) = (part(), part());
    let both = Report::merge(&[a.clone(), b.clone()]).expect("the same load");
    assert_eq!(both.phases.len(), 2);
    for (both, (a, b)) in both.phases.iter().zip(a.phases.iter().zip(&b.phases)) {
        assert_eq!(both.frames_ok, a.frames_ok + b.frames_ok);
        assert_eq!(both.response_ns.count, both.frames_ok);
        assert_eq!(both.response_ns.max, a.response_ns.max.max(b.response_ns.max));
        assert_eq!(both.rate_begin_per_s, 200.0);
    }
}

#[test]
fn wrong_phases_are_refused() {
    let tcp = "--target tcp://127.0.0.1:9 --conns 1";
    refused(&format!("{tcp} --phases 10s"), "LENGTH@RATE");
    refused(&format!("{tcp} --phases 10s@x"), "`x` is no rate");
    refused(&format!("{tcp} --phases 10s@5 --duration 3s"), "cannot be used with");
}
