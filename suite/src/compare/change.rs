//! One number in two runs: by how much it changed, and whether that is more than noise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analyse::{BLOCKS_MIN, Better, Interval, Outcome, Resampler, Status, TIE_WIDTH, two_sided};

/// Level of the family of comparisons.
pub(super) const LEVEL: f64 = 0.05;

/// What became of a number from run A to run B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Worse beyond δ, established.
    Regression,
    /// Better beyond δ, established.
    Improvement,
    /// The whole interval lies within ±10 % (or δ, if that is more), and no difference is established.
    Unchanged,
    /// The data do not decide; the reason says why.
    Undetermined,
    /// One of the runs has no value that counts.
    Missing,
}

impl Direction {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Improvement => "improvement",
            Self::Unchanged => "unchanged",
            Self::Undetermined => "undetermined",
            Self::Missing => "missing",
        }
    }
}

/// A number in one of the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub status: Status,
    /// The median over the blocks that count, or over those that do not where none does; in the metric's base unit.
    pub value: Option<f64>,
    /// Blocks that count.
    pub blocks: u32,
}

/// A number in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub a: Seen,
    pub b: Seen,
    /// B ÷ A, whichever direction is better: exp of the difference of the medians of log values.
    pub ratio: Option<f64>,
    /// Its 95 % interval, with at least [`BLOCKS_MIN`] blocks on both sides.
    pub interval: Option<Interval>,
    /// How often chance alone would go this far beyond δ, in this comparison by itself.
    pub p_value: Option<f64>,
    /// The same after Holm's adjustment over all comparisons of the metric; at most 5 % for a call.
    pub p_adjusted: Option<f64>,
    pub direction: Direction,
    /// Why it is undetermined or missing, or unchanged although the ratio is not 1.
    pub reason: Option<String>,
}

/// What both runs share in a comparison of one metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) better: Better,
    /// As a log ratio.
    pub(super) delta: f64,
    /// Differences below this amount, in the metric's base unit, matter to nobody.
    pub(super) resolution: f64,
}

/// Resamples of two runs. Their blocks are different ones and are not paired: each run draws by itself.
#[derive(Debug)]
pub(super) struct TwoSamples {
    a: Resampler,
    b: Resampler,
}

impl TwoSamples {
    pub(super) fn new(seed: u64) -> Self {
        Self { a: Resampler::new(seed), b: Resampler::new(!seed) }
    }

    /// ln B − ln A of the medians, in every resample.
    fn differences(&mut self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let of_a = self.a.statistics(a, a.len(), median);
        let of_b = self.b.statistics(b, b.len(), median);
        of_a.into_iter().zip(of_b).map(|(a, b)| b - a).collect()
    }
}

impl Change {
    /// The change, not yet judged: [`Change::judge`] does that when the whole family is known.
    pub(super) fn measure(
        a: &BTreeMap<u32, Outcome>,
        b: &BTreeMap<u32, Outcome>,
        rule: Rule,
        samples: &mut TwoSamples,
    ) -> Self {
        let (usable_a, usable_b) = (usable(a), usable(b));
        let mut change = Self {
            a: Seen::of(a),
            b: Seen::of(b),
            ratio: None,
            interval: None,
            p_value: None,
            p_adjusted: None,
            direction: Direction::Undetermined,
            reason: None,
        };
        for (run, status, outcomes) in [("A", change.a.status, a), ("B", change.b.status, b)] {
            if status != Status::Measured {
                change.reason = Some(format!("run {run}: {}", excuse(outcomes)));
                change.direction = if status == Status::Bound { Direction::Undetermined } else { Direction::Missing };
                return change;
            }
        }
        let (value_a, value_b) = (median(&mut usable_a.clone()), median(&mut usable_b.clone()));
        let logs = |values: &[f64]| -> Option<Vec<f64>> {
            values.iter().all(|value| *value > 0.0).then(|| values.iter().map(|value| value.ln()).collect())
        };
        let logs = logs(&usable_a).zip(logs(&usable_b));
        change.ratio = logs.is_some().then(|| value_b / value_a);
        if usable_a.len().min(usable_b.len()) < BLOCKS_MIN {
            let (of_a, of_b) = (usable_a.len(), usable_b.len());
            change.reason = Some(format!("{of_a} and {of_b} blocks count, {BLOCKS_MIN} are needed in each run"));
            return change;
        }
        if (value_b - value_a).abs() < rule.resolution {
            change.direction = Direction::Unchanged;
            change.reason = Some(format!("the difference is below {}, which is not resolved", rule.resolution));
            return change;
        }
        let Some((logs_a, logs_b)) = logs else {
            change.no_ratio(&usable_a, &usable_b, rule);
            return change;
        };
        let estimate = median(&mut logs_b.clone()) - median(&mut logs_a.clone());
        let differences = samples.differences(&logs_a, &logs_b);
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        let squares = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>();
        let error = (squares / (differences.len() - 1) as f64).sqrt();
        let freedom = (logs_a.len() + logs_b.len() - 2) as u32;
        let beyond = estimate.abs() - rule.delta;
        change.ratio = Some(estimate.exp());
        // Values that are all alike have no error: t is infinite, and the chance 0.
        change.p_value = Some(if beyond > 0.0 { two_sided(beyond / error, freedom) } else { 1.0 });
        change.interval = Interval::of(differences).map(|interval| interval.map(f64::exp));
        change
    }

