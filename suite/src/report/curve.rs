//! Curves of latency by percentile, from the recorded histograms.

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::analyse::{Metric, judge};
use crate::record::{Mode, Trial};

/// Points of a curve, as 1 ÷ (1 − q): evenly spaced in the logarithm, up to five nines.
const STEPS: u32 = 50;

/// A curve is drawn over a logarithmic axis: one per cent is less than the width of its line.
const STEP_OF_VALUES: f64 = 0.01;

/// Latency by percentile of one trial: nanoseconds at 1 ÷ (1 − q) = 10^(step ÷ 5), from step 0 on. It ends where fewer than
/// ten samples lie beyond, or where the unanswered begin. Empty when there is no histogram, or none that can be read.
pub(super) fn thin(encoded: &str, infinite: u64) -> Vec<u64> {
    let curve = decode(encoded).map_or_else(Vec::new, |histogram| points(&histogram, infinite));
    curve.into_iter().step_by(2).collect()
}

/// The response times of several trials in one curve with twice as many points, histograms added; trials whose `metric` does not count are left out.
pub(super) fn merged<'a>(metric: Metric, trials: impl Iterator<Item = &'a Trial>) -> Vec<u64> {
    let mut merged: Option<Histogram<u64>> = None;
    let mut infinite = 0;
    for trial in trials.filter(|trial| judge(metric, trial).usable().is_some()) {
        let Some(load) = trial.loads.iter().find(|load| load.mode == Mode::Open) else { continue };
        let Some(histogram) = decode(&load.client.hdr.response) else { continue };
        infinite += load.client.response_ns.infinite;
        match &mut merged {
            Some(sum) => sum.add(&histogram).expect("the sum grows as it must"),
            None => {
                let mut first = histogram;
                first.auto(true);
                merged = Some(first);
            }
        }
    }
    merged.map_or_else(Vec::new, |sum| points(&sum, infinite))
}

/// Where along 1 ÷ (1 − q) the `step`th point of a curve lies.
pub(super) fn nines(step: usize) -> f64 {
    10f64.powf(5.0 * step as f64 / f64::from(STEPS))
}

/// The curve in few characters: the logarithm of the first value, then the differences, in steps of 1 %.
pub(super) fn packed(curve: &[u64]) -> Vec<i64> {
    let mut last = 0;
    let difference = |ns: &u64| {
        let level = ((*ns).max(1) as f64).ln() / STEP_OF_VALUES;
        let level = level.round() as i64;
        let difference = level - last;
        last = level;
        difference
    };
    curve.iter().map(difference).collect()
}

fn decode(encoded: &str) -> Option<Histogram<u64>> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

fn points(histogram: &Histogram<u64>, infinite: u64) -> Vec<u64> {
    let all = histogram.len() + infinite;
    let point = |step: u32| {
        let beyond = all as f64 / nines(step as usize);
        // The rank counts all requests; only the finite ones are in the histogram.
        let rank = all as f64 - beyond;
        (beyond >= 10.0 && rank <= histogram.len() as f64)
            .then(|| histogram.value_at_quantile(rank / histogram.len() as f64))
    };
    if histogram.is_empty() { Vec::new() } else { (0..=STEPS).map_while(point).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_curve_is_within_a_per_cent() {
        let curve = [1_234, 5_678, 5_678, 91_011, 1_000_000_007];
        let mut level = 0;
        for (difference, ns) in packed(&curve).iter().zip(curve) {
            level += difference;
            let unpacked = (level as f64 * STEP_OF_VALUES).exp();
            assert!((unpacked / ns as f64).ln().abs() <= STEP_OF_VALUES / 2.0 + 1e-9, "{unpacked} for {ns}");
        }
    }
}
