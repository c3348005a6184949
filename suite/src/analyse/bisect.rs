//! Where to look closer: the points that would place crossovers better, half way in ln x to what was measured.

use std::collections::BTreeMap;

use super::analysis::followed;
use super::context::Context;
use super::crossover::{Crossing, Lead};
use super::lines::{Line, Lines};
use crate::record::{Cell, Trial};

/// The cells that would place the crossovers of a run better, the most asked for first; none when every crossover
/// lies in bounds less than a factor of 1.25 apart, or has no point left between its neighbours.
#[must_use]
pub fn bisect(trials: &[Trial], context: &Context) -> Vec<Cell> {
    let mut votes: BTreeMap<Cell, u32> = BTreeMap::new();
    for lines in followed(trials, context) {
        for cell in asked(&lines) {
            *votes.entry(cell).or_default() += 1;
        }
    }
    let mut cells: Vec<(Cell, u32)> = votes.into_iter().filter(|(cell, _)| !context.cells.contains(cell)).collect();
    cells.sort_by_key(|(cell, votes)| (std::cmp::Reverse(*votes), *cell));
    cells.into_iter().map(|(cell, _)| cell).collect()
}

/// The points that the pairs of one metric ask for, each as often as it is asked for.
fn asked(lines: &Lines) -> Vec<Cell> {
    let findings = lines.pairs.iter().flat_map(|pair| pair.findings.iter().zip(&lines.lines));
    let points = |lead: &Lead, line: &Line| match lead {
        Lead::Crossings(crossings) => crossings.iter().filter_map(|crossing: &Crossing| crossing.next).collect(),
        Lead::Between { lo, hi, .. } => widest_gap(line, *lo, *hi).into_iter().collect(),
        Lead::Ahead { .. } | Lead::Tie | Lead::Undetermined { .. } => Vec::new(),
    };
    let cells = findings.flat_map(|(finding, line)| {
        let points: Vec<u32> = points(&finding.lead, line);
        points.into_iter().map(|x| lines.along.cell(line, x))
    });
    cells.collect()
}

/// The middle of the widest gap between measured points from `lo` to `hi`.
fn widest_gap(line: &Line, lo: u32, hi: u32) -> Option<u32> {
    let within: Vec<u32> = line.xs.iter().copied().filter(|x| (lo..=hi).contains(x)).collect();
    let width = |gap: &&[u32]| super::crossover::ln(gap[1]) - super::crossover::ln(gap[0]);
    let widest = within.windows(2).max_by(|a, b| width(a).total_cmp(&width(b)))?;
    super::crossover::halve(widest[0], widest[1])
}
