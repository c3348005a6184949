//! The gates that a client can judge by itself: reasons why a trial is not valid.

use crate::report::Gate;
use crate::spec::{Mode, Spec};
use crate::tally::Tally;
use crate::worker::{Outcome, is_wrong_reply};

/// Least share of the intended rate that must be achieved.
const ACHIEVED_MIN: f64 = 0.99;
/// Lag p99 may reach this, or the share below of response p50, whichever is more.
const LAG_P99_NS_MAX: u64 = 20_000;
const LAG_P99_OF_RESPONSE_P50_MAX: f64 = 0.10;
/// Lag p99 of the last quarter of the window against the first, if it rises throughout and leaves the bound above.
const LAG_TREND_MAX: f64 = 2.0;
/// Largest productive share of a load thread's time.
const BUSY_MAX: f64 = 0.80;
/// Largest share of the window that a load thread may wait for a CPU.
const RUN_DELAY_MAX: f64 = 0.01;
/// Little's law: rate × mean time ÷ in flight.
const LITTLE: std::ops::RangeInclusive<f64> = 0.95..=1.05;

/// TIME_WAIT keeps a port for a minute, or for a second where the kernel may use it again.
const PORTS_FIX: &str = "give more --srcips, or --close rst (no TIME_WAIT), or `sysctl -w net.ipv4.tcp_tw_reuse=1`, \
     or `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`";

/// All gates that tripped. `tally` is the sum of the outcomes' tallies.
pub(crate) fn judge(spec: &Spec, outcomes: &[Outcome], tally: &Tally) -> Vec<Gate> {
    let mut gates = Vec::new();
    let mut trip = |gate: &str, detail: String| gates.push(Gate { gate: gate.into(), detail });
    let window_ns = spec.duration_ns as f64;

    let live: u64 = outcomes.iter().map(|o| o.conns_live).sum();
    let (active, answered) = outcomes.iter().fold((0, 0), |(a, b), o| (a + o.conns_active, b + o.conns_answered));
    // What a server does to slow readers is the result, not a fault of the measurement.
    let slow = matches!(spec.mode, Mode::SlowReader(_));
    if slow || matches!(spec.mode, Mode::Churn(_)) {
        // Connections come and go: those that did not are errors, or missing in the rate.
    } else if live != u64::from(spec.conns) {
        trip("live", format!("{live} connections at the end of the window, {} asked", spec.conns));
    } else if answered < active && spec.mode != (Mode::Hold { heartbeat: None }) {
        trip("live", format!("{} of {active} active connections never got a reply", active - answered));
    }

    let completed: u64 = tally.completed_by_second.iter().sum();
    // One frame may always be on its way when the window ends.
    if spec.mode.is_of_frames() && !slow && ((completed + 1) as f64) < ACHIEVED_MIN * tally.intended as f64 {
        let share = completed as f64 / tally.intended as f64;
        trip(
            "rate",
            format!("{completed} of {} frames in the window: {share:.3}, at least {ACHIEVED_MIN}", tally.intended),
        );
    }

    if !slow {
        lag(tally, &mut trip);
        // Where the rate rises by plan, lag may rise with it.
        if spec.phases.is_empty() {
            lag_trend(tally, &mut trip);
        }
    }

    for (thread, outcome) in outcomes.iter().enumerate() {
        let busy = outcome.busy(spec.duration_ns);
        if busy > BUSY_MAX {
            trip(
                "client_busy",
                format!("load thread {thread} was {:.0} % busy, at most {:.0} %", busy * 100.0, BUSY_MAX * 100.0),
            );
        }
        let delay = outcome.run_delay_ns as f64 / window_ns;
        if delay > RUN_DELAY_MAX {
            let (delay, max) = (delay * 100.0, RUN_DELAY_MAX * 100.0);
            trip(
                "run_delay",
                format!("load thread {thread} waited for a CPU {delay:.1} % of the window, at most {max:.0} %"),
            );
        }
    }

    let list = |wrong: bool| -> String {
        let of_kind = tally.errors.iter().filter(|(kind, _)| is_wrong_reply(kind) == wrong);
        of_kind.map(|(kind, count)| format!("{count} × {kind}")).collect::<Vec<_>>().join(", ")
    };
    for (gate, wrong) in [("wrong_reply", true), ("errors", false)] {
        let kinds = list(wrong);
        if !kinds.is_empty() && (wrong || !slow) {
            trip(gate, kinds);
        }
    }

    if let Some(stream) = tally.stream.as_ref().filter(|stream| stream.unfinished > 0) {
        trip(
            "unfinished",
            format!("{} streams were not acknowledged in full within the grace time", stream.unfinished),
        );
    }

    if let Some(count) = tally.errors.get("connect_out_of_ports") {
        trip("ports", format!("{count} connects found no free source port: {PORTS_FIX}"));
    }

    if tally.overflows > 0 && !slow {
        trip("overflow", format!("{} intended times found a full queue", tally.overflows));
    }

    if let Mode::Saturate { in_flight } = spec.mode {
        let in_flight = (u64::from(in_flight) * active) as f64;
        let seen = tally.service.count() as f64 * tally.service.finite_mean_ns() / window_ns;
        if !LITTLE.contains(&(seen / in_flight)) {
            let (low, high) = (LITTLE.start(), LITTLE.end());
            trip(
                "little",
                format!(
                    "rate × mean service is {seen:.1}, {in_flight} were to be in flight: {:.3}, within {low}–{high}",
                    seen / in_flight
                ),
            );
        }
    }
    gates
}

