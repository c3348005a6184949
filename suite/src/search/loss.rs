//! Counts, in a recorded histogram, the frames that came in time.

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use thiserror::Error;

/// A histogram text that is not one.
#[derive(Debug, Error)]
#[error("the response histogram does not decode: {0}")]
pub struct HistogramError(String);

/// The response times of one step.
#[derive(Debug, Clone)]
pub struct Responses {
    finite: Histogram<u64>,
}

impl Responses {
    /// Decodes a histogram as the load client encodes it: HdrHistogram V2, deflated, base64. Empty text is no samples.
    ///
    /// # Errors
    /// When it is not such a text.
    pub fn decode(text: &str) -> Result<Self, HistogramError> {
        let wrong = |error: &dyn std::fmt::Display| HistogramError(error.to_string());
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| wrong(&error))?;
        let finite = Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|error| wrong(&error))?;
        Ok(Self { finite })
    }

    /// Frames answered within `deadline_ns`, exactly: counted at the edge of the histogram's bucket that holds the
    /// deadline, at most 0.1 % later. Everything else that was due is lost, and has no place in the histogram either.
    #[must_use]
    pub fn in_time(&self, deadline_ns: u64) -> u64 {
        let edge = self.finite.highest_equivalent(deadline_ns);
        self.finite
            .iter_recorded()
            .take_while(|step| step.value_iterated_to() <= edge)
            .map(|s| s.count_at_value())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

    fn encode(samples: impl IntoIterator<Item = u64>) -> String {
        let mut histogram: Histogram<u64> = Histogram::new_with_bounds(1, 3_600_000_000_000, 3).expect("bounds");
        samples.into_iter().for_each(|ns| histogram.saturating_record(ns));
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&histogram, &mut bytes).expect("memory");
        BASE64_STANDARD.encode(bytes)
    }

    #[test]
    fn every_frame_is_counted_on_its_side_of_the_deadline() {
        let in_time = |samples: &[u64], deadline| {
            Responses::decode(&encode(samples.iter().copied())).expect("encoded").in_time(deadline)
        };
        assert_eq!(in_time(&[], 1_000_000), 0);
        assert_eq!(in_time(&[1, 999_999, 1_000_000], 1_000_000), 3);
        // Buckets are 512 ns wide here.
        assert_eq!(in_time(&[1_000_000, 1_001_000, u64::MAX], 1_000_000), 1);
        let spread: Vec<u64> = (1..=10_000).map(|step| step * 1_000).collect();
        for deadline_us in [1, 500, 1_000, 2_500, 9_999] {
            let exact = spread.iter().filter(|ns| **ns <= deadline_us * 1_000).count() as u64;
            let counted = in_time(&spread, deadline_us * 1_000);
            // A bucket's width, at most 0.1 % of the deadline, is at most 10 samples here.
            assert!(counted >= exact && counted - exact <= deadline_us / 1_000 + 1, "{deadline_us}: {counted} {exact}");
        }
    }

    #[test]
    fn what_is_no_histogram_is_an_error() {
        assert!(Responses::decode("AAAA").is_err());
        assert!(Responses::decode("?").is_err());
    }
}
