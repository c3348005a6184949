//! Plans: which trials a run consists of, in which order. Pure: seeds and the host's shape are arguments.

mod budget;
mod cpus;
mod draft;
mod estimate;
mod fit;
mod ladder;
mod schedule;

pub use cpus::{CpuSplit, split};
pub use draft::{Absent, Extension, HostShape, Occasion, Plan, PlannedVariant, SCHEMA};
pub use estimate::{estimate_ms, planned_ms, step_overhead_ms, trial_ms};
pub use fit::{HostLimits, Need};
pub use ladder::{PlannedRung, rungs, with_rungs};
pub use schedule::{PlannedTrial, trials};
