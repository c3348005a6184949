//! A latency histogram with a count of samples at +∞.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use thiserror::Error;

use crate::report::Quantiles;

/// Beyond this a sample is recorded as this: an hour is longer than any trial.
const NANOS_MAX: u64 = 3_600_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Nanoseconds at three significant digits, plus what was never answered. About 270 KB, of which only the touched
/// pages are resident: one per thread and kind, none per connection.
#[derive(Debug, Clone)]
pub struct Latencies {
    finite: Histogram<u64>,
    infinite: u64,
}

/// A histogram text that is not one.
#[derive(Debug, Error)]
#[error("histogram is not base64 of a deflated V2 HdrHistogram: {0}")]
pub struct DecodeError(String);

impl Latencies {
    #[must_use]
    pub fn new() -> Self {
        let finite = Histogram::new_with_bounds(1, NANOS_MAX, SIGNIFICANT_DIGITS).expect("the bounds are in order");
        Self { finite, infinite: 0 }
    }

    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.finite.saturating_record(ns);
    }

    /// Samples that never came.
    #[inline]
    pub const fn record_infinite(&mut self, count: u64) {
        self.infinite += count;
    }

    /// Adds the samples of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.finite.add(&other.finite).expect("all histograms have the same bounds");
        self.infinite += other.infinite;
    }

    /// Finite samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.finite.len()
    }

    /// Mean of the finite samples; 0 without any.
    #[must_use]
    pub fn finite_mean_ns(&self) -> f64 {
        self.finite.mean()
    }

    /// The value at or below which the share `q` of all samples lies, infinite ones included;
    /// `None` when that falls among the infinite, or nothing was recorded.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let total = self.count() + self.infinite;
        // Ranks are 1..=total, so p50 of two samples is the first. The subtraction keeps 0.99 × 100 at 99.
        let rank = ((q * total as f64 - 1e-6).ceil() as u64).max(1);
        if rank > self.count() {
            return None;
        }
        let mut seen = 0;
        self.finite.iter_recorded().find_map(|step| {
            seen += step.count_since_last_iteration();
            (seen >= rank).then(|| self.finite.highest_equivalent(step.value_iterated_to()))
        })
    }

    /// The usual quantiles.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        let whole = self.infinite == 0 && self.count() > 0;
        Quantiles {
            count: self.count(),
            infinite: self.infinite,
            mean: whole.then(|| self.finite_mean_ns()),
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            max: whole.then(|| self.finite.max()),
        }
    }

    /// HdrHistogram V2, deflated, base64. The infinite count travels beside it, in [`Quantiles`].
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.finite, &mut bytes).expect("writing to memory cannot fail");
        BASE64_STANDARD.encode(bytes)
    }

    /// What [`Latencies::encode`] made, with the infinite count that goes with it.
    ///
    /// # Errors
    /// The text is no such histogram, or has other bounds than this program's.
    pub fn decode(text: &str, infinite: u64) -> Result<Self, DecodeError> {
        let wrong = |what: &dyn std::fmt::Display| DecodeError(what.to_string());
        let bytes = BASE64_STANDARD.decode(text).map_err(|error| wrong(&error))?;
        let other: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).map_err(|error| wrong(&error))?;
        let mut own = Self::new();
        own.finite.add(&other).map_err(|error| wrong(&error))?;
        own.infinite = infinite;
        Ok(own)
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: impl IntoIterator<Item = u64>, infinite: u64) -> Latencies {
        let mut latencies = Latencies::new();
        samples.into_iter().for_each(|ns| latencies.record(ns));
        latencies.record_infinite(infinite);
        latencies
    }

    /// Values up to 2047 are exact at three digits.
    #[test]
    fn known_quantiles() {
        let all = of(1..=1000, 0);
        let q = all.quantiles();
        assert_eq!((q.p50, q.p90, q.p99, q.p999, q.max), (Some(500), Some(900), Some(990), Some(999), Some(1000)));
        assert_eq!((q.count, q.infinite, q.mean), (1000, 0, Some(500.5)));
    }

    #[test]
    fn the_unanswered_are_at_the_far_end() {
        // 990 finite and 10 infinite: p99 is the last finite one, p99.9 is infinite.
        let q = of(1..=990, 10).quantiles();
        assert_eq!((q.p50, q.p99, q.p999, q.max, q.mean), (Some(500), Some(990), None, None, None));
        // 11 infinite of 1 000: p99 is infinite too.
        let q = of(1..=989, 11).quantiles();
        assert_eq!((q.p90, q.p99), (Some(900), None));
        assert_eq!(of([], 3).quantiles().p50, None);
        assert_eq!(Latencies::new().quantiles(), Quantiles::default());
    }

    #[test]
    fn merging_is_recording_in_one() {
        let mut merged = of(1..=300, 2);
        merged.merge(&of(301..=1000, 5));
        assert_eq!(merged.quantiles(), of(1..=1000, 7).quantiles());
    }

    #[test]
    fn the_text_keeps_everything() {
        let all = of((1..2000).map(|i| i * i * 1000), 4);
        let back = Latencies::decode(&all.encode(), 4).expect("just encoded");
        assert_eq!(back.quantiles(), all.quantiles());
        assert!(Latencies::decode("", 0).is_err());
        assert!(Latencies::decode("AAAA", 0).is_err());
    }

    #[test]
    fn beyond_the_bounds_is_at_the_bounds() {
        let all = of([0, u64::MAX], 0);
        assert_eq!(all.count(), 2);
        assert!(all.quantiles().max.expect("finite") >= NANOS_MAX);
    }
}
