//! How long a plan will take.

use super::{Plan, PlannedTrial, trials};
use crate::record::Cell;

/// What a trial takes beside connecting and load: starting and draining the processes, and sampling.
const TRIAL_OVERHEAD_MS: u64 = 150;
/// What a load takes beside its warm-up and window: starting the client, and its report.
const LOAD_OVERHEAD_MS: u64 = 80;
/// What each further process takes: starting it, sampling it, hearing its report.
const PROCESS_OVERHEAD_MS: u64 = 40;

/// Expected duration of one trial, in milliseconds.
#[must_use]
pub fn trial_ms(plan: &Plan, cell: Cell) -> u64 {
    let connect_ms = u64::from(cell.connections) * 1000 / u64::from(plan.timing.connect_rate_per_s);
    let load_ms = LOAD_OVERHEAD_MS + connect_ms + plan.timing.warmup_ms + plan.timing.window_ms;
    let touched: u64 = plan.load.iter().map(|load| u64::from(load.touched(cell.connections))).sum();
    let touch_ms = touched * 1000 / u64::from(plan.timing.connect_rate_per_s);
    let processes_ms = u64::from(2 * plan.processes(cell.connections) - 2) * PROCESS_OVERHEAD_MS;
    TRIAL_OVERHEAD_MS + (load_ms + processes_ms) * plan.load.len() as u64 + touch_ms
}

/// Expected duration of all trials, in milliseconds.
#[must_use]
pub fn estimate_ms(plan: &Plan) -> u64 {
    trials(plan).iter().map(|PlannedTrial { cell, .. }| trial_ms(plan, *cell)).sum()
}
