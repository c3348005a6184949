//! Known answers of crossovers: planted ones are found where they are, and none is found where there is none.

use suite::analyse::{Along, Finding, Lead, Lines, Metric, Resampler, Samples, Side};
use suite::record::Cell;

use crate::synthetic::{Synthetic, Truth, tcp};

const PAIR: [&str; 2] = ["mio/default", "tokio/per-core"];
const COUNTS: [u32; 5] = [16, 64, 256, 1024, 4096];

/// Cells along connections at one payload.
fn cells() -> Vec<Cell> {
    COUNTS.map(|connections| tcp(connections, 64)).to_vec()
}

/// The first variant's cost at `x` connections is `cost(x)` times the second's.
fn run(cost: impl Fn(f64) -> f64 + 'static) -> Synthetic {
    Synthetic::new(&PAIR, &cells(), move |variant, cell| Truth {
        cpu_ns: if variant == 0 { 10_000.0 * cost(f64::from(cell.connections)) } else { 10_000.0 },
        ..Truth::default()
    })
}

fn find(run: &Synthetic, resampler: &mut Resampler) -> Finding {
    let samples = Samples::collect(Metric::ServerCpuOpen, &run.trials(), &run.context);
    let lines = Lines::of(Metric::ServerCpuOpen, Along::Connections, &samples, &run.context, resampler);
    lines.expect("five counts").pairs[0].findings[0].clone()
}

fn check(name: &str, run: &Synthetic, expected: impl Fn(&Lead) -> bool) {
    let finding = find(run, &mut Resampler::new(1));
    assert!(expected(&finding.lead), "{name}: {finding:?}");
}

#[test]
fn a_planted_crossover_is_found_inside_its_interval() {
    // Linear in ln x, as the interpolation has it: the first is ahead up to 200 connections.
    let mut run = run(|x| (x / 200.0).powf(0.12)).blocks(10).noise(0.03);
    let mut resampler = Resampler::with(1, 1_000);
    let (mut placed, mut held) = (0, 0);
    for seed in 0..300 {
        run.seed = seed;
        match find(&run, &mut resampler).lead {
            Lead::Crossings(crossings) if crossings.len() == 1 && crossings[0].from == Side::First => {
                placed += 1;
                let interval = crossings[0].interval;
                held += u32::from(interval.lo <= 200.0 && 200.0 <= interval.hi);
            }
            Lead::Between { from: Side::First, lo, hi } => assert!(lo < 200 && hi > 200),
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert!(held >= 270, "held in {held} of 300 runs, placed in {placed}");
}

#[test]
fn several_crossovers_are_reported_as_several() {
    // Ahead, behind, ahead: the cost is a parabola in ln x around 256.
    let parabola = |x: f64| (0.25 - 0.16 * (x / 256.0).ln().powi(2)).exp();
    check("two", &run(parabola).blocks(10).noise(0.01), |lead| {
        let Lead::Crossings(crossings) = lead else { return false };
        let [down, up] = crossings.as_slice() else { return false };
        down.from == Side::First && up.from == Side::Second && down.at < 256.0 && up.at > 256.0
    });
}

#[test]
fn who_is_ahead_everywhere_is_ahead_throughout() {
    check("first", &run(|_| 0.8).noise(0.01), |lead| *lead == Lead::Ahead { side: Side::First, tied_at: Vec::new() });
    check("second", &run(|_| 1.3).noise(0.01), |lead| *lead == Lead::Ahead { side: Side::Second, tied_at: Vec::new() });
}

#[test]
fn a_lead_that_fades_names_the_ties() {
    check("fades", &run(|x| if x < 1000.0 { 0.8 } else { 1.0 }).noise(0.005), |lead| {
        *lead == Lead::Ahead { side: Side::First, tied_at: vec![1024, 4096] }
    });
}

#[test]
fn a_change_of_lead_over_a_long_tie_is_bracketed_not_placed() {
    let plateau = |x: f64| match x {
        x if x < 50.0 => 0.8,
        x if x < 2000.0 => 1.0,
        _ => 1.2,
    };
    let mut run = run(plateau).blocks(10).noise(0.01);
    let mut resampler = Resampler::new(1);
    for seed in 0..20 {
        run.seed = seed;
        match find(&run, &mut resampler).lead {
            Lead::Between { from: Side::First, lo: 16, hi: 4096 } => {}
            // By chance the middle may have one sign change in nearly all resamples.
            Lead::Crossings(crossings) => assert_eq!(crossings.len(), 1, "seed {seed}"),
            other => panic!("seed {seed}: {other:?}"),
        }
    }
}

#[test]
fn equal_engines_tie_and_noisy_ones_are_undetermined() {
    check("equal", &run(|_| 1.0).blocks(10).noise(0.01), |lead| *lead == Lead::Tie);
    check("noisy", &run(|_| 1.0).noise(0.4), |lead| matches!(lead, Lead::Undetermined { .. }));
    check("two blocks", &run(|_| 0.5).blocks(2), |lead| matches!(lead, Lead::Undetermined { .. }));
}

#[test]
fn a_wide_interval_asks_for_the_point_that_narrows_it() {
    let finding = find(&run(|x| (x / 200.0).powf(0.12)).blocks(10), &mut Resampler::new(1));
    let Lead::Crossings(crossings) = finding.lead else { panic!("{finding:?}") };
    assert!(crossings[0].interval.hi / crossings[0].interval.lo > 1.25);
    // Half way between 64 and 256, in ln x.
    assert_eq!(crossings[0].next, Some(128));
}
