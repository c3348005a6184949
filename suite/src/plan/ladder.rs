//! Which rates follow from the peaks that the searches of a run found. Pure: the same records give the same rates, so that
//! a resumed run goes on where it was.

use super::{Plan, PlannedTrial};
use crate::experiment::LoadSpec;
use crate::record::{Cell, Mode, RateOf, Trial};

/// One load of a ladder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedRung {
    pub at: RateOf,
    pub rate_per_s: f64,
    pub window_ms: u64,
}

/// The rates of `trial`, the smallest first: the fixed ones, and those that follow from the searches in `earlier`.
/// A variant without a peak has no rate of its own; where none has one, there is no common rate either.
#[must_use]
pub fn rungs(plan: &Plan, earlier: &[Trial], trial: &PlannedTrial) -> Vec<PlannedRung> {
    let Some(ladder) = &plan.ladder else { return Vec::new() };
    let peaks: Vec<Option<f64>> =
        (0..plan.variant.len()).map(|variant| peak(plan, earlier, variant, trial.cell, ladder.goal)).collect();
    let percent = ladder.peak_percent;
    let share = f64::from(percent) / 100.0;
    let slowest = peaks.iter().flatten().copied().min_by(f64::total_cmp);
    let fixed = ladder.rates_per_s.iter().map(|rate| (RateOf::Fixed(*rate), Some(*rate as f64)));
    let own = (RateOf::OwnPeak(percent), peaks[trial.variant].map(|peak| peak * share));
    let common = (RateOf::CommonPeak(percent), slowest.map(|peak| peak * share));
    let mut rungs: Vec<PlannedRung> = fixed
        .chain([common, own])
        .filter_map(|(at, rate)| {
            let rate_per_s = rate?.max(1.0);
            let needed_ms = (ladder.frames_min as f64 / rate_per_s * 1000.0).ceil() as u64;
            Some(PlannedRung { at, rate_per_s, window_ms: needed_ms.max(plan.timing.window_ms) })
        })
        .collect();
    rungs.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    rungs
}

/// What the second phase takes at most of one trial, in windows and warm-ups; peaks are not known yet, and high.
#[must_use]
pub(super) fn windows_ms(plan: &Plan) -> Vec<u64> {
    let Some(ladder) = &plan.ladder else { return Vec::new() };
    let window = |rate: u64| (ladder.frames_min * 1000).div_ceil(rate).max(plan.timing.window_ms);
    ladder.rates_per_s.iter().map(|rate| window(*rate)).chain([plan.timing.window_ms; 2]).collect()
}

/// The plan with the loads of a ladder in place of its own.
#[must_use]
pub fn with_rungs(plan: &Plan, rungs: &[PlannedRung]) -> Plan {
    let spin_us = plan.ladder.as_ref().and_then(|ladder| ladder.spin_us);
    let load = |rung: &PlannedRung| LoadSpec {
        total_rate_per_s: Some(rung.rate_per_s),
        window_ms: Some(rung.window_ms),
        spin_us,
        ..LoadSpec::new(Mode::Open)
    };
    Plan { load: rungs.iter().map(load).collect(), ..plan.clone() }
}

/// The median over the blocks of a variant's conditional throughput, irregular results included: they are the best that is
/// known. Twins and trials that failed are left out.
fn peak(plan: &Plan, earlier: &[Trial], variant: usize, cell: Cell, goal: u32) -> Option<f64> {
    let asked = &plan.variant[variant];
    let own = earlier.iter().filter(|trial| {
        !trial.twin
            && trial.failure.is_none()
            && trial.engine == asked.engine
            && trial.variant == asked.variant
            && trial.cell == cell
    });
    let mut peaks: Vec<f64> =
        own.filter_map(|trial| trial.search.as_ref()?.results.get(goal as usize)?.throughput_per_s).collect();
    peaks.sort_by(f64::total_cmp);
    let middle = peaks.len() / 2;
    match peaks.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(peaks[middle]),
        _ => Some(f64::midpoint(peaks[middle - 1], peaks[middle])),
    }
}
