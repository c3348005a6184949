//! Under which conditions two runs were made: what forbids a comparison, and what casts doubt on it.

use std::fmt;

use crate::conclude::Run;
use crate::measure::{Environment, Kind, drift};
use crate::plan::Plan;

/// Why two runs are not compared unless that is insisted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub what: &'static str,
    pub a: String,
    pub b: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "another {}: {} against {}", self.what, self.a, self.b)
    }
}

/// What makes a comparison meaningless: another experiment, or another host.
#[must_use]
pub fn refusals(a: &Run, b: &Run) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut differ = |what, a: String, b: String| {
        if a != b {
            refusals.push(Refusal { what, a, b });
        }
    };
    differ("experiment", a.plan.experiment.clone(), b.plan.experiment.clone());
    if let (Some(host_a), Some(host_b)) = (first(a), first(b)) {
        differ("host", host_a.hostname.clone(), host_b.hostname.clone());
        differ("machine", machine(host_a), machine(host_b));
    }
    refusals
}

/// What differs beside the programs, or makes either run doubtful: one sentence each.
#[must_use]
pub fn conditions(a: &Run, b: &Run) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, run) in [("A", a), ("B", b)] {
        if run.plan.dirty {
            warnings.push(format!("run {name} was made from a tree with uncommitted changes"));
        }
        if run.plan.cargo_profile != "release" {
            warnings.push(format!("run {name} is a {} build: its numbers are no measurement", run.plan.cargo_profile));
        }
        let failed = run.trials.iter().filter(|trial| trial.failure.is_some()).count();
        if failed > 0 {
            warnings.push(format!("{failed} of {} trials of run {name} failed", run.trials.len()));
        }
        let missing = crate::plan::trials(&run.plan).len().saturating_sub(run.trials.len());
        if missing > 0 {
            warnings.push(format!("run {name} is not complete: {missing} trials are missing"));
        }
    }
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            warnings.push(format!("{what}: {a} against {b}"));
        }
    };
    let of = |plan: &Plan| {
        [
            ("another profile", plan.profile.clone()),
            ("another warm-up", format!("{} ms", plan.timing.warmup_ms)),
            ("another window", format!("{} ms", plan.timing.window_ms)),
            ("another number of blocks", plan.timing.blocks.to_string()),
            ("other loads", plan.load.iter().map(|load| load.describe(0)).collect::<Vec<_>>().join(", ")),
            ("another congestion control", plan.congestion.clone().unwrap_or_else(|| "the host's".into())),
            ("other engine arguments", format!("{:?}", plan.engine_args)),
            ("other CPUs", format!("server {:?}, client {:?}", plan.cpus.server, plan.cpus.client)),
            ("another limit on open files", plan.open_files_max.to_string()),
            ("another load client (SHA-256)", plan.client_sha256.chars().take(12).collect()),
        ]
    };
    for ((what, a), (_, b)) in of(&a.plan).into_iter().zip(of(&b.plan)) {
        differ(what, a, b);
    }
    if let (Some(a), Some(b)) = (first(a), first(b)) {
        for drift in drift(a, b).into_iter().filter(|drift| drift.kind == Kind::Host || drift.kind == Kind::Tools) {
            differ(&format!("another {}", drift.what), drift.before, drift.after);
        }
    }
    warnings
}

fn first(run: &Run) -> Option<&Environment> {
    run.sessions.sessions.first().map(|session| &session.before)
}

fn machine(host: &Environment) -> String {
    let cpu = host.cpu_model.as_deref().unwrap_or("unknown CPU");
    format!("{}, {cpu}, {} CPUs", host.machine, host.cpus)
}
