//! A real known answer: two variants of an engine whose costs cross by arithmetic, over real sockets, through
//! `suite run` and the analysis.
//!
//! With x connections a frame costs the variant `frames` 320 + 1·x µs and the variant `conns` 32 + 7·x µs, and
//! both the same again for serving it. They are equal where 320 + x = 32 + 7·x: at x = 288 ÷ 6 = 48, half way in
//! ln x between the measured 24 and 96. At 24 the burnt times are 344 and 200 µs, at 96 they are 416 and 704 µs:
//! their logarithms differ by +0.54 and −0.53, so that the straight line between them meets zero at 48, too.

use suite::analyse::{Along, Finding, Lead, Lines, Metric, Resampler, Samples, Side};
use suite::conclude::{Run, save_plan};
use suite::extend::extension;
use suite::plan::Extension;
use suite::record::{Cell, RunFolder, Transport, Trial};

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
    look_closer(&stage, run);
}

/// Bisection asks for the middle between the neighbours, and a resumed run measures it in every block and nothing else.
fn look_closer(stage: &Stage, mut run: Run) {
    let folder = RunFolder::open(&stage.run_folder()).expect("a run");
    let middle = Cell { transport: Transport::Tcp, connections: 48, payload_bytes: 64 };
    run.plan.bisect_ms = Some(60_000);
    let extension = extension(&run).expect("24 and 96 are far apart");
    assert_eq!(extension.cell.first(), Some(&middle));
    // On a busy host the run itself would not ask, as its own gates doubt its times: so it is told.
    run.plan.bisect_ms = None;
    run.plan.extension = vec![Extension { cell: vec![middle] }];
    save_plan(&folder, &run.plan).expect("a plan");
    expect(&mut stage.resume(), 0);
    let mut longer = Run::load(&folder).expect("whole");
    let before = run.trials.len();
    assert!(longer.trials[before..].iter().all(|trial| trial.cell == middle));
    assert_eq!(longer.trials.len() - before, 2 * 3, "two variants in three blocks");
    longer.trials.iter_mut().for_each(keep_what_matters);
    let context = longer.context("burn");
    let samples = Samples::collect(Metric::ServerCpuOpen, &longer.trials, &context);
    let lines = Lines::of(Metric::ServerCpuOpen, Along::Connections, &samples, &context, &mut Resampler::new(7));
    let lines = lines.expect("four counts");
    assert_eq!(lines.lines[0].xs, [6, 24, 48, 96]);
    check(&lines.pairs[0].findings[0]);
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
