//! How long a plan will take.

use super::{Plan, PlannedTrial, trials};
use crate::record::{Cell, Mode};

/// What a trial takes beside connecting and load: starting and draining the processes, and sampling.
const TRIAL_OVERHEAD_MS: u64 = 150;
/// What a load takes beside its warm-up and window: starting the client, and its report.
const LOAD_OVERHEAD_MS: u64 = 80;

/// Expected duration of one trial, in milliseconds.
#[must_use]
pub fn trial_ms(plan: &Plan, cell: Cell) -> u64 {
    let connect_ms = u64::from(cell.connections) * 1000 / u64::from(plan.timing.connect_rate_per_s);
    let load_ms = LOAD_OVERHEAD_MS + connect_ms + plan.timing.warmup_ms + plan.timing.window_ms;
    // An open load begins with one use of every connection, at the rate they were opened at.
    let opens = plan.load.iter().filter(|load| load.mode == Mode::Open).count() as u64;
    TRIAL_OVERHEAD_MS + load_ms * plan.load.len() as u64 + connect_ms * opens
}

/// Expected duration of all trials, in milliseconds.
#[must_use]
pub fn estimate_ms(plan: &Plan) -> u64 {
    trials(plan).iter().map(|PlannedTrial { cell, .. }| trial_ms(plan, *cell)).sum()
}
