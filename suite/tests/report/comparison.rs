//! Known answers of comparisons: planted ratios are found, A/A is not called different, ties are ties.

use suite::analyse::{Metric, Resampler, Samples, Standing, Table, Verdict};

use crate::synthetic::{Synthetic, Truth, tcp};

const PAIR: [&str; 2] = ["mio/default", "tokio/per-core"];

/// How many of `runs` simulated runs called the second variant worse, and in how many its interval held the truth.
struct Tally {
    called: u32,
    held: u32,
    runs: u32,
}

/// Simulates runs of two variants, the second `ratio` times as expensive.
fn simulate(ratio: f64, blocks: u32, noise: f64, runs: u32) -> Tally {
    let mut tally = Tally { called: 0, held: 0, runs };
    let mut resampler = Resampler::new(1);
    let mut run = Synthetic::new(&PAIR, &[tcp(64, 64)], move |variant, _| Truth {
        cpu_ns: if variant == 0 { 10_000.0 } else { 10_000.0 * ratio },
        ..Truth::default()
    });
    run = run.blocks(blocks).noise(noise);
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
