//! Bencher Metric Format: what `bencher run --adapter json` reads.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cells::{gather, median};
use crate::record::Trial;

/// One measure of one benchmark.
#[derive(Debug, Serialize)]
struct Measure {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// The run in Bencher Metric Format: `{"engine/variant/tcp/256x64": {"response_p99_ns": {"value": …}}}`, the value the
/// median over the trials that count, lower and upper the least and the most of them. What does not count is left out.
///
/// # Panics
/// Never: it holds only string keys and finite numbers.
#[must_use]
pub fn bmf(trials: &[Trial]) -> String {
    let mut benchmarks: BTreeMap<String, BTreeMap<&'static str, Measure>> = BTreeMap::new();
    for gathered in gather(trials) {
        let cell = gathered.cell;
        let place = format!("{}/{}x{}", cell.transport.name(), cell.connections, cell.payload_bytes);
        let name = format!("{}/{}/{place}", gathered.engine, gathered.variant);
        let several = gathered.values.len() > 1;
        let least = gathered.values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = gathered.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let measure = Measure {
            value: median(&gathered.values),
            lower_value: several.then_some(least),
            upper_value: several.then_some(most),
        };
        benchmarks.entry(name).or_default().insert(gathered.metric.key(), measure);
    }
    serde_json::to_string_pretty(&benchmarks).expect("string keys, finite numbers") + "\n"
}
