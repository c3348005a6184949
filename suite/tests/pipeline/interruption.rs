//! Runs that are cut short: nothing is left running, what was recorded is whole, and a resumed run completes it.

use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};

use super::stage::{Stage, children, expect, is_gone, text, wait_until};

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id")).expect("not zero");
    kill_process(pid, signal).expect("it runs");
}

/// Starts a run, and waits until a trial is recorded and the next one has a server and a client.
fn start(stage: &Stage, mut run: Command) -> (Child, Vec<u32>) {
    let child = run.spawn().expect("the suite starts");
    let records = stage.run_folder().join("records.jsonl");
    let mut pids = Vec::new();
    wait_until("a trial in flight", || {
        pids = children(&child);
        pids.len() == 2 && std::fs::read(&records).is_ok_and(|bytes| bytes.contains(&b'\n'))
    });
    (child, pids)
}

#[test]
fn ctrl_c_leaves_a_readable_run_that_can_be_finished() {
    let stage = Stage::new();
    let (suite, pids) = start(&stage, stage.run("long.toml", "fake"));
    send(&suite, Signal::INT);
    let output = suite.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("--resume"), "it says how to go on");
    for pid in pids {
        assert!(is_gone(pid), "process {pid} was left behind");
    }
    let path = stage.run_folder().join("records.jsonl");
    let before = std::fs::read(&path).expect("records");
    let recorded = stage.trials();
    assert!(!recorded.is_empty() && recorded.len() < 6 && recorded.iter().all(|trial| trial.failure.is_none()));

    expect(&mut stage.resume(), 0);
    assert!(std::fs::read(&path).expect("records").starts_with(&before), "what was recorded is not rewritten");
    let numbers: Vec<u32> = stage.trials().iter().map(|trial| trial.trial).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5], "each trial once");
    let report = std::fs::read_to_string(stage.run_folder().join("report.md")).expect("a report");
    expect(&mut stage.resume(), 0);
    assert_eq!(stage.trials().len(), 6, "there is nothing left to do");
    assert_eq!(std::fs::read_to_string(stage.run_folder().join("report.md")).expect("a report"), report);
}

#[test]
fn nothing_outlives_a_killed_suite() {
    let stage = Stage::new();
    let (mut suite, pids) = start(&stage, stage.run("long.toml", "fake"));
    send(&suite, Signal::KILL);
    suite.wait().expect("it is ours");
    for pid in pids {
        wait_until("the end of its children", || is_gone(pid));
    }
    let records = stage.records();
    assert!(!records.trials.is_empty(), "what was recorded stays readable");
    expect(&mut stage.resume(), 0);
    assert_eq!(stage.trials().len(), 6);
}

#[test]
fn not_even_an_engine_that_hangs_outlives_a_killed_suite() {
    let stage = Stage::new();
    let mut suite = stage.run("faults.toml", "fake/hangs").spawn().expect("the suite starts");
    let mut pids = Vec::new();
    wait_until("a trial in flight", || {
        pids = children(&suite);
        pids.len() == 2
    });
    send(&suite, Signal::KILL);
    suite.wait().expect("it is ours");
    for pid in pids {
        wait_until("the end of its children", || is_gone(pid));
    }
}

#[test]
fn a_run_is_not_finished_with_other_programs() {
    let stage = Stage::new();
    let (suite, _) = start(&stage, stage.run("long.toml", "fake"));
    send(&suite, Signal::INT);
    suite.wait_with_output().expect("it ends");
    let plan = stage.run_folder().join("plan.toml");
    let text_before = std::fs::read_to_string(&plan).expect("a plan");
    let other = text_before.replacen("binary_sha256 = \"", "binary_sha256 = \"00", 1);
    assert_ne!(text_before, other);
    std::fs::write(&plan, other).expect("writable");
    let recorded = stage.trials().len();
    let refused = expect(&mut stage.resume(), 2);
    assert!(text(&refused.stderr).contains("engine fake is not the program this run began with"));
    assert_eq!(stage.trials().len(), recorded);
}
