//! The whole accounting in simulated time: schedule, ledger of times and histograms, with a server that is a formula.
//! No clock and no socket: what is left is the arithmetic, and it must be right to the histogram's resolution.

use loadclient::ledger::Flight;
use loadclient::report::Quantiles;
use loadclient::schedule::Schedule;
use loadclient::spec::Shape;
use loadclient::tally::{Attribution, Tally, Window};

const SECOND: u64 = 1_000_000_000;
const SERVICE_NS: u64 = 50_000;

/// Ten seconds of load on a server that answers in 50 µs, save in the first `still` of every `period`.
fn load(shape: Shape, rate: f64, period_ns: u64, still_ns: u64) -> Quantiles {
    let mut tally = Tally::new(Attribution::Intended);
    let window = Window { begin_ns: SECOND, end_ns: 11 * SECOND };
    tally.open_window(window);
    let mut schedule = Schedule::new(shape, rate, 10, 42, 0, 1);
    loop {
        let at_ns = schedule.take().at_ns;
        if at_ns >= window.end_ns {
            return tally.response.quantiles();
        }
        let attempted_ns = at_ns + 1_000;
        let phase_ns = attempted_ns % period_ns;
        let answered_ns = attempted_ns + still_ns.saturating_sub(phase_ns) + SERVICE_NS;
        tally.intended(at_ns);
        tally.attempted(at_ns, attempted_ns);
        tally.answered(Flight { intended_ns: at_ns, attempted_ns }, answered_ns);
    }
}

/// Share of frames that wait longer than x: (still − x) ÷ period.
fn expected_ns(period_ns: u64, still_ns: u64, q: f64) -> f64 {
    (still_ns as f64 - (1.0 - q) * period_ns as f64).max(0.0) + (SERVICE_NS + 1_000) as f64
}

fn check(shape: Shape, rate: f64, period_ns: u64, still_ns: u64, tolerance: f64) {
    let got = load(shape, rate, period_ns, still_ns);
    for (q, value) in [(0.5, got.p50), (0.9, got.p90), (0.99, got.p99), (0.999, got.p999)] {
        let value = value.expect("all were answered") as f64;
        let expected = expected_ns(period_ns, still_ns, q);
        // A comb can be off by one of its gaps, on top.
        let allowed = tolerance * expected + 1e9 / rate;
        assert!((value - expected).abs() <= allowed, "{shape:?} {rate}/s q {q}: {value}, {expected} is right");
    }
}

#[test]
fn a_stall_of_200_ms_once_a_second() {
    for rate in [10_000.0, 30_011.0, 100_000.0] {
        check(Shape::Fixed, rate, SECOND, 200_000_000, 0.002);
        check(Shape::UniformPhase, rate, SECOND, 200_000_000, 0.002);
    }
}

#[test]
fn a_freeze_of_1400_ms_at_2000_a_second() {
    check(Shape::Fixed, 2000.0, 2 * SECOND, 1_400_000_000, 0.002);
    check(Shape::Fixed, 20_000.0, 10 * SECOND, 1_400_000_000, 0.002);
}

/// At random times: the counts in the stalls vary by √n, which moves a quantile by far less than 2 % of it.
#[test]
fn random_times_agree_within_their_sampling_error() {
    check(Shape::Poisson, 100_000.0, SECOND, 200_000_000, 0.02);
    check(Shape::Poisson, 20_000.0, 2 * SECOND, 1_400_000_000, 0.02);
}
