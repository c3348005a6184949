//! Which load to try next. A pure function of the steps so far: the same steps give the same next one.

use super::bounds::{Bounds, GoalResult, confirmation, near, result, smallest};
use super::classify::Class;
use super::goal::{Goal, SearchSpec};
use super::step::{Ask, Role, Step};

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Measure(Ask),
    /// One result per goal, in the order of [`SearchSpec::goal`].
    Done(Vec<GoalResult>),
}

/// Coarse steps stop when their bounds are so many times the goal's width apart.
const COARSE_WIDTHS: f64 = 2.0;
/// No load is more than so many times one that was upheld: an open loop at several times the capacity piles up frames.
const GROWTH: u64 = 2;

/// Decides the next step. `overhead_windows` is what a step takes beside its own length, in windows; it counts against
/// the budget.
///
/// First the bounds of each goal, the strictest first, each in its share of the budget; then, once all have theirs, each
/// bound is measured anew. A step counts for every goal, whichever it was made for.
#[must_use]
pub fn decide(spec: &SearchSpec, steps: &[Step], overhead_windows: f64) -> Decision {
    let goals = spec.goal.len();
    let cost = |windows: f64| windows + overhead_windows;
    let spent: f64 = steps.iter().map(|step| cost(step.ask.windows)).sum();
    let full = spec.goal.iter().map(|goal| goal.final_windows).fold(0.0, f64::max);
    let budget = f64::from(spec.budget_steps) * cost(full);
    let confirming: f64 = (0..goals).map(|goal| reserve(spec, goal, overhead_windows)).sum();
    let affordable = |ask: &Ask, budget: f64| spent + cost(ask.windows) <= budget * (1.0 + f64::EPSILON);
    let mut unfinished = vec![false; goals];
    for (goal, unfinished) in unfinished.iter_mut().enumerate() {
        if let Some(ask) = seek(spec, steps, goal) {
            let share = (budget - confirming) * (goal + 1) as f64 / goals as f64;
            if affordable(&ask, share) {
                return Decision::Measure(ask);
            }
            *unfinished = true;
        }
    }
    for goal in 0..goals {
        if let Some(ask) = confirm(spec, steps, goal)
            && affordable(&ask, budget)
        {
            return Decision::Measure(ask);
        }
    }
    Decision::Done(unfinished.into_iter().enumerate().map(|(goal, ended)| result(spec, steps, goal, ended)).collect())
}

/// What confirming a goal's bounds takes at most, in windows.
fn reserve(spec: &SearchSpec, goal: usize, overhead_windows: f64) -> f64 {
    let windows = spec.confirmation_windows(goal);
    windows + windows / spec.goal[goal].final_windows * overhead_windows
}

/// The step that brings the bounds of a goal closer; `None` when they are close enough, or cannot come closer.
fn seek(spec: &SearchSpec, steps: &[Step], goal: usize) -> Option<Ask> {
    let wanted = &spec.goal[goal];
    let bounds = Bounds::of(spec, steps, goal);
    let ask = |load_per_s: u64, role: Role| {
        let windows = if role == Role::Coarse { wanted.initial_windows } else { wanted.final_windows };
        Some(Ask { load_per_s, windows, goal: goal as u32, role })
    };
    if let Some(load) = half_measured(&bounds, steps, wanted) {
        return ask(load, Role::Bound);
    }
    match (bounds.lower, bounds.upper) {
        (Some(_), Some(_)) if bounds.close_enough(wanted) => None,
        (Some(lower), Some(upper)) => ask(between(lower, upper), Role::Bound),
        (Some(lower), None) if lower >= spec.max_load_per_s => None,
        (Some(lower), None) => ask(above(spec, wanted, &bounds, lower), Role::Bound),
        (None, Some(upper)) if upper <= spec.min_load_per_s => None,
        (None, Some(upper)) => ask(beneath(spec, wanted, &bounds, upper), Role::Bound),
        (None, None) => match coarse(spec, wanted, &bounds) {
            Ok(load) => ask(load, Role::Coarse),
            Err(load) => ask(load, Role::Bound),
        },
    }
}

