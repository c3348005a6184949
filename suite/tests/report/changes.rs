//! Known answers of comparing two runs: what was planted is called, what was not is not.

use suite::analyse::{Context, Metric};
use suite::compare::{Change, Comparison, Direction, compare};
use suite::record::{Cell, Trial};

use crate::synthetic::{Synthetic, Truth, tcp};

const VARIANTS: [&str; 2] = ["mio/default", "tokio/per-core"];

fn cells() -> Vec<Cell> {
    [16, 64, 256].map(|connections| tcp(connections, 64)).to_vec()
}

/// A run whose second variant costs `ratio` times the CPU at 64 connections.
fn run(ratio: f64, seed: u64, blocks: u32) -> (Context, Vec<Trial>) {
    let mut run = Synthetic::new(&VARIANTS, &cells(), move |variant, cell| {
        let planted = variant == 1 && cell.connections == 64;
        Truth { cpu_ns: if planted { 10_000.0 * ratio } else { 10_000.0 }, ..Truth::default() }
    });
    // What all trials of a block share does not cancel between runs: their blocks are different ones.
    run.block_noise = 0.02;
    run.seed = seed;
    run = run.blocks(blocks);
    let trials = run.trials();
    (run.context, trials)
}

/// The same with server CPU alone to compare, for tests that take many runs.
fn lean(ratio: f64, seed: u64, blocks: u32) -> (Context, Vec<Trial>) {
    let (context, mut trials) = run(ratio, seed, blocks);
    for trial in &mut trials {
        trial.loads.truncate(1);
        trial.loads[0].gates.push(crate::synthetic::gate("lag"));
        trial.memory.clear();
    }
    (context, trials)
}

fn between(a: &(Context, Vec<Trial>), b: &(Context, Vec<Trial>)) -> Comparison {
    compare((&a.0, &a.1), (&b.0, &b.1), Vec::new())
}

fn change(comparison: &Comparison, metric: Metric, row: usize, column: usize) -> Change {
    let metric = comparison.metrics.iter().find(|changes| changes.key == metric.key()).expect("it was measured");
    metric.rows[row].changes[column].clone()
}

/// Of `pairs` pairs of runs: how often the planted change was called, and how often anything else was.
fn tally(ratio: f64, blocks: u32, pairs: u64) -> (u64, u64) {
    let (mut called, mut others) = (0, 0);
    for pair in 0..pairs {
        let comparison = between(&lean(1.0, 2 * pair, blocks), &lean(ratio, 2 * pair + 1, blocks));
        let expected = if ratio > 1.0 { Direction::Regression } else { Direction::Improvement };
        let metric = &comparison.metrics[0];
        assert_eq!(metric.key, Metric::ServerCpuOpen.key());
        let planted = u64::from(ratio != 1.0 && metric.rows[1].changes[1].direction == expected);
        called += planted;
        others += u64::from(u64::from(metric.counts.regressions + metric.counts.improvements) > planted);
    }
    (called, others)
}

#[test]
fn two_runs_of_the_same_thing_are_called_different_in_at_most_one_pair_of_twenty() {
    for blocks in [4, 8] {
        let (_, others) = tally(1.0, blocks, 60);
        assert!(others * 20 <= 60, "{blocks} blocks: something was called in {others} of 60 pairs");
    }
}

#[test]
fn a_planted_regression_is_called_and_nothing_else_is() {
    let (called, others) = tally(1.3, 6, 40);
    assert!(called * 10 >= 40 * 9, "called in {called} of 40 pairs");
    assert!(others * 20 <= 40, "something else was called in {others} of 40 pairs");
}

#[test]
fn a_planted_improvement_is_called_as_one() {
    let (called, _) = tally(0.75, 6, 20);
    assert!(called * 10 >= 20 * 9, "called in {called} of 20 pairs");
}

#[test]
fn the_interval_holds_the_planted_ratio() {
    let held = (0..40).filter(|pair| {
        let comparison = between(&lean(1.0, 2 * pair, 8), &lean(1.3, 2 * pair + 1, 8));
        let change = change(&comparison, Metric::ServerCpuOpen, 1, 1);
        let interval = change.interval.expect("eight blocks count in both");
        interval.lo <= 1.3 && 1.3 <= interval.hi
    });
    assert!(held.count() >= 34);
}

