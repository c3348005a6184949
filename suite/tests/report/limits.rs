//! What breaks first, on synthetic runs that say so.

use suite::analyse::{Constraint, Limits, Resampler, Support, limits};
use suite::record::{Mode, Trial};

use crate::synthetic::{Synthetic, Truth, gate, tcp};

/// The limits of one variant whose saturated loads are `changed`.
fn of(changed: impl Fn(&mut suite::record::Load)) -> Limits {
    let run = Synthetic::new(&["mio/default", "tokio/per-core"], &[tcp(64, 64)], |_, _| Truth::default()).noise(0.01);
    let mut trials: Vec<Trial> = run.trials();
    let saturated = trials.iter_mut().flat_map(|trial| &mut trial.loads).filter(|load| load.mode == Mode::Saturate);
    saturated.for_each(changed);
    let found = limits(&trials, &run.context, &mut Resampler::with(1, 1_000));
    assert_eq!(found.len(), 2);
    found.into_iter().next().expect("two variants")
}

fn support(limits: &Limits, constraint: Constraint) -> Support {
    limits.evidence.iter().find(|evidence| evidence.constraint == constraint).expect("all are looked at").support
}

/// Makes the one server CPU busy for this share of the window.
fn busy(load: &mut suite::record::Load, share: f64) {
    load.server.cpu_ns = (load.host.window_ns as f64 * share) as u64;
}

#[test]
fn cpus_without_time_left_are_what_limits() {
    let found = of(|load| busy(load, 0.97));
    assert_eq!(found.first().map(|evidence| evidence.constraint), Some(Constraint::ServerCpu));
    // 180 000 frames in two seconds took 1.94 s of one CPU.
    assert!((found.predicted_per_s / (90_000.0 / 0.97) - 1.0).abs() < 0.05, "{}", found.predicted_per_s);
    assert_eq!(support(&of(|load| busy(load, 0.85)), Constraint::ServerCpu), Support::Unexplained);
}

#[test]
fn idle_cpus_are_refuted_and_nothing_is_made_up() {
    let found = of(|load| busy(load, 0.5));
    assert_eq!(support(&found, Constraint::ServerCpu), Support::Refuted);
    assert_eq!(found.first(), None, "unexplained is an outcome");
}

#[test]
fn the_client_comes_first() {
    let found = of(|load| {
        busy(load, 0.97);
        load.gates.push(gate("client_busy"));
    });
    assert_eq!(found.first().map(|evidence| evidence.constraint), Some(Constraint::Client));
}

#[test]
fn waiting_for_a_cpu_is_a_cause_of_its_own() {
    let found = of(|load| {
        busy(load, 0.6);
        load.server.run_delay_ns = load.server.cpu_ns / 4;
    });
    assert_eq!(found.first().map(|evidence| evidence.constraint), Some(Constraint::RunQueue));
}
