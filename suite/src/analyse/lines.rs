//! The crossover lines of a metric: every pair of variants along connections and along payload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::Resampler;
use super::context::Context;
use super::crossover::{Finding, PairPoint, follow};
use super::family::Family;
use super::metric::{Better, Metric, Unit};
use super::noise::Floor;
use super::sample::Samples;
use crate::record::{Cell, Transport};

/// What a line runs along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Along {
    Connections,
    Payload,
}

/// Every pair of variants along every line of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// The metric's name in files and URLs.
    pub key: String,
    pub title: String,
    pub unit: Unit,
    pub better: Better,
    pub along: Along,
    pub floor: Floor,
    pub lines: Vec<Line>,
    pub pairs: Vec<Pair>,
}

/// The points along which pairs are followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub transport: Transport,
    /// What stays the same: the payload in bytes along connections, the connections along payload.
    pub fixed: u32,
    /// Rising.
    pub xs: Vec<u32>,
}

/// Two variants, and what is known of them along each line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Places in the context's variants.
    pub first: usize,
    pub second: usize,
    pub findings: Vec<Finding>,
}

impl Along {
    pub const BOTH: [Self; 2] = [Self::Connections, Self::Payload];

    /// The cell's place along the line, and what it keeps fixed.
    #[must_use]
    pub const fn split(self, cell: Cell) -> (u32, u32) {
        match self {
            Self::Connections => (cell.connections, cell.payload_bytes),
            Self::Payload => (cell.payload_bytes, cell.connections),
        }
    }

    /// The cell at `x` of a line.
    #[must_use]
    pub const fn cell(self, line: &Line, x: u32) -> Cell {
        let (connections, payload_bytes) = match self {
            Self::Connections => (x, line.fixed),
            Self::Payload => (line.fixed, x),
        };
        Cell { transport: line.transport, connections, payload_bytes }
    }
}

impl Lines {
    /// The lines of `metric`; `None` where no line has two points.
    #[must_use]
    pub fn of(
        metric: Metric,
        along: Along,
        samples: &Samples,
        context: &Context,
        resampler: &mut Resampler,
    ) -> Option<Self> {
        let lines = lines(along, &context.cells);
        if lines.is_empty() {
            return None;
        }
        let floor = Floor::of(&samples.twin_log_ratios(), context.blocks_asked as usize, resampler);
        let present: Vec<usize> =
            (0..context.variants.len()).filter(|place| context.variants[*place].absent.is_none()).collect();
        let family =
            |cell| Family::of(&(0..context.variants.len()).map(|v| samples.usable(v, cell)).collect::<Vec<_>>());
        let families: BTreeMap<Cell, Family> = lines
            .iter()
            .flat_map(|line| line.xs.iter().map(|x| along.cell(line, *x)))
            .map(|cell| (cell, family(cell)))
            .collect();
        let mut pairs = Vec::new();
        for (rank, first) in present.iter().enumerate() {
            for second in &present[rank + 1..] {
                let of = |line: &Line| {
                    let at = |x: &u32| {
                        let cell = along.cell(line, *x);
                        let differ = families[&cell].differ(*first, *second);
                        let [first, second] = [first, second].map(|variant| samples.usable(*variant, cell));
                        PairPoint { x: *x, first, second, differ }
                    };
                    let points: Vec<PairPoint> = line.xs.iter().map(at).collect();
                    follow(&points, metric.better(), floor.delta(), resampler)
                };
                pairs.push(Pair { first: *first, second: *second, findings: lines.iter().map(of).collect() });
            }
        }
        let (key, title) = (metric.key().into(), metric.title().into());
        Some(Self { key, title, unit: metric.unit(), better: metric.better(), along, floor, lines, pairs })
    }
}

/// The lines with at least two points that the cells make.
fn lines(along: Along, cells: &[Cell]) -> Vec<Line> {
    let mut by_fixed: BTreeMap<(Transport, u32), Vec<u32>> = BTreeMap::new();
    for cell in cells {
        let (x, fixed) = along.split(*cell);
        by_fixed.entry((cell.transport, fixed)).or_default().push(x);
    }
    let line = |((transport, fixed), mut xs): ((Transport, u32), Vec<u32>)| {
        xs.sort_unstable();
        xs.dedup();
        (xs.len() >= 2).then_some(Line { transport, fixed, xs })
    };
    by_fixed.into_iter().filter_map(line).collect()
}