#[test]
fn a_run_beside_itself_changed_in_nothing() {
    let one = run(1.0, 1, 6);
    let comparison = between(&one, &one);
    assert_eq!((comparison.counts.regressions, comparison.counts.improvements), (0, 0));
    let change = change(&comparison, Metric::ServerCpuOpen, 0, 0);
    assert_eq!((change.ratio, change.direction), (Some(1.0), Direction::Unchanged));
}

#[test]
fn two_blocks_decide_nothing_and_say_so() {
    let comparison = between(&run(1.0, 1, 2), &run(3.0, 2, 2));
    let change = change(&comparison, Metric::ServerCpuOpen, 1, 1);
    assert_eq!(change.direction, Direction::Undetermined);
    assert!(change.reason.expect("a reason").contains("2 and 2 blocks count, 3 are needed"));
}

#[test]
fn the_better_direction_depends_on_the_metric() {
    let of = |rate_per_s: f64, seed: u64| {
        let mut run = Synthetic::new(&VARIANTS, &cells(), move |_, _| Truth { rate_per_s, ..Truth::default() });
        run.block_noise = 0.01;
        run.seed = seed;
        let trials = run.trials();
        (run.context, trials)
    };
    let comparison = between(&of(90_000.0, 1), &of(45_000.0, 2));
    let change = change(&comparison, Metric::Throughput, 0, 0);
    assert_eq!(change.direction, Direction::Regression);
    assert!(change.ratio.is_some_and(|ratio| (ratio / 0.5 - 1.0).abs() < 0.1), "{change:?}");
    assert!(change.times_worse(suite::analyse::Better::Higher).is_some_and(|times| times > 1.8));
}

#[test]
fn allocations_that_come_from_nowhere_are_a_regression_and_stray_ones_are_not() {
    let check = |per_window: u64, expected: Direction| {
        let before = run(1.0, 1, 4);
        let mut after = run(1.0, 2, 4);
        for trial in &mut after.1 {
            trial.loads[0].server_allocs = per_window;
        }
        let comparison = between(&before, &after);
        assert_eq!(change(&comparison, Metric::AllocsPerFrame, 0, 0).direction, expected, "{per_window}");
    };
    check(0, Direction::Unchanged);
    check(3, Direction::Unchanged);
    check(20_000, Direction::Regression);
}

#[test]
fn what_does_not_count_is_not_compared() {
    let before = run(1.0, 1, 6);
    let mut after = run(1.5, 2, 6);
    for trial in after.1.iter_mut().filter(|trial| trial.engine == "tokio") {
        trial.loads[0].gates.push(crate::synthetic::gate("foreign"));
    }
    let comparison = between(&before, &after);
    let change = change(&comparison, Metric::ServerCpuOpen, 1, 1);
    assert_eq!((change.direction, change.b.blocks), (Direction::Missing, 0));
    assert!(change.b.value.is_some() && change.reason.expect("a reason").starts_with("run B: foreign"));
}

#[test]
fn variants_and_cells_of_one_run_only_are_named() {
    let before = run(1.0, 1, 4);
    let mut after = run(1.0, 2, 4);
    after.0.variants[1].variant = "multi-thread".into();
    after.0.cells.remove(0);
    let comparison = between(&before, &after);
    assert_eq!(comparison.variants_only_a, ["tokio/per-core"]);
    assert_eq!(comparison.variants_only_b, ["tokio/multi-thread"]);
    assert_eq!((comparison.cells_only_a, comparison.cells_only_b), (vec![tcp(16, 64)], Vec::new()));
    assert_eq!(comparison.metrics[0].rows.len(), 1);
}

/// A comparison survives its way through JSON, as the page and other programs read it.
#[test]
fn a_comparison_reads_back() {
    let comparison = between(&run(1.0, 1, 4), &run(1.3, 2, 4));
    let text = serde_json::to_string(&comparison).expect("only string keys");
    assert_eq!(serde_json::from_str::<Comparison>(&text).expect("the same type"), comparison);
}
