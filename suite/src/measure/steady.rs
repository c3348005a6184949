//! Was a window steady? A warm-up that was too short, a server that slows down and a host that changed show as a trend.

use loadclient::report::Part;

use crate::record::{Load, Mode};

/// Parts with frames that a judgement needs: with fewer, chance alone makes trends.
const PARTS_MIN: usize = 18;
/// Frames in a part below which its mean says nothing.
const FRAMES_MIN: u64 = 20;
/// Normal deviate of the trend test: chance alone exceeds it once in a thousand windows.
const TREND_MIN: f64 = 3.29;
/// And by so much the last third must differ from the first: a small drift that is certain is still small.
const SHIFT_MIN: f64 = 0.10;

/// What changed in the course of the window, if something did: of a closed loop the throughput, of an open one, whose
/// rate is fixed, the mean service time.
#[must_use]
pub(super) fn unsteady(load: &Load) -> Option<String> {
    if !load.client.phases.is_empty() {
        // Its rate changes on purpose.
        return None;
    }
    let parts = &load.client.parts;
    let (what, values): (&str, Vec<f64>) = match load.mode {
        Mode::Saturate => ("throughput", parts.iter().map(|part| part.frames_ok as f64).collect()),
        Mode::Open => {
            let whole = |part: &&Part| part.frames_ok >= FRAMES_MIN;
            let mean = |part: &Part| part.service_ns_sum as f64 / part.frames_ok as f64;
            ("mean service time", parts.iter().filter(whole).map(mean).collect())
        }
        // Nothing is sent that could have a trend; or the backlog grows on purpose; or the rate changes with every step.
        Mode::Hold | Mode::SlowReader | Mode::Search => return None,
    };
    if values.len() < PARTS_MIN || load.client.frames_ok < FRAMES_MIN * values.len() as u64 {
        return None;
    }
    let third = values.len() / 3;
    let (head, tail) = (&values[..third], &values[values.len() - third..]);
    let shift = median(tail) / median(head) - 1.0;
    let certain = trend(&values).abs() > TREND_MIN || apart(head, tail);
    (certain && shift.abs() > SHIFT_MIN).then(|| {
        let (way, percent) = (if shift > 0.0 { "rose" } else { "fell" }, shift.abs() * 100.0);
        format!("{what} {way} by {percent:.0} % from the first third of the window to the last, 10 % is allowed")
    })
}

/// The Mann–Kendall statistic as a normal deviate: positive where later values tend to be larger. Of ranks alone, so
/// that one slow part is one slow part.
fn trend(values: &[f64]) -> f64 {
    let pairs = values.iter().enumerate().flat_map(|(i, a)| values[i + 1..].iter().map(move |b| (a, b)));
    let score: i64 = pairs.map(|(a, b)| i64::from(b > a) - i64::from(b < a)).sum();
    let n = values.len() as f64;
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    // Less one for continuity.
    score.signum() as f64 * (score.unsigned_abs().saturating_sub(1)) as f64 / deviation
}

/// Whether every value of one lies beyond every value of the other: a step in the middle, which is no trend. Of thirds of
/// six or more parts, chance alone makes that twice in a thousand windows.
fn apart(head: &[f64], tail: &[f64]) -> bool {
    let below = |a: &[f64], b: &[f64]| a.iter().all(|a| b.iter().all(|b| a < b));
    below(head, tail) || below(tail, head)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::gates::tests::load;
    use super::*;

    /// A window whose value in each part is `level`, between 0 and 1 of the window, with `noise` to either side.
    fn window(mode: Mode, noise: f64, seed: u64, level: impl Fn(f64) -> f64) -> Load {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut load = load();
        load.mode = mode;
        let part = |index: usize| {
            let level = level(index as f64 / 20.0) * (1.0 + noise * (random.random::<f64>() * 2.0 - 1.0));
            match mode {
                Mode::Open => Part { frames_ok: 500, service_ns_sum: (500.0 * 40_000.0 * level) as u64 },
                _ => Part { frames_ok: (5_000.0 * level) as u64, service_ns_sum: 0 },
            }
        };
        load.client.parts = (0..20).map(part).collect();
        load
    }

    fn tripped(mode: Mode, noise: f64, level: impl Fn(f64) -> f64 + Copy) -> usize {
        (0..1000).filter(|seed| unsteady(&window(mode, noise, *seed, level)).is_some()).count()
    }

    #[test]
    fn a_steady_window_is_steady_however_noisy() {
        for mode in [Mode::Open, Mode::Saturate] {
            assert!(tripped(mode, 0.02, |_| 1.0) == 0);
            assert!(tripped(mode, 0.8, |_| 1.0) <= 9, "chance: three in a thousand");
        }
    }

    #[test]
    fn what_changes_is_seen() {
        let warming = |at: f64| 1.0 + 0.6 * (-at * 4.0).exp();
        let slowing = |at: f64| 1.0 - 0.3 * at;
        let half_way = |at: f64| if at < 0.5 { 1.0 } else { 1.25 };
        for mode in [Mode::Open, Mode::Saturate] {
            assert!(tripped(mode, 0.05, warming) > 990);
            assert!(tripped(mode, 0.05, slowing) > 990);
            assert!(tripped(mode, 0.05, half_way) > 900);
            assert_eq!(tripped(mode, 0.01, |at| 1.0 + 0.08 * at), 0, "certain, and small");
            assert_eq!(tripped(mode, 0.02, |at| if (0.4..0.5).contains(&at) { 30.0 } else { 1.0 }), 0, "one hiccup");
        }
    }

    #[test]
    fn what_cannot_be_judged_is_not() {
        let mut sparse = window(Mode::Open, 0.0, 1, |at| 1.0 + at);
        assert!(unsteady(&sparse).is_some_and(|detail| detail.starts_with("mean service time rose by ")));
        sparse.client.parts.iter_mut().for_each(|part| part.frames_ok = 5);
        assert_eq!(unsteady(&sparse), None);
        sparse.client.parts.clear();
        assert_eq!(unsteady(&sparse), None, "a report of an older client");
    }
}
