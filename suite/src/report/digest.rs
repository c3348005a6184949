//! What the page shows of one trial: its values, gates, commands and percentile curves.

use std::collections::BTreeMap;

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use loadclient::report::Gate;
use serde::Serialize;

use crate::analyse::{Context, Metric, Outcome, judge};
use crate::record::{Cell, CommandLine, Failure, Load, Mode, Trial};

/// Points of a curve, as 1 ÷ (1 − q): evenly spaced in the logarithm, up to five nines.
const CURVE_STEPS: u32 = 50;

/// One trial.
#[derive(Debug, Serialize)]
pub(super) struct Digest<'a> {
    trial: u32,
    block: u32,
    twin: bool,
    /// Place in the context's variants.
    variant: usize,
    cell: Cell,
    values: BTreeMap<&'static str, Value>,
    loads: Vec<LoadDigest<'a>>,
    commands: &'a [CommandLine],
    failure: Option<&'a Failure>,
    /// The engine's own words: version, addresses, options, sockets.
    options: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Value {
    value: Option<f64>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct LoadDigest<'a> {
    mode: Mode,
    gates: &'a [Gate],
    frames_ok: u64,
    rate_per_s: f64,
    duration_ns: u64,
    server_cpu_ns: u64,
    client_cpu_ns: u64,
    curves: BTreeMap<&'static str, Vec<(f64, u64)>>,
}

/// The digests of a run's trials, in the order of their numbers; trials of variants that the context does not know are left out.
pub(super) fn of<'a>(trials: &'a [Trial], context: &Context) -> Vec<Digest<'a>> {
    let mut digests: Vec<Digest<'a>> = trials.iter().filter_map(|trial| digest(trial, context)).collect();
    digests.sort_by_key(|digest| digest.trial);
    digests
}

fn digest<'a>(trial: &'a Trial, context: &Context) -> Option<Digest<'a>> {
    let own = |v: &crate::analyse::VariantAsked| v.engine == trial.engine && v.variant == trial.variant;
    let options = trial.ready.as_ref().map_or_else(Vec::new, |ready| {
        let head = format!("{} {}, {} workers, {}", ready.engine, ready.version, ready.workers, ready.addrs.join(" "));
        let pairs = ready.options.iter().chain(&ready.sockets).map(|(name, value)| format!("{name} = {value}"));
        std::iter::once(head).chain(pairs).collect()
    });
    Some(Digest {
        trial: trial.trial,
        block: trial.block,
        twin: trial.twin,
        variant: context.variants.iter().position(own)?,
        cell: trial.cell,
        values: Metric::ALL.into_iter().map(|metric| (metric.key(), value(judge(metric, trial)))).collect(),
        loads: trial.loads.iter().map(load).collect(),
        commands: &trial.commands,
        failure: trial.failure.as_ref(),
        options,
    })
}

fn value(outcome: Outcome) -> Value {
    let words = |reason: crate::analyse::Reason| Some(format!("{}: {}", reason.kind, reason.detail));
    match outcome {
        Outcome::Usable(value) => Value { value: Some(value), reason: None },
        Outcome::Bound { value, reason } => Value { value: Some(value), reason: words(reason) },
        Outcome::Invalid { value, reason } => Value { value, reason: words(reason) },
        Outcome::Missing { reason } => Value { value: None, reason: words(reason) },
    }
}

fn load(load: &Load) -> LoadDigest<'_> {
    let client = &load.client;
    let mut curves = BTreeMap::new();
    // In a closed loop latency is in-flight ÷ rate, and says nothing.
    if load.mode == Mode::Open {
        let unanswered = client.response_ns.infinite;
        curves.insert("response", curve(&client.hdr.response, unanswered));
        curves.insert("service", curve(&client.hdr.service, client.service_ns.infinite));
        curves.insert("lag", curve(&client.hdr.lag, client.lag_ns.infinite));
    }
    LoadDigest {
        mode: load.mode,
        gates: &load.gates,
        frames_ok: client.frames_ok,
        rate_per_s: client.rate_achieved_per_s,
        duration_ns: client.duration_ns,
        server_cpu_ns: load.server.cpu_ns,
        client_cpu_ns: client.cpu_ns,
        curves,
    }
}

/// Latency by percentile: 1 ÷ (1 − q) against nanoseconds. It ends where fewer than ten samples lie beyond, or where the
/// unanswered begin. Empty when there is no histogram, or none that can be read.
fn curve(encoded: &str, infinite: u64) -> Vec<(f64, u64)> {
    decode(encoded).map_or_else(Vec::new, |histogram| points(&histogram, infinite))
}

/// The response times of several trials in one curve, histograms added; trials whose `metric` does not count are left out.
pub(super) fn merged_curve<'a>(metric: Metric, trials: impl Iterator<Item = &'a Trial>) -> Vec<(f64, u64)> {
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

fn decode(encoded: &str) -> Option<Histogram<u64>> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

fn points(histogram: &Histogram<u64>, infinite: u64) -> Vec<(f64, u64)> {
    let all = histogram.len() + infinite;
    let point = |step: u32| {
        let nines = 10f64.powf(5.0 * f64::from(step) / f64::from(CURVE_STEPS));
        let beyond = all as f64 / nines;
        // The rank counts all requests; only the finite ones are in the histogram.
        let rank = all as f64 - beyond;
        (beyond >= 10.0 && rank <= histogram.len() as f64)
            .then(|| (nines, histogram.value_at_quantile(rank / histogram.len() as f64)))
    };
    if histogram.is_empty() { Vec::new() } else { (0..=CURVE_STEPS).map_while(point).collect() }
}
