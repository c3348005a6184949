//! All pairs of a column, tested together: the chance that any of them is called by accident stays below 5 %.

use std::collections::BTreeMap;

use super::compare::BLOCKS_MIN;
use super::sample::log_ratio;
use super::student;

/// The chance of one false call or more among all that are tested together.
const ERROR_MAX: f64 = 0.05;

/// Which pairs of a column's variants differ at all, whatever by how much.
#[derive(Debug, Clone)]
pub(super) struct Family {
    variants: usize,
    /// By pair, in the order of [`Family::place`].
    told: Vec<bool>,
}

impl Family {
    /// Tests every pair of a column, given by its values by block; a pair with fewer than [`BLOCKS_MIN`] blocks in
    /// common is not tested, and not told apart.
    pub(super) fn of(column: &[BTreeMap<u32, f64>]) -> Self {
        let mut chances = Vec::new();
        for (first, a) in column.iter().enumerate() {
            for b in &column[first + 1..] {
                let ratios = a.iter().filter_map(|(block, value)| log_ratio(*value, *b.get(block)?));
                chances.push(chance(&ratios.collect::<Vec<f64>>()));
            }
        }
        Self { variants: column.len(), told: holm(&chances) }
    }

    /// Whether two variants differ, all pairs considered.
    pub(super) fn differ(&self, a: usize, b: usize) -> bool {
        a != b && self.told[self.place(a.min(b), a.max(b))]
    }

    fn place(&self, first: usize, second: usize) -> usize {
        debug_assert!(first < second && second < self.variants, "a pair of the column");
        first * (2 * self.variants - first - 1) / 2 + second - first - 1
    }
}

/// The chance of log ratios at least this far from 0 on average if there were no difference: the paired t-test.
/// The blocks are few, so that a rank test could never be small enough; the bootstrap's interval judges the size
/// of the difference, this its existence. `None` with too few blocks.
pub(super) fn chance(ratios: &[f64]) -> Option<f64> {
    if ratios.len() < BLOCKS_MIN {
        return None;
    }
    let n = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / n;
    let variance = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / (n - 1.0);
    if mean == 0.0 {
        return Some(1.0);
    }
    // Counts may be equal in every block: then t is infinite, and the chance 0.
    Some(student::two_sided(mean.abs() / (variance / n).sqrt(), ratios.len() as u32 - 1))
}

/// Holm's step-down procedure: which of the hypotheses fall when all are tested together.
pub(super) fn holm(chances: &[Option<f64>]) -> Vec<bool> {
    let mut order: Vec<(f64, usize)> =
        chances.iter().enumerate().filter_map(|(place, chance)| Some(((*chance)?, place))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut fall = vec![false; chances.len()];
    for (rank, (chance, place)) in order.iter().enumerate() {
        if *chance > ERROR_MAX / (order.len() - rank) as f64 {
            break;
        }
        fall[*place] = true;
    }
    fall
}

/// What a single pair must stay below to fall first among `pairs`: the strictest step of [`holm`].
pub(super) fn strictest(pairs: usize) -> f64 {
    ERROR_MAX / pairs.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_steps_down_and_stops_at_the_first_that_stands() {
        let check = |chances: &[f64], fall: &[bool]| {
            assert_eq!(holm(&chances.iter().copied().map(Some).collect::<Vec<_>>()), fall, "{chances:?}");
        };
        // Holm 1979: against 0.05/4, 0.05/3, 0.05/2, 0.05.
        check(&[0.01, 0.04, 0.03, 0.005], &[true, false, false, true]);
        check(&[0.0125, 0.0166, 0.025, 0.05], &[true, true, true, true]);
        check(&[0.013, 0.001], &[true, true]);
        check(&[0.026, 0.026], &[false, false]);
        assert_eq!(holm(&[None, Some(0.04), None]), [false, true, false], "what is not tested does not count");
    }

    #[test]
    fn every_pair_has_its_place() {
        let family = Family { variants: 5, told: vec![false; 10] };
        let mut places: Vec<usize> = (0..5)
            .flat_map(|first| (first + 1..5).map(move |second| (first, second)))
            .map(|(a, b)| family.place(a, b))
            .collect();
        places.sort_unstable();
        assert_eq!(places, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn blocks_that_agree_exactly_are_certain() {
        assert_eq!(chance(&[0.1, 0.1]), None);
        assert_eq!(chance(&[0.0; 3]), Some(1.0));
        assert_eq!(chance(&[0.5; 4]), Some(0.0));
    }
}
