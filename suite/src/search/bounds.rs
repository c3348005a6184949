//! The bounds of one goal, from all steps so far; and the goal's result when the search is over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::classify::{Class, classify, conditional_throughput};
use super::goal::{Goal, SearchSpec};
use super::step::{Blame, Role, Step};

/// What a search says of one goal (RFC 9971, "Goal Result"), in frames/s over all connections.
#[derive(schemars::JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GoalResult {
    /// The largest load below the upper bound that is a lower bound. Without an upper bound: the largest lower bound.
    pub lower_per_s: Option<u64>,
    /// The smallest load that is an upper bound.
    pub upper_per_s: Option<u64>,
    /// Conditional throughput at the lower bound.
    pub throughput_per_s: Option<f64>,
    /// Who keeps the upper bound from being higher: anything but the server, and the peak is at least what is said here.
    /// `None` without an upper bound.
    pub upper_by: Option<Blame>,
    /// Why the result is irregular; empty means regular.
    pub irregular: Vec<Irregular>,
}

/// Why a result is irregular.
#[derive(schemars::JsonSchema, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Irregular {
    /// Even the smallest load allowed failed the goal.
    NoLowerBound,
    /// Even the largest load allowed upheld it: the true peak is higher.
    NoUpperBound,
    /// The budget ended before the bounds were close enough.
    BudgetEnded,
    /// A larger load upheld the goal although a smaller one failed it (RFC 9971, "Loss Inversion").
    Inversion,
    /// Measured anew at the end, a bound was the contrary: hysteresis, drift, or a server of two minds.
    NotRepeated,
}

/// Where one goal stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// Every load measured so far.
    pub classes: BTreeMap<u64, Class>,
    /// The same by any steps, however short: hints where to look.
    pub hints: BTreeMap<u64, Class>,
    /// Relevant Upper Bound.
    pub upper: Option<u64>,
    /// Relevant Lower Bound; without an upper bound the largest lower one.
    pub lower: Option<u64>,
}

impl Bounds {
    /// The bounds of the goal in place `goal`.
    #[must_use]
    pub fn of(spec: &SearchSpec, steps: &[Step], goal: usize) -> Self {
        let wanted = &spec.goal[goal];
        let classes = classify_all(wanted, steps, goal);
        let coarse = Goal { final_windows: 0.0, sum_windows: wanted.initial_windows, ..wanted.clone() };
        let upper = smallest(&classes, Class::Upper);
        let lower = below(&classes, upper);
        Self { hints: classify_all(&coarse, steps, goal), classes, upper, lower }
    }

    /// Whether the bounds are as close as the goal wants them.
    #[must_use]
    pub fn close_enough(&self, goal: &Goal) -> bool {
        self.lower.zip(self.upper).is_some_and(|(lower, upper)| near(lower, upper, goal.width))
    }

    /// Whether a load above the upper bound is a lower bound.
    #[must_use]
    pub fn inverted(&self) -> bool {
        let Some(upper) = self.upper else { return false };
        self.classes.range(upper..).any(|(_, class)| *class == Class::Lower)
    }
}

/// Whether (upper − lower) ÷ upper ≤ width, or no load lies between.
pub(super) fn near(lower: u64, upper: u64, width: f64) -> bool {
    upper - lower <= 1 || (upper - lower) as f64 <= width * upper as f64
}

/// The smallest load of a class.
pub(super) fn smallest(classes: &BTreeMap<u64, Class>, wanted: Class) -> Option<u64> {
    classes.iter().find(|(_, class)| **class == wanted).map(|(load, _)| *load)
}

/// The largest lower bound, below `upper` if there is one.
pub(super) fn below(classes: &BTreeMap<u64, Class>, upper: Option<u64>) -> Option<u64> {
    let mut loads = classes.range(..upper.unwrap_or(u64::MAX)).rev();
    loads.find(|(_, class)| **class == Class::Lower).map(|(load, _)| *load)
}

/// `(windows, loss ratio)` of every step at a load that `count` lets count.
pub(super) fn at<'a>(
    steps: &'a [Step],
    load_per_s: u64,
    goal: usize,
    count: impl Fn(&Step) -> bool + 'a,
) -> impl Iterator<Item = (f64, f64)> + 'a {
    let own = steps.iter().filter(move |step| step.ask.load_per_s == load_per_s && count(step));
    own.map(move |step| (step.ask.windows, step.losses[goal].ratio()))
}

/// The second opinion on a load: only the steps that confirm it for this goal.
pub(super) fn confirmation(spec: &SearchSpec, steps: &[Step], goal: usize, load_per_s: u64) -> Class {
    let own = move |step: &Step| step.ask.role == Role::Confirm && step.ask.goal as usize == goal;
    classify(&spec.goal[goal], at(steps, load_per_s, goal, own))
}

/// The result of a goal, when the search ends with `steps`. `ended` says that it ended because of its budget.
#[must_use]
pub fn result(spec: &SearchSpec, steps: &[Step], goal: usize, ended: bool) -> GoalResult {
    let wanted = &spec.goal[goal];
    let bounds = Bounds::of(spec, steps, goal);
    let (lower, upper) = (bounds.lower, bounds.upper);
    let mut irregular = Vec::new();
    let mut mark = |is: bool, why: Irregular| {
        if is {
            irregular.push(why);
        }
    };
    mark(upper == Some(spec.min_load_per_s), Irregular::NoLowerBound);
    mark(lower == Some(spec.max_load_per_s), Irregular::NoUpperBound);
    mark(ended, Irregular::BudgetEnded);
    mark(bounds.inverted(), Irregular::Inversion);
    let contrary =
        |load: Option<u64>, class: Class| load.is_some_and(|load| confirmation(spec, steps, goal, load) == class);
    mark(contrary(lower, Class::Upper) || contrary(upper, Class::Lower), Irregular::NotRepeated);
    let throughput = |load: u64| conditional_throughput(wanted, load as f64, at(steps, load, goal, |_| true));
    GoalResult {
        lower_per_s: lower,
        upper_per_s: upper,
        throughput_per_s: lower.and_then(throughput),
        upper_by: upper.map(|load| limit(wanted, steps, goal, load)),
        irregular,
    }
}

/// Who makes a load an upper bound: whoever's high-loss steps it would not be one without.
fn limit(wanted: &Goal, steps: &[Step], goal: usize, load: u64) -> Blame {
    let without = |blames: &'static [Blame]| {
        let counts = move |step: &Step| {
            let loss = &step.losses[goal];
            loss.ratio() <= wanted.loss_ratio || !blames.contains(&loss.blame)
        };
        classify(wanted, at(steps, load, goal, counts))
    };
    if without(&[Blame::Client]) != Class::Upper {
        Blame::Client
    } else if without(&[Blame::Client, Blame::Others]) != Class::Upper {
        Blame::Others
    } else {
        Blame::Server
    }
}

fn classify_all(wanted: &Goal, steps: &[Step], goal: usize) -> BTreeMap<u64, Class> {
    let mut by_load: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for step in steps {
        by_load.entry(step.ask.load_per_s).or_default().push((step.ask.windows, step.losses[goal].ratio()));
    }
    by_load.into_iter().map(|(load, steps)| (load, classify(wanted, steps))).collect()
}
