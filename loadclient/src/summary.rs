//! The report of one process, from what its threads measured.

use crate::gates;
use crate::report::{Histograms, Report, SCHEMA};
use crate::spec::{Mode, Spec};
use crate::worker::Outcome;

/// Adds the threads up. There is at least one.
pub(crate) fn report(spec: &Spec, outcomes: &[Outcome]) -> Report {
    let (first, others) = outcomes.split_first().expect("a load has at least one thread");
    let mut tally = first.tally.clone();
    for other in others {
        tally.merge(&other.tally);
    }
    let begin_ns = tally.window.begin_ns;
    let seconds = spec.duration_ns as f64 / 1e9;
    let completed: u64 = tally.completed_by_second.iter().sum();
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").into(),
        mode: spec.mode.name().into(),
        targets: spec.targets.iter().map(ToString::to_string).collect(),
        seed: spec.seed,
        processes: 1,
        threads: spec.threads,
        payload_bytes: spec.payload_bytes.into(),
        in_flight: match spec.mode {
            Mode::Saturate { in_flight } => in_flight,
            Mode::Open { in_flight_max, .. } => in_flight_max.unwrap_or(0),
            Mode::Hold { .. } => 0,
        },
        conns_asked: spec.conns.into(),
        conns_live: sum(|o| o.conns_live),
        conns_active: sum(|o| o.conns_active),
        conns_answered: sum(|o| o.conns_answered),
        duration_ns: spec.duration_ns,
        frames_intended: tally.intended,
        frames_sent: tally.intended - tally.unsent,
        frames_ok: tally.ok,
        frames_wrong: tally.wrong,
        frames_unsent: tally.unsent,
        frames_unanswered: tally.unanswered,
        rate_intended_per_s: tally.intended as f64 / seconds,
        rate_achieved_per_s: completed as f64 / seconds,
        response_ns: tally.response.quantiles(),
        service_ns: tally.service.quantiles(),
        lag_ns: tally.lag.quantiles(),
        connect_ns: tally.connect.quantiles(),
        lag_p99_ns_by_quarter: tally.lag_by_quarter.iter().map(|q| q.quantile(0.99).unwrap_or(0)).collect(),
        frames_per_write: if tally.writes > 0 { tally.frames_written as f64 / tally.writes as f64 } else { 0.0 },
        bytes_out: tally.bytes_out,
        bytes_in: tally.bytes_in,
        cpu_ns: sum(|o| o.cpu_ns),
        spin_ns: sum(|o| o.spin_ns),
        run_delay_ns: sum(|o| o.run_delay_ns),
        thread_busy_max: outcomes.iter().map(|o| o.busy(spec.duration_ns)).fold(0.0, f64::max),
        hdr: Histograms {
            response: tally.response.encode(),
            service: tally.service.encode(),
            lag: tally.lag.encode(),
            connect: tally.connect.encode(),
        },
        phases: spec.phases.iter().zip(&tally.phases).map(|(asked, seen)| seen.report(asked, begin_ns)).collect(),
        gates: gates::judge(spec, outcomes, &tally),
        frames_ok_by_second: tally.completed_by_second,
        errors: tally.errors,
    }
}
