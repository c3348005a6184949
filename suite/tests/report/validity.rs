//! What invalidates what: gates, failures, missing trials, and how tables show them.

use suite::analyse::{Entry, Metric, Outcome, Skip, Status, Verdict, analyse, judge};
use suite::record::{Failure, Mode, Trial};

use crate::synthetic::{Synthetic, Truth, gate, tcp};

fn run() -> Synthetic {
    Synthetic::new(&["mio/default", "tokio/per-core"], &[tcp(64, 64)], |_, _| Truth::default()).noise(0.01)
}

/// What a gate under `mode` makes of each metric: `.` nothing, `>` a bound, `x` invalid.
fn effects(name: &str, mode: Mode) -> String {
    let mut trial = run().trials().remove(0);
    trial.loads.iter_mut().filter(|load| load.mode == mode).for_each(|load| load.gates.push(gate(name)));
    let of = |metric: Metric| match judge(metric, &trial) {
        Outcome::Usable(_) => '.',
        Outcome::Bound { .. } => '>',
        Outcome::Invalid { reason, .. } => {
            assert_eq!(reason.kind, name);
            'x'
        }
        // Response p99.9: 20 000 samples are too few; and nobody timed the connecting.
        Outcome::Missing { .. } => '-',
    };
    Metric::ALL.into_iter().map(of).collect()
}

#[test]
fn each_gate_invalidates_what_it_casts_doubt_on() {
    use Mode::{Open, Saturate};
    // In the order of Metric::ALL: CPU, p50, p99, p99.9, service p99, throughput, CPU saturated, switches,
    // allocations, client CPU, time to connect (which these trials have not), memory user, memory kernel.
    let check = |name, mode, expected| assert_eq!(effects(name, mode), expected, "{name} {mode:?}");
    check("wrong", Open, "xxx-x..xxx-xx");
    check("never heard of", Open, "xxx-x..xxx-xx");
    check("live", Saturate, "...-.xx...-xx");
    check("lag", Open, ".xx-x.....-..");
    check("client_busy", Open, ".xx-x.....-..");
    check("client_busy", Saturate, "...-.>....-..");
    check("rate", Open, "xxx-x..xxx-..");
    check("steal", Open, "xxx-x..x.x-..");
    check("unsteady", Open, "xxx-x..x.x-..");
    check("foreign", Saturate, "...-.xx...-..");
    check("little", Saturate, "...-.xx...-..");
}

/// The first variant's entry of the table of `metric`.
fn entry(run: &Synthetic, trials: &[Trial], metric: Metric) -> Entry {
    let analysis = analyse(trials, &run.context);
    let table = analysis.tables.into_iter().find(|table| table.key == metric.key()).expect("every metric has a table");
    table.rows[0].entries[0].clone()
}

#[test]
fn a_failed_trial_is_shown_with_its_reason_and_the_others_count() {
    let run = run();
    let mut trials = run.trials();
    let failure = Failure { stage: "load".into(), error: "the engine died".into(), stderr_tail: Vec::new() };
    let first = trials.iter_mut().find(|trial| trial.block == 3 && !trial.twin).expect("six blocks");
    first.failure = Some(failure);
    let entry = entry(&run, &trials, Metric::ServerCpuOpen);
    assert_eq!((entry.status, entry.blocks), (Status::Measured, 5));
    assert_eq!(entry.reasons[0].reason.detail, "the engine died");
    assert_eq!(analyse(&trials, &run.context).failed.len(), 1);
}

#[test]
fn an_invalid_value_is_shown_and_never_compared() {
    let run = run();
    let mut trials = run.trials();
    trials.iter_mut().filter(|trial| trial.engine == "mio").for_each(|trial| trial.loads[0].gates.push(gate("lag")));
    let entry = entry(&run, &trials, Metric::ResponseP99);
    assert_eq!((entry.status, entry.blocks, entry.standing), (Status::Invalid, 0, None));
    assert!(entry.value.is_some() && entry.reasons[0].blocks == 6);
}

#[test]
fn nobody_is_best_beside_a_lower_bound() {
    let run = run();
    let mut trials = run.trials();
    let bounded = trials.iter_mut().filter(|trial| trial.engine == "tokio");
    bounded.for_each(|trial| trial.loads[1].gates.push(gate("client_busy")));
    let entry = entry(&run, &trials, Metric::Throughput);
    assert_eq!(entry.standing.map(|standing| standing.verdict), Some(Verdict::Undetermined));
}

#[test]
fn what_was_not_run_says_why() {
    let mut run = run();
    let kind = |run: &Synthetic| entry(run, &[], Metric::ServerCpuOpen).reasons[0].reason.kind.clone();
    assert_eq!(kind(&run), "not run");
    run.context.skips.push(Skip {
        engine: "mio".into(),
        variant: None,
        cell: None,
        transport: None,
        connections: None,
        reason: "out of time".into(),
    });
    assert_eq!(kind(&run), "skipped");
    run.context.variants[0].absent = Some("does not build".into());
    assert_eq!(kind(&run), "did not take part");
}

#[test]
fn a_quantile_without_its_samples_is_not_printed() {
    let run = run();
    let entry = entry(&run, &run.trials(), Metric::ResponseP999);
    assert_eq!((entry.status, entry.value), (Status::Missing, None));
    assert_eq!(entry.reasons[0].reason.detail, "20000 samples of the 100000 that this quantile needs");
}

/// A run that ended, and of which nothing counts, says so first; one good number is enough to have answered something.
#[test]
fn a_run_of_which_nothing_counts_says_so_first() {
    let run = Synthetic::new(&["mio/default", "tokio/per-core"], &[tcp(16, 64), tcp(64, 64)], |_, _| Truth::default());
    let mut trials = run.trials();
    assert!(!analyse(&trials, &run.context).nothing_counts());
    for load in trials.iter_mut().flat_map(|trial| &mut trial.loads) {
        load.gates.push(gate("live"));
    }
    let analysis = analyse(&trials, &run.context);
    assert!(analysis.nothing_counts());
    let first = suite::report::summary::sentences(&analysis).remove(0);
    assert!(first.starts_with("Nothing is established: no value of the "), "{first}");
    trials[0].loads[0].gates.clear();
    assert!(!analyse(&trials, &run.context).nothing_counts());
}
