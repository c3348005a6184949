//! Engines that misbehave: each becomes a record with its reason, and the run goes on.

use suite::record::{Failure, Trial};

use super::stage::{Stage, expect, text};

/// Runs the fake engine's `fault` beside its plain variant. Returns the failure and the exit's stderr.
fn failure_of(fault: &str) -> (Failure, String) {
    let stage = Stage::new();
    let output = expect(&mut stage.run("faults.toml", &format!("fake/plain,{fault}")), 1);
    let trials = stage.trials();
    let (good, bad): (Vec<Trial>, Vec<Trial>) = trials.into_iter().partition(|trial| trial.variant == "plain");
    assert!(!good.is_empty() && good.iter().all(|trial| trial.failure.is_none()), "the others are not affected");
    assert!(!bad.is_empty());
    let name = format!("{}/{}", bad[0].engine, bad[0].variant);
    assert!(text(&output.stdout).contains(&name), "the report names {name}");
    (bad[0].failure.clone().expect("the fault is recorded"), text(&output.stderr))
}

fn check(fault: &str, stage: &str, error: &str, tail: &str) {
    let (failure, stderr) = failure_of(fault);
    assert_eq!(failure.stage, stage, "{failure:?}");
    assert!(failure.error.contains(error), "{failure:?}");
    assert!(failure.stderr_tail.iter().any(|line| line.contains(tail)) || tail.is_empty(), "{failure:?}");
    assert!(stderr.contains("FAILED"), "the progress says so:\n{stderr}");
}

#[test]
fn an_engine_that_dies_under_load() {
    check("fake/dies", "load", "server died: exit code 9", "a fault on request");
}

#[test]
fn an_engine_that_hangs_under_load() {
    check("fake/hangs", "load", "server hangs", "");
}

#[test]
fn an_engine_that_does_not_drain() {
    check("fake/deaf", "drain", "server hangs: no its drained line", "");
}

#[test]
fn an_engine_that_refuses_to_start() {
    check("fake/refuses", "start", "server died: exit code 2", "the kernel says no");
}

#[test]
fn an_engine_that_prints_garbage() {
    check("fake/garbage", "start", "server said \"this is no JSON\"", "");
}

#[test]
fn an_engine_that_does_not_build() {
    check("broken", "build", "sh failed", "needs a newer kernel");
}
