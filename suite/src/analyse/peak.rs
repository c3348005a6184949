//! Peaks: the searches of all blocks together, by goal; and the rate–latency curve that their steps make.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Resampler, median};
use super::context::Context;
use super::metric::{Better, Unit, samples_needed};
use super::rates::{RateColumn, at_rates};
use super::sample::{Outcome, Reason, Samples};
use super::table::{Judged, Table, tabulate};
use crate::record::{Cell, Trial};
use crate::search::{Blame, Goal, GoalResult, Irregular, Role, Step};

/// Everything that peak searches say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    /// One per goal, the strictest first.
    pub goals: Vec<PeakTable>,
    /// One per variant and cell with a search, in the order of the context.
    pub curves: Vec<RateCurve>,
    /// Latency and CPU per frame at rates that follow from the peaks, one table per metric; empty without such trials.
    pub at_rates: Vec<Table<RateColumn>>,
}

/// The peaks for one goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeakTable {
    pub goal: Goal,
    /// Conditional throughput, frames/s: the median over the blocks with a regular result that the server bounds. A result
    /// that client or others bound, or that has no upper bound, is a lower bound of the true peak; an inconsistent one is
    /// invalid.
    pub table: Table,
    /// By variant (the context's order), then by cell (the table's columns).
    pub bounds: Vec<Vec<PeakBounds>>,
}

/// The bounds of a peak over all blocks, twins left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PeakBounds {
    /// Medians over the blocks of the relevant bounds, frames/s; regular results where there are any, else all.
    pub lower_per_s: Option<f64>,
    pub upper_per_s: Option<f64>,
    /// Blocks with a search, and how many of them had a regular result.
    pub blocks: u32,
    pub regular: u32,
    /// Blocks by the reason for which their result is irregular; one block may have several.
    pub irregular: BTreeMap<Irregular, u32>,
    /// Blocks whose upper bound is the client's, and those in which it is that of others on the host.
    pub client_bound: u32,
    pub disturbed: u32,
}

/// Latency along the offered rate, from the steps of all searches of a variant in a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateCurve {
    /// Place in the context's variants.
    pub variant: usize,
    pub cell: Cell,
    /// Every step, by offered rate, then by block.
    pub points: Vec<CurvePoint>,
}

/// One step of one search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    pub trial: u32,
    pub block: u32,
    /// Offered, frames/s over all connections.
    pub rate_per_s: u64,
    pub duration_ns: u64,
    /// Replies that came inside the window, frames/s.
    pub achieved_per_s: f64,
    /// Response time; `None` where it is infinite (unanswered), or the step has too few frames for it.
    pub p50_ns: Option<u64>,
    pub p99_ns: Option<u64>,
    /// Share of lost frames, 0..=1, by goal.
    pub loss_ratios: Vec<f64>,
    /// Server CPU time per frame that it counted.
    pub cpu_ns_per_frame: Option<f64>,
    /// Shares of their CPUs that server and busiest client thread used, 0..=1.
    pub server_busy: f64,
    pub client_busy: f64,
    pub role: Role,
    /// Who may have kept the step from doing better, for the strictest goal.
    pub blame: Blame,
}

impl Peaks {
    /// `None` when no trial has a search.
    #[must_use]
    pub fn of(trials: &[Trial], context: &Context, resampler: &mut Resampler) -> Option<Self> {
        let goals = &trials.iter().find_map(|trial| trial.search.as_ref())?.spec.goal;
        let table = |(place, goal)| PeakTable::of(place, goal, trials, context, resampler);
        let goals: Vec<PeakTable> = goals.iter().enumerate().map(table).collect();
        Some(Self { goals, curves: curves(trials, context), at_rates: at_rates(trials, context, resampler) })
    }
}

impl PeakTable {
    fn of(place: usize, goal: &Goal, trials: &[Trial], context: &Context, resampler: &mut Resampler) -> Self {
        // Trials of the second phase are no searches that failed.
        let searches: Vec<Trial> = trials.iter().filter(|trial| trial.ladder.is_empty()).cloned().collect();
        let samples = Samples::collect_by(&searches, context, |trial| judge(place, trial));
        let judged = Judged {
            key: format!("peak_{}_per_s", goal.key()),
            title: format!("Peak with {}", goal.title()),
            formula: format!(
                "conditional throughput at the relevant lower bound (RFC 9971), open loop; lost is a frame that is errored, \
                 unsent, unanswered or slower than {} µs",
                goal.deadline_us
            ),
            unit: Unit::FramesPerSecond,
            better: Better::Higher,
            mode: None,
        };
        let cells = searched(trials, context);
        let table = tabulate(judged, &cells, &samples, context, resampler);
        let bounds =
            |variant| cells.iter().map(|cell| PeakBounds::of(place, variant, *cell, trials, context)).collect();
        Self { goal: goal.clone(), table, bounds: (0..context.variants.len()).map(bounds).collect() }
    }
}

