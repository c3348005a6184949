//! A real known answer: two variants of an engine whose costs cross by arithmetic, over real sockets, through
//! `suite run` and the analysis.
//!
//! With x connections a frame costs the variant `frames` 320 + 1·x µs and the variant `conns` 32 + 7·x µs, and
//! both the same again for serving it. They are equal where 320 + x = 32 + 7·x: at x = 288 ÷ 6 = 48, half way in
//! ln x between the measured 24 and 96. At 24 the burnt times are 344 and 200 µs, at 96 they are 416 and 704 µs:
//! their logarithms differ by +0.54 and −0.53, so that the straight line between them meets zero at 48, too.

use suite::analyse::{Along, Finding, Lead, Lines, Metric, Resampler, Samples, Side};
use suite::conclude::Run;
use suite::record::{RunFolder, Trial};

use super::stage::{Stage, expect, text};

const CROSSING: f64 = 288.0 / 6.0;

/// Burnt per frame, in nanoseconds.
fn burnt_ns(variant: &str, connections: u32) -> f64 {
    let connections = f64::from(connections);
    if variant == "frames" { 320_000.0 + 1_000.0 * connections } else { 32_000.0 + 7_000.0 * connections }
}

#[test]
fn burnt_time_crosses_where_arithmetic_says() {
    let stage = Stage::with(&[("burn", &manifest())]);
    let output = expect(&mut stage.run("burn.toml", "burn"), 0);
    assert!(text(&output.stdout).contains("Server CPU per frame"));
    let mut run = Run::load(&RunFolder::open(&stage.run_folder()).expect("a run")).expect("whole");
    for trial in &mut run.trials {
        keep_what_matters(trial);
        let cost = Metric::ServerCpuOpen.extract(trial).expect("frames were served");
        let burnt = burnt_ns(&trial.variant, trial.cell.connections);
        // Above it by what serving costs, by frames that lie across the window's edges, and by an unoptimised build.
        let name = format!("{} at {}: {cost:.0} of {burnt:.0} ns", trial.variant, trial.cell.connections);
        assert!(cost > burnt * 0.9 && cost < burnt * 1.5 + 150_000.0, "{name}");
    }
    let context = run.context("burn");
    let samples = Samples::collect(Metric::ServerCpuOpen, &run.trials, &context);
    let lines = Lines::of(Metric::ServerCpuOpen, Along::Connections, &samples, &context, &mut Resampler::new(7));
    let lines = lines.expect("three counts");
    let finding = &lines.pairs[0].findings[0];
    assert_eq!(context.variants[lines.pairs[0].first].variant, "frames");
    check(finding);
}

/// `conns` is ahead below the crossing and `frames` above it, and the place is the arithmetic's within a quarter.
#[track_caller]
fn check(finding: &Finding) {
    let Lead::Crossings(crossings) = &finding.lead else { panic!("{finding:?}") };
    let [crossing] = crossings.as_slice() else { panic!("{finding:?}") };
    assert_eq!(crossing.from, Side::Second);
    assert!((crossing.at / CROSSING).ln().abs() < 0.25, "{crossing:?}");
    assert!(crossing.interval.lo < CROSSING * 1.25 && crossing.interval.hi > CROSSING / 1.25, "{crossing:?}");
    assert!(crossing.interval.lo > 24.0 && crossing.interval.hi < 96.0, "{crossing:?}");
}

/// Drops the gates about time: burning is by the thread's CPU clock and dear against all else, so that neither a busy
/// host nor a late client moves what a frame costs. Gates about connections and replies stay.
fn keep_what_matters(trial: &mut Trial) {
    const ABOUT_REPLIES: [&str; 6] = ["live", "wrong", "wrong_reply", "errors", "listen", "frames"];
    assert_eq!(trial.failure, None);
    for load in &mut trial.loads {
        load.gates.retain(|gate| ABOUT_REPLIES.contains(&gate.gate.as_str()));
    }
}

/// The engine's own manifest, with the program that cargo built for the tests.
fn manifest() -> String {
    let program = format!("program = \"{}\"\n", env!("CARGO_BIN_EXE_burn-engine"));
    program + include_str!("../burn_engine/engine.toml")
}
