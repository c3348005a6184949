//! Bisection: what a run measures beyond its plan, as its own records ask for it.

use crate::analyse::bisect;
use crate::conclude::Run;
use crate::plan::{Extension, trial_ms};
use crate::record::Cell;

/// The next cells to measure in every block of a run whose planned trials are all done; `None` when bisection is off,
/// has nothing left to place, or has used its time. A function of plan and records: `--resume` comes to the same.
#[must_use]
pub fn extension(run: &Run) -> Option<Extension> {
    let plan = &run.plan;
    if plan.ladder.is_some() {
        // Its second phase follows from the peaks of exactly these trials.
        return None;
    }
    let cost_ms = |cell: &Cell| {
        let able = plan.variant.iter().filter(|variant| plan.takes(variant, *cell)).count() as u64;
        trial_ms(plan, *cell) * able * u64::from(plan.timing.blocks)
    };
    let used_ms: u64 = plan.extension.iter().flat_map(|extension| &extension.cell).map(cost_ms).sum();
    let mut left_ms = plan.bisect_ms?.checked_sub(used_ms)?;
    let mut cells = Vec::new();
    for cell in bisect(&run.trials, &run.context("")) {
        if let Some(rest_ms) = left_ms.checked_sub(cost_ms(&cell)) {
            left_ms = rest_ms;
            cells.push(cell);
        }
    }
    (!cells.is_empty()).then_some(Extension { cell: cells })
}
