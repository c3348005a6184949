//! How long a plan will take.

use super::{Plan, PlannedTrial, trials};
use crate::record::Cell;
use crate::search::SearchSpec;

/// What a trial takes beside connecting and load: starting and draining the processes, and sampling.
const TRIAL_OVERHEAD_MS: u64 = 150;
/// What a load takes beside its warm-up and window: starting the client, and its report.
const LOAD_OVERHEAD_MS: u64 = 80;
/// What each further process takes: starting it, sampling it, hearing its report.
const PROCESS_OVERHEAD_MS: u64 = 40;

/// Expected duration of one trial of the first phase, in milliseconds. A search may take as long as its budget.
#[must_use]
pub fn trial_ms(plan: &Plan, cell: Cell) -> u64 {
    let touched: u64 = plan.load.iter().map(|load| u64::from(load.touched(cell.connections))).sum();
    let touch_ms = touched * 1000 / u64::from(plan.timing.connect_rate_per_s);
    let loads = plan.load.iter().map(|load| match &load.search {
        Some(search) => search_ms(plan, cell, search),
        None => load_ms(plan, cell) + load.window_ms.unwrap_or(plan.timing.window_ms),
    });
    TRIAL_OVERHEAD_MS + loads.sum::<u64>() + touch_ms
}

/// Expected duration of one trial of any phase, in milliseconds.
#[must_use]
pub fn planned_ms(plan: &Plan, trial: &PlannedTrial) -> u64 {
    if !trial.ladder {
        return trial_ms(plan, trial.cell);
    }
    let windows = super::ladder::windows_ms(plan);
    TRIAL_OVERHEAD_MS + windows.iter().map(|window| window + step_overhead_ms(plan, trial.cell)).sum::<u64>()
}

/// What one open load takes beside its window, every connection's first use included: in milliseconds.
#[must_use]
pub fn step_overhead_ms(plan: &Plan, cell: Cell) -> u64 {
    let touch_ms = u64::from(cell.connections) * 1000 / u64::from(plan.timing.connect_rate_per_s);
    load_ms(plan, cell) + touch_ms
}

/// Expected duration of all trials, in milliseconds.
#[must_use]
pub fn estimate_ms(plan: &Plan) -> u64 {
    trials(plan).iter().map(|trial| planned_ms(plan, trial)).sum()
}

fn search_ms(plan: &Plan, cell: Cell, search: &SearchSpec) -> u64 {
    let longest = search.goal.iter().map(|goal| goal.final_windows).fold(0.0, f64::max);
    let step_ms = longest * plan.timing.window_ms as f64 + step_overhead_ms(plan, cell) as f64;
    (f64::from(search.budget_steps) * step_ms) as u64
}

/// What a load takes beside its window.
fn load_ms(plan: &Plan, cell: Cell) -> u64 {
    let connect_ms = u64::from(cell.connections) * 1000 / u64::from(plan.timing.connect_rate_per_s);
    let processes_ms = u64::from(2 * plan.processes(cell.connections) - 2) * PROCESS_OVERHEAD_MS;
    LOAD_OVERHEAD_MS + connect_ms + plan.timing.warmup_ms + processes_ms
}
