//! What breaks first: for each variant and cell the constraint that the throughput at saturation speaks for.
//!
//! Arithmetic first: servers with so many CPUs cannot serve more than X = CPUs ÷ CPU time per frame. What was observed
//! as a share of X is how busy the servers' CPUs were, by their own clocks. Then evidence: a constraint is supported
//! where its measure passes its threshold, and refuted where the measure excludes it. That removing it moves the number
//! is for a run with that one knob to prove: nothing here is called proven.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resampler, median};
use super::compare::BLOCKS_MIN;
use super::context::Context;
use super::metric::Metric;
use super::sample::{Outcome, Samples};
use super::validity::judge_value;
use crate::record::{Cell, Load, Mode, Trial};

/// From this share of the predicted maximum on the servers' CPUs are what limits.
const CPU_BOUND_MIN: f64 = 0.9;
/// And below this they are not.
const CPU_BOUND_NOT: f64 = 0.8;
/// Share of its runnable time that a server waits for a CPU, from which on that wait is a cause.
const RUN_DELAY_MIN: f64 = 0.1;

/// What can limit throughput, in the order in which it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// The load client had no CPU time left.
    Client,
    /// The servers' CPUs are busy.
    ServerCpu,
    /// The servers are ready to run, and wait for a CPU.
    RunQueue,
    /// Connections were turned away before anyone accepted them.
    AcceptQueue,
}

/// How much is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    Supported,
    Refuted,
    Unexplained,
}

/// One constraint of one variant in one cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub constraint: Constraint,
    pub support: Support,
    /// Median over blocks of the constraint's measure, a share of 1: trials with a client out of CPU, busy server CPU,
    /// waiting of the runnable time, trials with overflows.
    pub share: f64,
    /// `None` with fewer than [`BLOCKS_MIN`] blocks.
    pub interval: Option<Interval>,
}

/// What is known of one variant in one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Place in the context's variants.
    pub variant: usize,
    pub cell: Cell,
    /// The most that the servers' CPUs could serve, in frames/s: the median over blocks.
    pub predicted_per_s: f64,
    pub evidence: Vec<Evidence>,
}

impl Limits {
    /// The first constraint that the evidence supports; `None`: unexplained, which is a normal outcome.
    #[must_use]
    pub fn first(&self) -> Option<&Evidence> {
        self.evidence.iter().find(|evidence| evidence.support == Support::Supported)
    }
}

/// The limits of every variant in every cell that was saturated.
#[must_use]
pub fn limits(trials: &[Trial], context: &Context, resampler: &mut Resampler) -> Vec<Limits> {
    let cpus = f64::from(context.server_cpus);
    let by_block = |measure: &dyn Fn(&Load) -> Result<f64, String>| {
        let outcome = |trial: &Trial| {
            let load = trial.loads.iter().find(|load| load.mode == Mode::Saturate);
            let value = load.ok_or_else(|| "no load at saturation".to_owned()).and_then(measure);
            judge_value(Metric::ServerCpuSaturated, trial, value)
        };
        Samples::collect_by(trials, context, outcome)
    };
    let frame_ns = by_block(&|load| share(load.server.cpu_ns as f64, load.server_frames as f64));
    let busy = by_block(&|load| share(load.server.cpu_ns as f64 / cpus.max(1.0), load.host.window_ns as f64));
    let delay = by_block(&|load| {
        share(load.server.run_delay_ns as f64, (load.server.run_delay_ns + load.server.cpu_ns) as f64)
    });
    let client = by_block(&|load| Ok(f64::from(load.gates.iter().any(|gate| CLIENT.contains(&gate.gate.as_str())))));
    let refused = by_block(&|load| Ok(f64::from(load.host.listen_overflows + load.host.listen_drops > 0)));
    let mut all = Vec::new();
    for variant in 0..context.variants.len() {
        for cell in &context.cells {
            let values = |samples: &Samples| counted(&samples.outcomes(variant, *cell));
            let Some(frame_ns) = median(&values(&frame_ns)).filter(|ns| *ns > 0.0 && cpus > 0.0) else { continue };
            let mut of = |constraint, values: Vec<f64>, above: f64, not: f64| {
                let share = median(&values).unwrap_or_default();
                let interval = (values.len() >= BLOCKS_MIN).then(|| resampler.median_interval(&values)).flatten();
                let support = match interval {
                    Some(Interval { lo, .. }) if lo >= above => Support::Supported,
                    Some(Interval { hi, .. }) if hi < not => Support::Refuted,
                    _ => Support::Unexplained,
                };
                Evidence { constraint, support, share, interval }
            };
            let evidence = vec![
                of(Constraint::Client, values(&client), 1.0, 1.0),
                of(Constraint::ServerCpu, values(&busy), CPU_BOUND_MIN, CPU_BOUND_NOT),
                of(Constraint::RunQueue, values(&delay), RUN_DELAY_MIN, RUN_DELAY_MIN),
                of(Constraint::AcceptQueue, values(&refused), 1.0, 1.0),
            ];
            all.push(Limits { variant, cell: *cell, predicted_per_s: cpus * 1e9 / frame_ns, evidence });
        }
    }
    all
}

/// Gates that say that the client was the limit.
const CLIENT: [&str; 3] = ["client_busy", "run_delay", "client_bound"];

fn share(part: f64, whole: f64) -> Result<f64, String> {
    if whole > 0.0 { Ok(part / whole) } else { Err("nothing was served".into()) }
}

fn counted(outcomes: &BTreeMap<u32, Outcome>) -> Vec<f64> {
    outcomes.values().filter_map(Outcome::usable).collect()
}
