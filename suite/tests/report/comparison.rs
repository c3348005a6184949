//! Known answers of comparisons: planted ratios are found, A/A is not called different, ties are ties.
//!
//! Simulations of many runs resample 1 000 times instead of 10 000: the bounds of an interval then differ by some
//! hundredths of its width, and the runs by all of it.

use std::path::Path;

use suite::analyse::{Design, Floor, Metric, POWER, Resampler, Samples, Standing, Table, Verdict};
use suite::conclude::Run;
use suite::precedent::Precedent;
use suite::record::RunFolder;

use crate::synthetic::{Synthetic, Truth, tcp};

const PAIR: [&str; 2] = ["mio/default", "tokio/per-core"];

const RESAMPLES: usize = 1_000;

/// How many of `runs` simulated runs called the second variant worse, and in how many its interval held the truth.
struct Tally {
    called: u32,
    held: u32,
    runs: u32,
}

/// Two variants, the second `ratio` times as expensive.
fn pair(ratio: f64, blocks: u32, noise: f64) -> Synthetic {
    Synthetic::new(&PAIR, &[tcp(64, 64)], move |variant, _| Truth {
        cpu_ns: if variant == 0 { 10_000.0 } else { 10_000.0 * ratio },
        ..Truth::default()
    })
    .blocks(blocks)
    .noise(noise)
}

/// Simulates runs of two variants, the second `ratio` times as expensive.
fn simulate(ratio: f64, blocks: u32, noise: f64, runs: u32) -> Tally {
    tally(pair(ratio, blocks, noise), ratio, runs)
}

/// How often any variant of `run` is called behind, and how often the second's interval holds `ratio`.
fn tally(mut run: Synthetic, ratio: f64, runs: u32) -> Tally {
    let mut tally = Tally { called: 0, held: 0, runs };
    let mut resampler = Resampler::with(1, RESAMPLES);
    for seed in 0..u64::from(runs) {
        run.seed = seed;
        let samples = Samples::collect(Metric::ServerCpuOpen, &run.trials(), &run.context);
        let table = Table::of(Metric::ServerCpuOpen, &samples, &run.context, &mut resampler);
        let standings: Vec<Standing> =
            table.rows.iter().map(|row| row.entries[0].standing.expect("measured")).collect();
        tally.called += u32::from(standings.iter().any(|standing| standing.verdict == Verdict::Behind));
        let interval = standings[1].interval;
        tally.held += u32::from(interval.is_some_and(|interval| interval.lo <= ratio && ratio <= interval.hi));
    }
    tally
}

#[test]
fn the_same_engine_is_called_different_in_at_most_one_run_of_twenty() {
    for (blocks, noise) in [(3, 0.10), (6, 0.05)] {
        let tally = simulate(1.0, blocks, noise, 1000);
        assert!(tally.called * 20 <= tally.runs, "{blocks} blocks, noise {noise}: {} of 1000", tally.called);
    }
}