/// The smallest load between the bounds that has full-length steps and is not decided yet: more of them will decide it.
fn half_measured(bounds: &Bounds, steps: &[Step], wanted: &Goal) -> Option<u64> {
    let inside = |load: u64| {
        bounds.upper.is_none_or(|upper| load < upper)
            && bounds.lower.is_none_or(|lower| load > lower)
            && steps.iter().any(|step| step.ask.load_per_s == load && step.ask.windows >= wanted.final_windows)
    };
    let mut undecided = bounds.classes.iter().filter(|(_, class)| **class == Class::Undecided);
    undecided.find(|(load, _)| inside(**load)).map(|(load, _)| *load)
}

/// Without any bound: the next load for a short step, or (`Err`) the load that should become the first bound.
fn coarse(spec: &SearchSpec, wanted: &Goal, bounds: &Bounds) -> Result<u64, u64> {
    let (min, max) = (spec.min_load_per_s, spec.max_load_per_s);
    let bad = smallest(&bounds.hints, Class::Upper);
    let good = bounds.hints.range(..bad.unwrap_or(u64::MAX)).rev().find(|(_, class)| **class == Class::Lower);
    match (good.map(|(load, _)| *load), bad) {
        (None, None) => Ok(min),
        (Some(good), None) if good >= max => Err(max),
        (Some(good), None) => Ok((good * GROWTH).min(max)),
        (None, Some(bad)) if bad <= min => Err(min),
        (None, Some(bad)) => Ok((bad / GROWTH).max(min)),
        (Some(good), Some(bad)) if near(good, bad, COARSE_WIDTHS * wanted.width) => Err(good),
        (Some(good), Some(bad)) => Ok(between(good, bad)),
    }
}

/// The load to try above a lower bound: the next one that short steps spoke against, else further away each time.
fn above(spec: &SearchSpec, wanted: &Goal, bounds: &Bounds, lower: u64) -> u64 {
    let hint = bounds.hints.range(lower + 1..).find(|(_, class)| **class == Class::Upper).map(|(load, _)| *load);
    let reach = (1.0 - stride(wanted, &bounds.classes, Class::Lower)).recip().min(GROWTH as f64);
    let next = ((lower as f64 * reach) as u64).max(lower + 1);
    hint.map_or(next, |hint| hint.min(lower * GROWTH)).min(spec.max_load_per_s)
}

/// The load to try beneath an upper bound: the next one that short steps spoke for, else further away each time.
fn beneath(spec: &SearchSpec, wanted: &Goal, bounds: &Bounds, upper: u64) -> u64 {
    let hint = bounds.hints.range(..upper).rev().find(|(_, class)| **class == Class::Lower).map(|(load, _)| *load);
    let next = (upper as f64 * (1.0 - stride(wanted, &bounds.classes, Class::Upper))) as u64;
    hint.unwrap_or(next).clamp(spec.min_load_per_s, upper - 1)
}

/// How far to go from a bound, as a share of it: a width at first, and twice as far with each load of its class.
fn stride(wanted: &Goal, classes: &std::collections::BTreeMap<u64, Class>, class: Class) -> f64 {
    let count = classes.values().filter(|own| **own == class).count() as i32;
    (wanted.width * 2f64.powi(count - 1)).min(0.5)
}

/// Half way in ln load, and strictly between.
fn between(lower: u64, upper: u64) -> u64 {
    let middle = (lower as f64 * upper as f64).sqrt().round() as u64;
    middle.clamp(lower + 1, upper - 1)
}

/// The next step that measures a bound anew; `None` when both have a second opinion, or there are not both.
/// They take turns: a server that changes its mind in between contradicts itself at one of them.
fn confirm(spec: &SearchSpec, steps: &[Step], goal: usize) -> Option<Ask> {
    let bounds = Bounds::of(spec, steps, goal);
    let (lower, upper) = bounds.lower.zip(bounds.upper)?;
    let open = |load: &u64| confirmation(spec, steps, goal, *load) == Class::Undecided;
    let count = |load: &u64| {
        let own = |step: &&Step| step.ask.role == Role::Confirm && step.ask.goal as usize == goal;
        steps.iter().filter(own).filter(|step| step.ask.load_per_s == *load).count()
    };
    let load_per_s = [lower, upper].into_iter().filter(open).min_by_key(count)?;
    Some(Ask { load_per_s, windows: spec.goal[goal].final_windows, goal: goal as u32, role: Role::Confirm })
}
