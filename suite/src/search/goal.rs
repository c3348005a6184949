//! What a search looks for: the controller's input, as experiment files spell it.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// The input of one search (RFC 9971, "Controller Input"): goals, limits of the load, and a ceiling of the time.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchSpec {
    /// Min Load, frames/s over all connections: where the search begins.
    pub min_load_per_s: u64,
    /// Max Load, frames/s: the controller never asks for more.
    pub max_load_per_s: u64,
    /// The search ends when its steps have taken as long as so many full-length ones.
    pub budget_steps: u32,
    /// The goals, the strictest first: smaller loads are measured first.
    pub goal: Vec<Goal>,
}

/// One Search Goal (RFC 9971). A frame is lost when it is errored, unsent, unanswered, or slower than the deadline: with a
/// loss ratio of 1 % the goal is "p99 ≤ deadline".
///
/// Durations are in measured windows of the profile, so that a profile scales a search as a whole.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Slower replies are lost.
    pub deadline_us: u64,
    /// Goal Loss Ratio: a step with a larger share of lost frames is high-loss.
    pub loss_ratio: f64,
    /// Goal Exceed Ratio: the share of the time at one load that may be high-loss.
    pub exceed_ratio: f64,
    /// Goal Initial Trial Duration, in windows: of the coarse steps that only guide the search.
    pub initial_windows: f64,
    /// Goal Final Trial Duration, in windows: only steps this long can make a load a lower bound.
    pub final_windows: f64,
    /// Goal Duration Sum, in windows: so much time at one load always decides it.
    pub sum_windows: f64,
    /// Goal Width: the bounds are close enough when (upper − lower) ÷ upper is at most this.
    pub width: f64,
}

impl Goal {
    /// The deadline in nanoseconds.
    #[must_use]
    pub const fn deadline_ns(&self) -> u64 {
        self.deadline_us * 1000
    }

    /// The goal in words: `p99 ≤ 1 ms`.
    #[must_use]
    pub fn title(&self) -> String {
        let percentile = 100.0 - self.loss_ratio * 100.0;
        let percentile = format!("{percentile:.3}");
        let percentile = percentile.trim_end_matches('0').trim_end_matches('.');
        let deadline = match self.deadline_us {
            us if us >= 1000 && us.is_multiple_of(1000) => format!("{} ms", us / 1000),
            us => format!("{us} µs"),
        };
        format!("p{percentile} ≤ {deadline}")
    }

    /// The goal as part of a file name or key: `p99_1000us`.
    #[must_use]
    pub fn key(&self) -> String {
        let percentile = self.title().split(' ').next().unwrap_or_default().replace('.', "_");
        format!("{percentile}_{}us", self.deadline_us)
    }
}

impl SearchSpec {
    /// The search for people: `search p99 ≤ 1 ms and p99 ≤ 10 ms from 5000/s`.
    #[must_use]
    pub fn describe(&self) -> String {
        let goals: Vec<String> = self.goal.iter().map(Goal::title).collect();
        format!("search {} from {}/s to {}/s", goals.join(" and "), self.min_load_per_s, self.max_load_per_s)
    }

    /// Most steps of one goal's confirmation: both bounds anew.
    #[must_use]
    pub fn confirmation_windows(&self, goal: usize) -> f64 {
        let goal = &self.goal[goal];
        2.0 * (goal.sum_windows / goal.final_windows).ceil() * goal.final_windows
    }

    /// Whether all values make sense together.
    ///
    /// # Errors
    /// Names the first value that does not, and what would.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.goal.is_empty(), "[[load.search.goal]] is missing: nothing would be looked for");
        ensure!(self.min_load_per_s > 0, "min_load_per_s 0: must be more than 0");
        let (min, max) = (self.min_load_per_s, self.max_load_per_s);
        ensure!(max > min, "max_load_per_s {max}: must be more than min_load_per_s {min}");
        for goal in &self.goal {
            ensure!(goal.deadline_us > 0, "deadline_us 0: must be more than 0");
            ensure!((0.0..1.0).contains(&goal.loss_ratio), "loss_ratio {}: must be in 0..1", goal.loss_ratio);
            ensure!((0.0..1.0).contains(&goal.exceed_ratio), "exceed_ratio {}: must be in 0..1", goal.exceed_ratio);
            ensure!(goal.width > 0.0 && goal.width < 1.0, "width {}: must be between 0 and 1", goal.width);
            ensure!(
                goal.width >= goal.loss_ratio,
                "width {}: RFC 9971 wants it no lower than the loss ratio {}",
                goal.width,
                goal.loss_ratio
            );
            let (initial, full, sum) = (goal.initial_windows, goal.final_windows, goal.sum_windows);
            ensure!(initial > 0.0 && initial <= full, "initial_windows {initial}: must be in 0..=final_windows {full}");
            ensure!(
                sum >= full && sum <= 100.0 * full,
                "sum_windows {sum}: must be 1 to 100 times final_windows {full}"
            );
        }
        let deadlines: Vec<u64> = self.goal.iter().map(|goal| goal.deadline_us).collect();
        ensure!(deadlines.is_sorted(), "[[load.search.goal]]: the strictest deadline comes first, not {deadlines:?}");
        let confirmation: f64 = (0..self.goal.len()).map(|goal| self.confirmation_windows(goal)).sum();
        ensure!(
            f64::from(self.budget_steps) > confirmation,
            "budget_steps {}: confirming the bounds alone takes up to {confirmation}",
            self.budget_steps
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> SearchSpec {
        let goal = |deadline_us| Goal {
            deadline_us,
            loss_ratio: 0.01,
            exceed_ratio: 0.5,
            initial_windows: 0.5,
            final_windows: 1.0,
            sum_windows: 3.0,
            width: 0.05,
        };
        SearchSpec {
            min_load_per_s: 1_000,
            max_load_per_s: 2_000,
            budget_steps: 20,
            goal: vec![goal(1_000), goal(10_000)],
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let check = |change: fn(&mut SearchSpec), expected: &str| {
            let mut spec = spec();
            change(&mut spec);
            let said = spec.check().map_or_else(|error| error.to_string(), |()| String::new());
            assert!(if expected.is_empty() { said.is_empty() } else { said.contains(expected) }, "{said:?}");
        };
        check(|_| {}, "");
        check(|spec| spec.goal.clear(), "goal");
        check(|spec| spec.min_load_per_s = 0, "min_load_per_s 0");
        check(|spec| spec.max_load_per_s = 1_000, "max_load_per_s 1000");
        check(|spec| spec.budget_steps = 12, "budget_steps 12");
        check(|spec| spec.goal.reverse(), "strictest");
        check(|spec| spec.goal[0].exceed_ratio = 1.0, "exceed_ratio 1");
        check(|spec| spec.goal[0].width = 0.009, "width 0.009");
        check(|spec| spec.goal[1].initial_windows = 1.5, "initial_windows 1.5");
        check(|spec| spec.goal[1].sum_windows = 0.5, "sum_windows 0.5");
    }

    #[test]
    fn goals_have_names_for_people_and_for_files() {
        let mut goal = spec().goal.remove(0);
        assert_eq!((goal.title(), goal.key()), ("p99 ≤ 1 ms".into(), "p99_1000us".into()));
        (goal.loss_ratio, goal.deadline_us) = (0.001, 250);
        assert_eq!((goal.title(), goal.key()), ("p99.9 ≤ 250 µs".into(), "p99_9_250us".into()));
    }
}
