//! What the page shows of the trials: values, gates, evidence, commands and percentile curves, in few bytes each.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::facts::{self, Fact};
use super::words::Words;
use super::{curve, label};
use crate::analyse::{Context, Metric, Outcome, judge};
use crate::record::{Cell, CommandLine, Load, Memory, Mode, RateOf, Trial};
use crate::search::{Blame, Role, Step};

/// Digits of the numbers on the page: more than it prints.
const DIGITS: i32 = 4;

/// One trial. A text is its place among the page's words.
#[derive(Debug, Serialize)]
struct Digest {
    trial: u32,
    block: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    twin: bool,
    /// Places in the context's variants and cells.
    variant: usize,
    cell: usize,
    started_unix_ms: u64,
    elapsed_ms: u64,
    /// By metric, in the order of the tables.
    values: Vec<Option<Value>>,
    /// Metrics whose value does not count, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<usize, usize>,
    loads: Vec<LoadDigest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepDigest>,
    memory: Vec<MemoryDigest>,
    /// Role, then the arguments.
    commands: Vec<Vec<usize>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failure: Vec<String>,
    /// The engine's own words: version, addresses, options, sockets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<usize>,
}

/// One step of a peak search: what was offered, and what came of it. Losses by goal, as shares.
#[derive(Debug, Serialize)]
struct StepDigest {
    role: Role,
    rate_per_s: u64,
    duration_ns: u64,
    p50_ns: Option<u64>,
    p99_ns: Option<u64>,
    losses: Vec<Value>,
    blame: Option<Blame>,
}

#[derive(Debug, Serialize)]
struct LoadDigest {
    mode: Mode,
    /// Where its rate comes from, if it follows from a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<RateOf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gates: Vec<usize>,
    /// In the order of [`facts::LOAD`].
    facts: Vec<Value>,
    /// Packed, see [`curve::packed`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    curves: BTreeMap<&'static str, Vec<i64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    frames_by_second: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lag_p99_ns_by_quarter: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct MemoryDigest {
    state: &'static str,
    /// In the order of [`facts::MEMORY`].
    facts: Vec<Value>,
}

/// The page's data about the trials, in the order of their numbers; those of variants or cells that the context does not
/// know are left out.
pub(super) fn of(trials: &[Trial], context: &Context) -> Value {
    let mut words = Words::default();
    let mut digests: Vec<Digest> = trials.iter().filter_map(|trial| digest(trial, context, &mut words)).collect();
    digests.sort_by_key(|digest| digest.trial);
    json!({
        "trials": digests,
        "words": words.into_vec(),
        "load_facts": named(&facts::LOAD),
        "memory_facts": named(&facts::MEMORY),
        "curves": curves(trials, context),
    })
}

/// The response time of each variant in each cell: all blocks' histograms added, packed.
fn curves(trials: &[Trial], context: &Context) -> Vec<Vec<Vec<i64>>> {
    let of = |variant: usize, cell: Cell| {
        let own = trials.iter().filter(|trial| !trial.twin && trial.cell == cell && plays(trial, context, variant));
        curve::packed(&curve::merged(Metric::ResponseP50, own))
    };
    let row = |variant: usize| context.cells.iter().map(|cell| of(variant, *cell)).collect();
    (0..context.variants.len()).map(row).collect()
}

/// Whether the trial is one of the context's `variant`th variant.
pub(super) fn plays(trial: &Trial, context: &Context, variant: usize) -> bool {
    let asked = &context.variants[variant];
    asked.engine == trial.engine && asked.variant == trial.variant
}

fn named<T>(facts: &[Fact<T>]) -> Vec<[&'static str; 2]> {
    facts.iter().map(|fact| [fact.name, fact.unit]).collect()
}

fn digest(trial: &Trial, context: &Context, words: &mut Words) -> Option<Digest> {
    let variant = (0..context.variants.len()).find(|variant| plays(trial, context, *variant))?;
    let cell = context.cells.iter().position(|cell| *cell == trial.cell)?;
    let mut values = Vec::new();
    let mut reasons = BTreeMap::new();
    for (place, metric) in Metric::ALL.into_iter().enumerate() {
        let (value, reason) = match judge(metric, trial) {
            Outcome::Usable(value) => (Some(value), None),
            Outcome::Bound { value, reason } => (Some(value), Some(reason)),
            Outcome::Invalid { value, reason } => (value, Some(reason)),
            Outcome::Missing { reason } => (None, Some(reason)),
        };
        values.push(value.map(round));
        if let Some(reason) = reason {
            reasons.insert(place, words.place(&format!("{}: {}", reason.kind.replace('_', " "), reason.detail)));
        }
    }
    let options = trial.ready.as_ref().map_or_else(Vec::new, |ready| {
        let head = format!("{} {}, {} workers", ready.engine, ready.version, ready.workers);
        let pairs = ready.options.iter().chain(&ready.sockets).map(|(name, value)| format!("{name} = {value}"));
        std::iter::once(head).chain(ready.addrs.iter().cloned()).chain(pairs).collect()
    });
    let failure = trial.failure.as_ref().map_or_else(Vec::new, |failure| {
        let head = format!("Failed in {}: {}", failure.stage, failure.error);
        std::iter::once(head).chain(failure.stderr_tail.iter().cloned()).collect()
    });
    Some(Digest {
        trial: trial.trial,
        block: trial.block,
        twin: trial.twin,
        variant,
        cell,
        started_unix_ms: trial.started_unix_ms,
        elapsed_ms: trial.elapsed_ms,
        values,
        reasons,
        loads: trial
            .loads
            .iter()
            .map(|load| (load, None))
            .chain(trial.ladder.iter().map(|rung| (&rung.load, Some(rung.at))))
            .map(|(of, at)| load(of, at, words))
            .collect(),
        steps: trial.search.iter().flat_map(|search| &search.steps).map(step).collect(),
        memory: trial.memory.iter().map(memory).collect(),
        commands: trial.commands.iter().map(|line| command(line, words)).collect(),
        failure,
        options: words.places(&options),
    })
}

