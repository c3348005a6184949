//! Long form: every metric of every trial, one value a line, for re-analysis elsewhere.

use crate::analyse::{Metric, Outcome, Unit, judge};
use crate::record::Trial;

/// The columns of [`long`], in order.
pub(super) const COLUMNS: [&str; 15] = [
    "trial",
    "block",
    "twin",
    "engine",
    "variant",
    "version",
    "transport",
    "connections",
    "payload_bytes",
    "started_unix_ms",
    "metric",
    "unit",
    "status",
    "value",
    "reason",
];

/// Every metric of every trial as CSV (RFC 4180, `\n`), with a header: values in base units, `status` one of
/// `measured`, `bound` (at least this good), `invalid` (measured, not to be trusted), `missing`.
/// Gates are applied and nothing is left out: who filters on `measured` gets the numbers that the report uses.
#[must_use]
pub fn long(trials: &[Trial]) -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for trial in trials {
        for value in values(trial) {
            let fields = [
                trial.trial.to_string(),
                trial.block.to_string(),
                trial.twin.to_string(),
                quoted(&trial.engine),
                quoted(&trial.variant),
                quoted(trial.ready.as_ref().map_or("", |ready| &ready.version)),
                trial.cell.transport.name().into(),
                trial.cell.connections.to_string(),
                trial.cell.payload_bytes.to_string(),
                trial.started_unix_ms.to_string(),
                value.metric.key().into(),
                unit(value.metric).into(),
                value.status.into(),
                value.value.map_or_else(String::new, |number| number.to_string()),
                quoted(&value.reason),
            ];
            text += &(fields.join(",") + "\n");
        }
    }
    text
}

/// One metric of one trial.
pub(super) struct Value {
    pub(super) metric: Metric,
    pub(super) status: &'static str,
    pub(super) value: Option<f64>,
    pub(super) reason: String,
}

/// Every metric of a trial, judged.
pub(super) fn values(trial: &Trial) -> impl Iterator<Item = Value> {
    Metric::ALL.into_iter().map(move |metric| {
        let (status, value, reason) = match judge(metric, trial) {
            Outcome::Usable(value) => ("measured", Some(value), None),
            Outcome::Bound { value, reason } => ("bound", Some(value), Some(reason)),
            Outcome::Invalid { value, reason } => ("invalid", value, Some(reason)),
            Outcome::Missing { reason } => ("missing", None, Some(reason)),
        };
        let reason = reason.map_or_else(String::new, |reason| format!("{}: {}", reason.kind, reason.detail));
        Value { metric, status, value, reason }
    })
}

/// A field that may hold anything.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The unit of a metric's values.
pub(super) const fn unit(metric: Metric) -> &'static str {
    match metric.unit() {
        Unit::Nanoseconds => "ns",
        Unit::FramesPerSecond => "frames/s",
        Unit::Bytes => "B",
        Unit::Count => "count/frame",
    }
}
