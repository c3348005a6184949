//! One step of a search: what was asked of the server, and what came of it. Written into records as it is.

use loadclient::report::{Gate, Quantiles};
use serde::{Deserialize, Serialize};

use super::bounds::GoalResult;
use super::goal::SearchSpec;

/// A whole search on one server process: its input, its steps in order, its results.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    pub spec: SearchSpec,
    /// Length of a step of one window, without warm-up.
    pub window_ms: u64,
    /// What a step takes beside its window, as the budget counts it.
    pub overhead_ms: u64,
    pub steps: Vec<Step>,
    /// One per goal of `spec`, in its order.
    pub results: Vec<GoalResult>,
}

/// A trial of the RFC's kind ("Trial Input"), and why it is made. Called a step here: a trial is a whole server process.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Frames/s over all connections.
    pub load_per_s: u64,
    /// Length in windows of the profile.
    pub windows: f64,
    /// The goal in focus, by its place in [`SearchSpec::goal`]. The result counts for every goal.
    pub goal: u32,
    pub role: Role,
}

/// Why a step is made.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Finds the neighbourhood, in short steps.
    Coarse,
    /// Makes a load a bound.
    Bound,
    /// Measures a bound anew when the search is done: does it hold a second time?
    Confirm,
}

/// One step.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    #[serde(flatten)]
    pub ask: Ask,
    /// One per goal.
    pub losses: Vec<Loss>,
    #[serde(flatten)]
    pub seen: Seen,
}

/// What one goal makes of one step.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Frames that were errored, unsent, unanswered, or slower than the deadline.
    pub lost: u64,
    /// Frames that were due.
    pub due: u64,
    /// Who may be to blame for a high loss.
    pub blame: Blame,
}

/// Who kept a step from doing better. Anything but the server makes the bound one of the instrument, not of the server.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    Server,
    /// The load client was late, or short of CPU: it could not offer the load.
    Client,
    /// Other programs or the hypervisor took CPU time.
    Others,
}

/// What a step measured beside its losses: a point of the rate–latency curve. Quantiles are those of the response time.
#[derive(schemars::JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub duration_ns: u64,
    pub rate_intended_per_s: f64,
    pub rate_achieved_per_s: f64,
    pub frames_unsent: u64,
    pub frames_unanswered: u64,
    pub frames_wrong: u64,
    pub response_ns: Quantiles,
    pub lag_ns_p99: Option<u64>,
    /// Largest productive share of a load thread, 0..=1.
    pub client_busy: f64,
    /// Frames that the server counted, and the CPU time it took, in the window.
    pub server_frames: u64,
    pub server_cpu_ns: u64,
    /// Share of its CPUs that the server used, 0..=1.
    pub server_busy: f64,
    pub gates: Vec<Gate>,
}

impl Loss {
    /// Trial Loss Ratio. A step in which nothing was due says nothing good: 1.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.due == 0 { 1.0 } else { self.lost as f64 / self.due as f64 }
    }
}

impl Search {
    /// The deadline's share of lost frames in `step`, for the goal in place `goal`.
    #[must_use]
    pub fn loss_ratio(step: &Step, goal: usize) -> Option<f64> {
        step.losses.get(goal).map(Loss::ratio)
    }
}
