//! Which gate invalidates which metric. METHODOLOGY.md, section "Validity", gives the reasons.

use super::metric::Metric;
use super::sample::{Outcome, Reason};
use crate::record::{Mode, Trial};
use loadclient::report::Gate;

/// What a tripped gate casts doubt on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// The trial did not do what it was asked to: nothing of it counts.
    Everything,
    /// The client was late in sending, so its clocks are late in seeing replies: latency does not count.
    Latency,
    /// The client was short of CPU: latency does not count, and throughput is the client's, not the server's.
    Client,
    /// The rate was not the fixed one: nothing measured "at the fixed rate" counts.
    Rate,
    /// Others used the CPUs, or the hypervisor took them: nothing that is time counts. Memory does.
    Time,
    /// The window was not steady: its numbers are averages of different states, and no state's.
    Steady,
    /// Throughput and latency of a closed loop contradict each other: the load's own numbers do not count.
    Loop,
    /// The number is at the client's ceiling: throughput is a lower bound.
    Ceiling,
}

/// The gates by name. A name that is not here doubts everything: unknown must not mean harmless.
const GATES: [(&str, Doubt); 16] = [
    ("live", Doubt::Everything),
    ("wrong", Doubt::Everything),
    ("wrong_reply", Doubt::Everything),
    ("errors", Doubt::Everything),
    ("listen", Doubt::Everything),
    ("frames", Doubt::Everything),
    ("rate", Doubt::Rate),
    ("overflow", Doubt::Rate),
    ("lag", Doubt::Latency),
    ("lag_trend", Doubt::Latency),
    ("client_busy", Doubt::Client),
    ("run_delay", Doubt::Client),
    ("steal", Doubt::Time),
    ("foreign", Doubt::Time),
    ("unsteady", Doubt::Steady),
    ("little", Doubt::Loop),
];

/// The gate that marks a peak within reach of the null server's.
const CEILING: &str = "client_bound";

/// What a trial says about a metric: a usable value, or why it is not one. The first gate that matters is named.
#[must_use]
pub fn judge(metric: Metric, trial: &Trial) -> Outcome {
    judge_value(metric, trial, metric.extract(trial))
}

/// The same for a value that was taken from the trial in another way.
pub(super) fn judge_value(metric: Metric, trial: &Trial, value: Result<f64, String>) -> Outcome {
    if let Some(failure) = &trial.failure {
        let reason = Reason::new(&format!("failed in {}", failure.stage), &failure.error);
        return Outcome::Invalid { value: value.ok(), reason };
    }
    let value = match value {
        Ok(value) => value,
        Err(error) => return Outcome::Missing { reason: Reason::new(missing_kind(&error), &error) },
    };
    let concerned = trial.loads.iter().filter(|load| metric.mode().is_none_or(|mode| mode == load.mode));
    let mut bound = None;
    for gate in concerned.flat_map(|load| &load.gates) {
        match effect(metric, doubt(gate)) {
            Effect::None => {}
            Effect::Bound => bound = bound.or(Some(gate)),
            Effect::Invalid => {
                return Outcome::Invalid { value: Some(value), reason: Reason::new(&gate.gate, &gate.detail) };
            }
        }
    }
    match bound {
        Some(gate) => Outcome::Bound { value, reason: Reason::new(&gate.gate, &gate.detail) },
        None => Outcome::Usable(value),
    }
}

fn doubt(gate: &Gate) -> Doubt {
    if gate.gate == CEILING {
        return Doubt::Ceiling;
    }
    GATES.iter().find(|(name, _)| *name == gate.gate).map_or(Doubt::Everything, |(_, doubt)| *doubt)
}

enum Effect {
    None,
    Bound,
    Invalid,
}

fn effect(metric: Metric, doubt: Doubt) -> Effect {
    let latency =
        matches!(metric, Metric::ResponseP50 | Metric::ResponseP99 | Metric::ResponseP999 | Metric::ServiceP99);
    let hit = match doubt {
        Doubt::Everything => true,
        Doubt::Latency => latency,
        Doubt::Client if metric == Metric::Throughput => return Effect::Bound,
        Doubt::Client => latency,
        Doubt::Rate => metric.mode() == Some(Mode::Open),
        // Allocations are counted, not timed.
        Doubt::Time | Doubt::Steady => metric.mode().is_some() && metric != Metric::AllocsPerFrame,
        Doubt::Loop => metric.mode() == Some(Mode::Saturate),
        Doubt::Ceiling if metric == Metric::Throughput => return Effect::Bound,
        Doubt::Ceiling => false,
    };
    if hit { Effect::Invalid } else { Effect::None }
}

/// The first words of a missing value's reason, under which a table gathers its footnotes.
fn missing_kind(error: &str) -> &'static str {
    if error.contains("samples of") {
        "too few samples"
    } else if error.starts_with("infinite") {
        "unanswered"
    } else {
        "not measured"
    }
}