impl PeakBounds {
    fn of(place: usize, variant: usize, cell: Cell, trials: &[Trial], context: &Context) -> Self {
        let asked = &context.variants[variant];
        let own = |trial: &&Trial| {
            !trial.twin && trial.engine == asked.engine && trial.variant == asked.variant && trial.cell == cell
        };
        let results: Vec<&GoalResult> =
            trials.iter().filter(own).filter_map(|t| t.search.as_ref()?.results.get(place)).collect();
        let regular: Vec<&GoalResult> = results.iter().copied().filter(|result| result.irregular.is_empty()).collect();
        let shown = if regular.is_empty() { &results } else { &regular };
        let middle = |of: fn(&GoalResult) -> Option<u64>| {
            median(&shown.iter().filter_map(|result| of(result)).map(|load| load as f64).collect::<Vec<f64>>())
        };
        let by = |blame: Blame| results.iter().filter(|result| result.upper_by == Some(blame)).count() as u32;
        let mut irregular: BTreeMap<Irregular, u32> = BTreeMap::new();
        for why in results.iter().flat_map(|result| &result.irregular) {
            *irregular.entry(*why).or_default() += 1;
        }
        Self {
            lower_per_s: middle(|result| result.lower_per_s),
            upper_per_s: middle(|result| result.upper_per_s),
            blocks: results.len() as u32,
            regular: regular.len() as u32,
            irregular,
            client_bound: by(Blame::Client),
            disturbed: by(Blame::Others),
        }
    }
}

/// The cells of the context in which a search was made.
fn searched(trials: &[Trial], context: &Context) -> Vec<Cell> {
    let in_cell = |cell: &Cell| trials.iter().any(|trial| trial.cell == *cell && trial.search.is_some());
    context.cells.iter().copied().filter(in_cell).collect()
}

/// What one trial says about the peak for one goal.
fn judge(place: usize, trial: &Trial) -> Outcome {
    let result = trial.search.as_ref().and_then(|search| search.results.get(place));
    let value = result.and_then(|result| result.throughput_per_s);
    if let Some(failure) = &trial.failure {
        let reason = Reason::new(&format!("failed in {}", failure.stage), &failure.error);
        return Outcome::Invalid { value, reason };
    }
    let Some(result) = result else {
        return Outcome::Missing { reason: Reason::new("not searched", "the trial has no search") };
    };
    let Some(value) = value else {
        let (kind, detail) = match result.upper_by {
            Some(Blame::Client) => ("client-bound", "the client could not offer even the smallest load in time"),
            Some(Blame::Others) => ("disturbed", "others took CPU time even at the smallest load"),
            _ => ("no lower bound", "even the smallest load of the search fails the goal"),
        };
        return Outcome::Missing { reason: Reason::new(kind, detail) };
    };
    let wrong = trial.search.iter().flat_map(|search| &search.steps).map(|step| step.seen.frames_wrong).sum::<u64>();
    if wrong > 0 {
        let reason = Reason::new("wrong_reply", &format!("{wrong} replies were wrong"));
        return Outcome::Invalid { value: Some(value), reason };
    }
    let is = |why: Irregular| result.irregular.contains(&why);
    if is(Irregular::Inversion) || is(Irregular::NotRepeated) {
        let detail = "irregular: a load that failed the goal and one that upheld it are in the wrong order, or a bound did \
                      not hold a second time";
        return Outcome::Invalid { value: Some(value), reason: Reason::new("inconsistent", detail) };
    }
    let bound = |kind: &str, detail: &str| Outcome::Bound { value, reason: Reason::new(kind, detail) };
    match result.upper_by {
        _ if is(Irregular::BudgetEnded) => bound("budget ended", "irregular: the bounds are not close yet"),
        None => bound("no upper bound", "irregular: the largest load of the search upholds the goal"),
        Some(Blame::Client) => {
            bound("client-bound", "the client could not offer more: the server's peak may be higher")
        }
        Some(Blame::Others) => bound("disturbed", "others took CPU time at the upper bound: the peak may be higher"),
        Some(Blame::Server) => Outcome::Usable(value),
    }
}

fn curves(trials: &[Trial], context: &Context) -> Vec<RateCurve> {
    let mut curves = Vec::new();
    for (variant, asked) in context.variants.iter().enumerate() {
        for &cell in &context.cells {
            let own = trials
                .iter()
                .filter(|trial| trial.engine == asked.engine && trial.variant == asked.variant && trial.cell == cell);
            let steps = own.filter_map(|trial| Some((trial, &trial.search.as_ref()?.steps)));
            let mut points: Vec<CurvePoint> =
                steps.flat_map(|(trial, steps)| steps.iter().map(|step| point(trial, step))).collect();
            points.sort_by_key(|point| (point.rate_per_s, point.block, point.trial));
            if !points.is_empty() {
                curves.push(RateCurve { variant, cell, points });
            }
        }
    }
    curves
}

fn point(trial: &Trial, step: &Step) -> CurvePoint {
    let seen = &step.seen;
    let samples = seen.response_ns.count + seen.response_ns.infinite;
    let enough = |value: Option<u64>, q: f64| value.filter(|_| samples >= samples_needed(q));
    CurvePoint {
        trial: trial.trial,
        block: trial.block,
        rate_per_s: step.ask.load_per_s,
        duration_ns: seen.duration_ns,
        achieved_per_s: seen.rate_achieved_per_s,
        p50_ns: enough(seen.response_ns.p50, 0.5),
        p99_ns: enough(seen.response_ns.p99, 0.99),
        loss_ratios: step.losses.iter().map(crate::search::Loss::ratio).collect(),
        cpu_ns_per_frame: (seen.server_frames > 0).then(|| seen.server_cpu_ns as f64 / seen.server_frames as f64),
        server_busy: seen.server_busy,
        client_busy: seen.client_busy,
        role: step.ask.role,
        blame: step.losses.first().map_or(Blame::Server, |loss| loss.blame),
    }
}
