//! Who is best in a column, who is not told apart from it, and who is behind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resampler, median};
use super::family::Family;
use super::metric::Better;
use super::sample::log_ratio;

/// The smallest difference that is ever called one.
pub const DELTA_MIN: f64 = 0.02;

/// Blocks below which nothing is called: of two, an interval is no more than the two.
pub const BLOCKS_MIN: usize = 3;

/// Where a variant stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// How many times worse than the best, whichever direction is better: 1 is the best.
    pub ratio: f64,
    /// Its 95 % interval; `None` for the best itself and with fewer than [`BLOCKS_MIN`] blocks in common.
    pub interval: Option<Interval>,
    pub verdict: Verdict,
}

/// What a comparison with the best concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Ahead of all others, each difference established.
    Best,
    /// The best value, and at least one other is not told apart from it.
    Leading,
    /// Not told apart from the best.
    Tie,
    /// Worse than the best: the interval lies beyond δ, and the pair differs with all pairs of the column considered.
    Behind,
    /// Too few blocks in common with the best, or another's value is only a bound.
    Undetermined,
    /// No other variant has a value here.
    Alone,
}

/// Stands each variant of one column; `None` where it has no usable value.
pub(super) fn stand(
    column: &[BTreeMap<u32, f64>],
    better: Better,
    delta: f64,
    resampler: &mut Resampler,
) -> Vec<Option<Standing>> {
    let Some(best) = best(column, better) else { return vec![None; column.len()] };
    let family = Family::of(column);
    let contenders = column.iter().filter(|blocks| !blocks.is_empty()).count();
    let mut standings: Vec<Option<Standing>> = column
        .iter()
        .enumerate()
        .map(|(variant, blocks)| {
            if blocks.is_empty() {
                return None;
            }
            let ratios = log_ratios(blocks, &column[best], better);
            let ratio = match median(&ratios) {
                Some(middle) => middle.exp(),
                None => f64::NAN,
            };
            if ratios.len() < BLOCKS_MIN {
                return Some(Standing { ratio, interval: None, verdict: Verdict::Undetermined });
            }
            let interval = resampler.median_interval(&ratios).expect("there are ratios");
            let behind = interval.lo > delta && family.differ(variant, best);
            let verdict = if behind { Verdict::Behind } else { Verdict::Tie };
            Some(Standing { ratio, interval: Some(interval.map(f64::exp)), verdict })
        })
        .collect();
    let others = || standings.iter().enumerate().filter(|(place, _)| *place != best).filter_map(|(_, s)| s.as_ref());
    let verdict = if contenders == 1 {
        Verdict::Alone
    } else if others().all(|other| other.verdict == Verdict::Behind) {
        Verdict::Best
    } else if others().any(|other| other.verdict == Verdict::Tie) {
        Verdict::Leading
    } else {
        Verdict::Undetermined
    };
    standings[best] = Some(Standing { ratio: 1.0, interval: None, verdict });
    standings
}

/// Log ratios of `a` to `b` over the blocks in which both count; above 0 where `a` is worse.
pub(super) fn log_ratios(a: &BTreeMap<u32, f64>, b: &BTreeMap<u32, f64>, better: Better) -> Vec<f64> {
    let sign = if better == Better::Lower { 1.0 } else { -1.0 };
    a.iter().filter_map(|(block, value)| Some(sign * log_ratio(*value, *b.get(block)?)?)).collect()
}

/// The variant with the best median. If another is ahead of it block by block, that one: ratios compare
/// within blocks, and none should read better than the best.
fn best(column: &[BTreeMap<u32, f64>], better: Better) -> Option<usize> {
    let middle = |blocks: &BTreeMap<u32, f64>| median(&blocks.values().copied().collect::<Vec<_>>());
    let key = |value: f64| if better == Better::Lower { value } else { -value };
    let values = column.iter().enumerate().filter_map(|(place, blocks)| Some((place, key(middle(blocks)?))));
    let mut best = values.min_by(|a, b| a.1.total_cmp(&b.1))?.0;
    // Pairwise medians can run in circles: as many steps as there are variants, then it stays.
    for _ in 0..column.len() {
        let ahead = |blocks: &BTreeMap<u32, f64>| median(&log_ratios(blocks, &column[best], better));
        let ratios = column.iter().enumerate().filter_map(|(place, blocks)| Some((place, ahead(blocks)?)));
        match ratios.min_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((place, ratio)) if ratio < 0.0 => best = place,
            _ => break,
        }
    }
    Some(best)
}