fn lag(tally: &Tally, trip: &mut impl FnMut(&str, String)) {
    let quantiles = tally.lag.quantiles();
    if quantiles.count + quantiles.infinite == 0 {
        return;
    }
    let allowed = lag_p99_allowed_ns(tally);
    match quantiles.p99 {
        Some(p99) if p99 <= allowed => {}
        Some(p99) => trip("lag", format!("p99 {} µs, at most {} µs", p99 / 1000, allowed / 1000)),
        None => trip("lag", "more than 1 % of the frames were never written".into()),
    }
}

fn lag_p99_allowed_ns(tally: &Tally) -> u64 {
    let of_response = tally.response.quantile(0.5).map_or(0.0, |p50| LAG_P99_OF_RESPONSE_P50_MAX * p50 as f64);
    LAG_P99_NS_MAX.max(of_response as u64)
}

fn lag_trend(tally: &Tally, trip: &mut impl FnMut(&str, String)) {
    let allowed = lag_p99_allowed_ns(tally);
    let quarters = tally.lag_by_quarter.each_ref().map(|quarter| quarter.quantile(0.99).unwrap_or(0));
    let [first, .., last] = quarters;
    if quarters.is_sorted() && last > allowed && last as f64 > LAG_TREND_MAX * first as f64 {
        trip("lag_trend", format!("p99 by quarter {quarters:?} ns, rising"));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::ledger::Flight;
    use crate::spec::Args;
    use crate::tally::{Attribution, Window};

    const SECOND: u64 = 1_000_000_000;
    const WINDOW: Window = Window { begin_ns: SECOND, end_ns: 2 * SECOND };

    /// One thread with 10 connections that answered 1 000 frames, spread over a second, each 5 µs late
    /// and 100 µs after it was written.
    fn valid() -> Outcome {
        load((0..1000).map(|i| (i * 1_000_000, 5_000)))
    }

    fn load(frames: impl IntoIterator<Item = (u64, u64)>) -> Outcome {
        let mut tally = Tally::new(Attribution::Intended);
        tally.open_window(WINDOW);
        for (offset_ns, lag_ns) in frames {
            let intended_ns = SECOND + offset_ns;
            let attempted_ns = intended_ns + lag_ns;
            tally.intended(intended_ns);
            tally.attempted(intended_ns, attempted_ns);
            tally.answered(Flight { intended_ns, attempted_ns }, attempted_ns + 100_000);
        }
        let (conns_live, conns_active, conns_answered) = (10, 10, 10);
        Outcome { tally, cpu_ns: SECOND / 2, run_delay_ns: 0, spin_ns: 0, conns_live, conns_active, conns_answered }
    }

    fn check_mode(mode: &str, outcome: Outcome, expected: &[&str]) {
        let line = format!("x --target tcp://127.0.0.1:1 --conns 10 --duration 1s {mode}");
        let args = Args::try_parse_from(line.split_whitespace()).expect("well formed");
        let spec = Spec::try_from(args).expect("consistent");
        let tally = outcome.tally.clone();
        let gates = judge(&spec, &[outcome], &tally);
        assert_eq!(gates.iter().map(|gate| gate.gate.as_str()).collect::<Vec<_>>(), expected, "{gates:?}");
    }

    fn check(outcome: Outcome, expected: &[&str]) {
        check_mode("--rate 100", outcome, expected);
    }

    #[test]
    fn a_valid_load_trips_nothing() {
        check(valid(), &[]);
    }

    #[test]
    fn connections_must_live_and_answer() {
        check(Outcome { conns_live: 9, ..valid() }, &["live"]);
        check(Outcome { conns_answered: 9, ..valid() }, &["live"]);
        check_mode("--mode hold", Outcome { conns_answered: 0, ..valid() }, &[]);
    }

    #[test]
    fn one_per_cent_may_be_missing_and_no_more() {
        let missing = |count: u64| {
            let mut outcome = valid();
            for i in 0..count {
                let flight = Flight { intended_ns: SECOND + i, attempted_ns: SECOND + i };
                outcome.tally.intended(flight.intended_ns);
                outcome.tally.attempted(flight.intended_ns, flight.attempted_ns);
                outcome.tally.unanswered(flight);
            }
            outcome
        };
        check(missing(10), &[]);
        check(missing(13), &["rate"]);
    }

    #[test]
    fn lateness_is_measured_against_the_response() {
        // 2 % of the frames: p99 is among them.
        let late = |lag_ns| load((0..1000).map(move |i| (i * 1_000_000, if i % 50 == 0 { lag_ns } else { 1_000 })));
        check(late(19_000), &[]);
        // Response p50 is 101 µs: the bound stays at 20 µs.
        check(late(25_000), &["lag"]);
        // Against 10 ms the same is nothing.
        let mut slow = late(25_000);
        for i in 0..2000 {
            slow.tally.response.record(10_000_000 + i);
        }
        check(slow, &[]);
    }

    #[test]
    fn rising_lag_is_a_trend() {
        check(load((0..1000).map(|i| (i * 1_000_000, i * 100))), &["lag", "lag_trend"]);
        check(load((0..1000).map(|i| (i * 1_000_000, (1000 - i) * 100))), &["lag"]);
    }

    #[test]
    fn a_thread_must_have_time_left() {
        check(Outcome { cpu_ns: SECOND * 85 / 100, ..valid() }, &["client_busy"]);
        check(Outcome { cpu_ns: SECOND * 95 / 100, spin_ns: SECOND / 2, ..valid() }, &[]);
        check(Outcome { run_delay_ns: SECOND / 50, ..valid() }, &["run_delay"]);
    }

    #[test]
    fn errors_and_wrong_replies_are_two_things() {
        let with = |kind: &str| {
            let mut outcome = valid();
            outcome.tally.error(kind);
            outcome
        };
        check(with("wrong_content"), &["wrong_reply"]);
        check(with("reset"), &["errors"]);
        let mut outcome = valid();
        outcome.tally.overflows = 1;
        check(outcome, &["overflow"]);
    }

    #[test]
    fn a_closed_loop_obeys_littles_law() {
        // 10 connections, one in flight, one millisecond each: 10 000 frames a second.
        let busy = |frames: u64| {
            let mut outcome = load([]);
            outcome.tally = Tally::new(Attribution::Completed);
            outcome.tally.open_window(WINDOW);
            for i in 0..frames {
                let attempted_ns = SECOND + i * 90_000;
                outcome.tally.intended(attempted_ns);
                let flight = Flight { intended_ns: attempted_ns, attempted_ns };
                outcome.tally.answered(flight, attempted_ns + 1_000_000);
            }
            outcome
        };
        check_mode("--mode saturate", busy(10_000), &[]);
        check_mode("--mode saturate", busy(9_000), &["little"]);
        check_mode("--mode saturate --in-flight 2", busy(10_000), &["little"]);
    }
}