    /// Where one side is 0 a ratio has no meaning, but something from nothing is a change all the same.
    fn no_ratio(&mut self, a: &[f64], b: &[f64], rule: Rule) {
        let beyond = |values: &[f64]| values.iter().all(|value| *value >= rule.resolution && *value > 0.0);
        let none = |values: &[f64]| values.iter().all(|value| *value <= 0.0);
        let worse = match (none(a) && beyond(b), none(b) && beyond(a)) {
            (true, _) => rule.better == Better::Lower,
            (_, true) => rule.better == Better::Higher,
            _ => {
                self.reason = Some("some values are 0 or less, and have no ratio".into());
                return;
            }
        };
        self.direction = if worse { Direction::Regression } else { Direction::Improvement };
        self.reason = Some("0 in every block of one run, and in none of the other".into());
    }

    /// Judges the change, with its p-value adjusted over a family of `family` comparisons.
    pub(super) fn judge(&mut self, rule: Rule, p_adjusted: f64, family: usize) {
        let Some(interval) = self.interval else { return };
        self.p_adjusted = Some(p_adjusted);
        let logs = interval.map(f64::ln);
        let sign = if rule.better == Better::Lower { 1.0 } else { -1.0 };
        let worse = logs.map(|log| sign * log);
        let wide = rule.delta.max(TIE_WIDTH.ln_1p());
        let called = if worse.lo > rule.delta {
            Some(Direction::Regression)
        } else if worse.hi < -rule.delta {
            Some(Direction::Improvement)
        } else {
            None
        };
        (self.direction, self.reason) = match called {
            Some(direction) if p_adjusted <= LEVEL => (direction, None),
            Some(_) => {
                let reason =
                    format!("p {p_adjusted:.2} after adjusting for {family} comparisons, at most {LEVEL} is allowed");
                (Direction::Undetermined, Some(reason))
            }
            None if logs.lo > -wide && logs.hi < wide => (Direction::Unchanged, None),
            None => (Direction::Undetermined, Some("the interval is too wide to tell".into())),
        };
    }

    /// How many times worse B is than A: above 1 is worse, whichever direction is better.
    #[must_use]
    pub fn times_worse(&self, better: Better) -> Option<f64> {
        self.ratio.map(|ratio| if better == Better::Lower { ratio } else { 1.0 / ratio })
    }
}

impl Seen {
    fn of(outcomes: &BTreeMap<u32, Outcome>) -> Self {
        let of = |pick: fn(&Outcome) -> Option<f64>| outcomes.values().filter_map(pick).collect::<Vec<f64>>();
        let invalid = |outcome: &Outcome| if let Outcome::Invalid { value, .. } = outcome { *value } else { None };
        let bound = |outcome: &Outcome| if let Outcome::Bound { value, .. } = outcome { Some(*value) } else { None };
        let usable = of(Outcome::usable);
        let blocks = usable.len() as u32;
        let is_invalid = outcomes.values().any(|outcome| matches!(outcome, Outcome::Invalid { .. }));
        let (status, mut values) = match (usable, of(bound)) {
            (usable, _) if !usable.is_empty() => (Status::Measured, usable),
            (_, bounds) if !bounds.is_empty() => (Status::Bound, bounds),
            _ if is_invalid => (Status::Invalid, of(invalid)),
            _ => (Status::Missing, Vec::new()),
        };
        let value = (!values.is_empty()).then(|| median(&mut values));
        Self { status, value, blocks }
    }
}

fn usable(outcomes: &BTreeMap<u32, Outcome>) -> Vec<f64> {
    outcomes.values().filter_map(Outcome::usable).collect()
}

/// Why no block counts: the most frequent kind of reason, in its first words.
fn excuse(outcomes: &BTreeMap<u32, Outcome>) -> String {
    let mut kinds: Vec<(&str, &str, u32)> = Vec::new();
    for outcome in outcomes.values() {
        let (Outcome::Bound { reason, .. } | Outcome::Invalid { reason, .. } | Outcome::Missing { reason }) = outcome
        else {
            continue;
        };
        match kinds.iter_mut().find(|(kind, ..)| *kind == reason.kind) {
            Some((.., count)) => *count += 1,
            None => kinds.push((&reason.kind, &reason.detail, 1)),
        }
    }
    let most = kinds.into_iter().max_by_key(|(.., count)| *count);
    most.map_or_else(|| "not run".into(), |(kind, detail, _)| format!("{}: {detail}", kind.replace('_', " ")))
}

/// The median; sorts in place.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}