/// All pairs of a column are one family: with many engines, too, one run of twenty at most calls any of them.
#[test]
fn many_equal_engines_are_called_different_in_at_most_one_run_of_twenty() {
    for (variants, blocks, noise, runs) in [(4, 3, 0.10, 1000), (8, 6, 0.05, 1000), (24, 4, 0.05, 250)] {
        let names: Vec<String> = (0..variants).map(|number| format!("engine{number}/default")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let equal = Synthetic::new(&names, &[tcp(64, 64)], |_, _| Truth::default()).blocks(blocks).noise(noise);
        let tally = tally(equal, 1.0, runs);
        assert!(tally.called * 20 <= tally.runs, "{variants} variants, {blocks} blocks: {} of {runs}", tally.called);
    }
}

/// The same pair is called beside one other, and not in a crowd of equals: the family pays for its size.
#[test]
fn a_verdict_holds_for_all_pairs_together() {
    let called = |variants: usize| {
        let names: Vec<String> = (0..variants).map(|number| format!("engine{number}/default")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let truth = |variant, _| Truth { cpu_ns: if variant == 0 { 8_700.0 } else { 10_000.0 }, ..Truth::default() };
        tally(Synthetic::new(&names, &[tcp(64, 64)], truth).blocks(4).noise(0.02), 1.0, 100).called
    };
    assert!(called(2) > 60);
    assert!(called(2) > called(24));
}

#[test]
fn the_band_of_ties_is_the_floor_and_never_less_than_two_percent() {
    let mut resampler = Resampler::new(1);
    let mut delta = |pairs: &[f64]| Floor::of(pairs, 6, &mut resampler).delta();
    assert!((delta(&[0.001, -0.001, 0.0005]) - 0.02_f64.ln_1p()).abs() < 1e-12);
    assert!((delta(&[0.05, -0.05, 0.05, -0.05]) - 0.05).abs() < 1e-12);
    assert!((delta(&[0.3, 0.3]) - 0.02_f64.ln_1p()).abs() < 1e-12, "two pairs are no floor");
}

/// The A/A pairs of all published runs.
fn published() -> Precedent {
    let mut precedent = Precedent::default();
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("results");
    for entry in results.read_dir().expect("results are published").flatten() {
        if let Ok(folder) = RunFolder::open(&entry.path()) {
            precedent.add(&folder.name(), &Run::load(&folder).expect("a published run is whole"));
        }
    }
    precedent
}

/// Under the noise that the published A/A pairs show, a difference of 5 % is called as often as the planner promises
/// with the blocks that it asks for, and A/A is not.
#[test]
fn five_percent_are_called_with_the_blocks_that_the_planner_proposes() {
    let pairs = published().pairs.remove(&Metric::ServerCpuOpen).expect("CPU time is always measured");
    let noise = suite::analyse::noise_of(&pairs).expect("several A/A pairs");
    let blocks = Design { noise, pairs: 1, twins: 1 }.blocks_for(1.05).expect("CPU time is steady enough for 5 %");
    let with = |ratio| {
        let mut run = pair(ratio, blocks, 0.0);
        run.measured_noise.clone_from(&pairs);
        tally(run, ratio, 300)
    };
    let (same, different) = (with(1.0), with(1.05));
    // Three standard errors of 300 runs below the promise.
    let least = POWER - 3.0 * (POWER * (1.0 - POWER) / 300.0).sqrt();
    let share = f64::from(different.called) / 300.0;
    assert!(share >= least, "{share} with {blocks} blocks at a noise of {noise:.4}");
    assert!(same.called * 20 <= same.runs, "{} of 300 with {blocks} blocks", same.called);
}

/// What the planner promises on normal noise is what the comparison does.
#[test]
fn the_resolution_is_called_as_often_as_it_says() {
    for (blocks, noise) in [(4, 0.02), (6, 0.03), (12, 0.03)] {
        let design = Design { noise: noise * std::f64::consts::SQRT_2, pairs: 1, twins: 1 };
        let resolution = design.resolution(blocks).expect("blocks enough");
        let share = f64::from(simulate(resolution.exp(), blocks, noise, 300).called) / 300.0;
        assert!((share - POWER).abs() < 0.10, "{share} with {blocks} blocks");
    }
}

#[test]
fn a_planted_ratio_is_found_and_held_by_its_interval() {
    for (blocks, noise) in [(6, 0.02), (10, 0.03)] {
        let tally = simulate(1.15, blocks, noise, 300);
        assert!(tally.called * 10 >= tally.runs * 9, "{blocks} blocks: called in {} of 300", tally.called);
        assert!(tally.held * 100 >= tally.runs * 85, "{blocks} blocks: held in {} of 300", tally.held);
    }
}

/// What METHODOLOGY.md refers to: how often a true difference is called, and how often its interval holds it.
#[test]
fn the_power_of_a_comparison() {
    let mut text = String::from(
        "| blocks | A/A called | 5 % called | 10 % called | 20 % called | its interval holds 20 % |\n|---:|---:|---:|---:|---:|---:|\n",
    );
    for blocks in [3, 6, 10] {
        let share = |part: u32, all: u32| format!("{:.0} %", 100.0 * f64::from(part) / f64::from(all));
        let [same, small, middle, large] = [1.0, 1.05, 1.10, 1.20].map(|ratio| simulate(ratio, blocks, 0.03, 200));
        let called = [&same, &small, &middle, &large].map(|tally| share(tally.called, tally.runs));
        text.push_str(&format!("| {blocks} | {} | {} |\n", called.join(" | "), share(large.held, large.runs)));
    }
    crate::golden::check("power.md", &text);
}

#[test]
fn a_difference_below_two_percent_is_a_tie_however_precise() {
    let tally = simulate(1.015, 10, 0.000_1, 50);
    assert_eq!(tally.called, 0);
}

#[test]
fn a_difference_above_two_percent_is_called_when_it_is_precise() {
    let tally = simulate(1.03, 10, 0.001, 50);
    assert_eq!(tally.called, tally.runs);
}

#[test]
fn two_blocks_decide_nothing() {
    let tally = simulate(3.0, 2, 0.01, 20);
    assert_eq!((tally.called, tally.held), (0, 0));
}

#[test]
fn higher_throughput_is_better_and_the_ratio_says_how_many_times_worse() {
    let run = Synthetic::new(&PAIR, &[tcp(64, 64)], |variant, _| Truth {
        rate_per_s: [50_000.0, 100_000.0][variant],
        ..Truth::default()
    });
    let samples = Samples::collect(Metric::Throughput, &run.trials(), &run.context);
    let table = Table::of(Metric::Throughput, &samples, &run.context, &mut Resampler::new(1));
    let [slow, fast] = [0, 1].map(|row| table.rows[row].entries[0].standing.expect("measured"));
    assert_eq!((slow.verdict, fast.verdict, fast.ratio), (Verdict::Behind, Verdict::Best, 1.0));
    assert!((slow.ratio / 2.0 - 1.0).abs() < 0.1, "{slow:?}");
}
