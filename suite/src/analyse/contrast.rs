//! What TCP itself costs: the same frames over Unix sockets and UDP beside TCP, variant by variant.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resampler, median};
use super::compare::{BLOCKS_MIN, log_ratios};
use super::context::Context;
use super::family::{chance, holm};
use super::metric::{Better, Metric};
use super::sample::Samples;
use super::table::{Entry, Table};
use crate::record::{Cell, Transport};

/// One metric at the cells that exist over TCP and over another transport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// The metric's table, of which this one takes its values.
    pub key: String,
    /// The other transport's cells, each with its TCP twin.
    pub columns: Vec<Cell>,
    /// One per variant of the context.
    pub rows: Vec<ContrastRow>,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContrastRow {
    pub name: String,
    /// One per column.
    pub entries: Vec<ContrastEntry>,
}

/// One variant at one cell: over TCP, over the other transport, and how they compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContrastEntry {
    pub tcp: Entry,
    pub other: Entry,
    /// The other's value ÷ TCP's: the median over blocks; `None` where they have no block in common.
    pub ratio: Option<f64>,
    /// `None` with fewer than [`BLOCKS_MIN`] blocks in common.
    pub interval: Option<Interval>,
    /// The interval leaves ±δ, and it differs with all variants of the column considered.
    pub separated: bool,
}

impl Contrast {
    /// The contrast of a metric, from its table; `None` where no cell has a TCP twin.
    #[must_use]
    pub fn of(
        metric: Metric,
        table: &Table,
        samples: &Samples,
        context: &Context,
        resampler: &mut Resampler,
    ) -> Option<Self> {
        let twin = |cell: &Cell| Cell { transport: Transport::Tcp, ..*cell };
        let place = |cell: &Cell| table.columns.iter().position(|column| column == cell);
        let other = |cell: &&Cell| cell.transport != Transport::Tcp && place(&twin(cell)).is_some();
        let columns: Vec<Cell> = context.cells.iter().filter(other).copied().collect();
        if columns.is_empty() {
            return None;
        }
        let ratios = |variant: usize, cell: &Cell| {
            // Better::Lower: the plain ratio, whichever direction is better.
            log_ratios(&samples.usable(variant, *cell), &samples.usable(variant, twin(cell)), Better::Lower)
        };
        let differ = |cell: &Cell| holm(&(0..table.rows.len()).map(|v| chance(&ratios(v, cell))).collect::<Vec<_>>());
        let differ: Vec<Vec<bool>> = columns.iter().map(differ).collect();
        let mut rows = Vec::new();
        for (variant, row) in table.rows.iter().enumerate() {
            let entry = |(column, cell): (usize, &Cell)| {
                let ratios = ratios(variant, cell);
                let enough = ratios.len() >= BLOCKS_MIN;
                let interval = enough.then(|| resampler.median_interval(&ratios)).flatten();
                let delta = table.floor.delta();
                let at = |cell: &Cell| row.entries[place(cell).expect("the table has every cell")].clone();
                ContrastEntry {
                    tcp: at(&twin(cell)),
                    other: at(cell),
                    ratio: median(&ratios).map(f64::exp),
                    interval: interval.map(|interval| interval.map(f64::exp)),
                    separated: differ[column][variant]
                        && interval.is_some_and(|interval| interval.lo > delta || interval.hi < -delta),
                }
            };
            let entries = columns.iter().enumerate().map(entry).collect();
            rows.push(ContrastRow { name: row.name.clone(), entries });
        }
        Some(Self { key: metric.key().into(), columns, rows })
    }
}