fn load(load: &Load, at: Option<RateOf>, words: &mut Words) -> LoadDigest {
    let client = &load.client;
    let mut curves = BTreeMap::new();
    // In a closed loop latency is in-flight ÷ rate, and says nothing.
    if load.mode == Mode::Open {
        let hdr = &client.hdr;
        for (name, encoded, infinite) in [
            ("response", &hdr.response, client.response_ns.infinite),
            ("service", &hdr.service, client.service_ns.infinite),
            ("lag", &hdr.lag, client.lag_ns.infinite),
        ] {
            curves.insert(name, curve::packed(&curve::thin(encoded, infinite)));
        }
    }
    LoadDigest {
        mode: load.mode,
        at,
        gates: load.gates.iter().map(|gate| words.place(&format!("{}: {}", gate.gate, gate.detail))).collect(),
        facts: numbers(&facts::LOAD, load),
        curves,
        frames_by_second: series(&client.frames_ok_by_second),
        lag_p99_ns_by_quarter: series(&client.lag_p99_ns_by_quarter),
    }
}

/// A series that shows something: not of one value, nor of none but 0.
fn series(values: &[u64]) -> Vec<u64> {
    let shows = values.len() > 1 && values.iter().any(|value| *value > 0);
    if shows { values.to_vec() } else { Vec::new() }
}

/// The facts in the order of their list: times in microseconds and sizes in kilobytes, which is finer than what is printed.
fn numbers<T>(facts: &[Fact<T>], of: &T) -> Vec<Value> {
    let scale = |unit: &str| if unit == "count" { 1.0 } else { 1e3 };
    facts.iter().map(|fact| round((fact.of)(of) / scale(fact.unit))).collect()
}

/// A command line in few words: an option and its value are one.
fn command(line: &CommandLine, words: &mut Words) -> Vec<usize> {
    let argv = &line.argv;
    let role = match line.also.len() {
        0 => line.role.clone(),
        more => format!("{}, and {more} more like it: suite show prints each", line.role),
    };
    let mut parts: Vec<String> = vec![role];
    for (place, word) in argv.iter().enumerate() {
        let value = place > 0 && argv[place - 1].starts_with("--") && !word.starts_with("--");
        match parts.last_mut() {
            Some(last) if value => {
                last.push(' ');
                last.push_str(&quoted(word));
            }
            _ => parts.push(quoted(word)),
        }
    }
    words.places(&parts)
}

/// The word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn step(step: &Step) -> StepDigest {
    StepDigest {
        role: step.ask.role,
        rate_per_s: step.ask.load_per_s,
        duration_ns: step.seen.duration_ns,
        p50_ns: step.seen.response_ns.p50,
        p99_ns: step.seen.response_ns.p99,
        losses: step.losses.iter().map(|loss| round(loss.ratio())).collect(),
        blame: step.losses.first().map(|loss| loss.blame),
    }
}

fn memory(memory: &Memory) -> MemoryDigest {
    MemoryDigest { state: label::state(memory.state), facts: numbers(&facts::MEMORY, memory) }
}

/// The number to four digits; a whole one without a point.
fn round(value: f64) -> Value {
    let scale = 10f64.powi(DIGITS - 1 - value.abs().max(1e-300).log10().floor() as i32);
    let rounded = match scale {
        _ if value.fract() == 0.0 && value.abs() < 1e5 => value,
        // Dividing by a power of ten that is itself exact gives the shortest digits.
        scale if scale >= 1.0 => (value * scale).round() / scale,
        scale => (value * scale).round() * (1.0 / scale).round(),
    };
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 { json!(rounded as i64) } else { json!(rounded) }
}

/// All numbers of a value, to four digits.
pub(super) fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => number.as_f64().map_or(Value::Null, round),
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, rounded(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_and_whole_ones_no_point() {
        let text = |value: f64| round(value).to_string();
        assert_eq!(
            [0.0, 1.0, 99_999.0, 123_456.0, 1234.56, 0.000_123_456, -7.654_321, 2.5e18].map(text),
            ["0", "1", "99999", "123500", "1235", "0.0001235", "-7.654", "2.5e+18"]
        );
        assert_eq!(round(f64::NAN), Value::Null);
    }
}
