//! Fits a plan into a budget of time: as many blocks as there is time for, and fewer cells where blocks would be too few.

use std::collections::BTreeMap;

use anyhow::bail;

use super::{Plan, estimate_ms};
use crate::record::{Cell, Transport};

/// Blocks that are worth more than further cells: below, a 95 % interval is optimistic.
const BLOCKS_ENOUGH: u32 = 6;
/// Blocks below which no verdict is possible.
const BLOCKS_LEAST: u32 = 3;
/// A budget buys at most so many times the profile's blocks: precision grows with their square root.
const BLOCKS_GROWTH: u32 = 4;
/// Points that a main line keeps: two ends and a middle.
const POINTS_LEAST: usize = 3;
/// Share of a budget that is kept for bisection where that is on.
const BISECTION_SHARE: f64 = 0.3;

impl Plan {
    /// Fits the plan into `budget_ms`, and notes in [`Plan::given_up`] what did not fit.
    ///
    /// Blocks come first: all cells stay while they get as many blocks as the profile asks for, or 6. Then cells go,
    /// the least telling first: those on no main line, then contrasts of transports, then inner points of the main lines;
    /// among equals the longest. What then still takes too long gets fewer blocks, down to 3. With `spend`, time
    /// that is left buys more blocks.
    ///
    /// # Errors
    /// When the budget is too small for three blocks of three points a line; says what would do.
    pub fn fit(&mut self, budget_ms: u64, spend: bool) -> anyhow::Result<()> {
        let trials_ms = match self.bisect_ms {
            Some(_) => (budget_ms as f64 * (1.0 - BISECTION_SHARE)) as u64,
            None => budget_ms,
        };
        let asked = self.timing.blocks;
        let most = if spend { asked * BLOCKS_GROWTH } else { asked };
        let enough = asked.min(BLOCKS_ENOUGH);
        while self.affordable(trials_ms) < enough {
            let Some(cell) = self.least_telling() else { break };
            self.cell.retain(|other| *other != cell);
            let Cell { transport, connections, payload_bytes } = cell;
            self.given_up.push(format!("{} {connections} × {payload_bytes} B", transport.name()));
        }
        let blocks = self.affordable(trials_ms);
        if blocks < BLOCKS_LEAST.min(asked) {
            let least_ms = self.block_ms() * u64::from(BLOCKS_LEAST.min(asked));
            let least_min = (least_ms as f64 * budget_ms as f64 / trials_ms.max(1) as f64 / 60_000.0).ceil().max(1.0);
            bail!("--budget is too small: {least_min} minutes would do, or fewer engines");
        }
        self.timing.blocks = blocks.min(most);
        if self.timing.blocks < asked {
            self.given_up.push(format!("{} of {asked} blocks", asked - self.timing.blocks));
        }
        if self.bisect_ms.is_some() {
            self.bisect_ms = Some(budget_ms.saturating_sub(estimate_ms(self)));
        }
        Ok(())
    }

    fn block_ms(&self) -> u64 {
        let mut one = self.clone();
        one.timing.blocks = 1;
        estimate_ms(&one).max(1)
    }

    fn affordable(&self, budget_ms: u64) -> u32 {
        (budget_ms / self.block_ms()) as u32
    }

    /// The cell that is missed least; `None` when all that are left are needed.
    fn least_telling(&self) -> Option<Cell> {
        let main = self.main_lines();
        let rank = |cell: &Cell| {
            let lines: Vec<&Vec<Cell>> = main.iter().filter(|line| line.contains(cell)).collect();
            let inner = |line: &&Vec<Cell>| line.first() != Some(cell) && line.last() != Some(cell);
            if self.twin.contains(cell) {
                None
            } else if lines.is_empty() {
                Some(u8::from(cell.transport != Transport::Tcp))
            } else {
                lines.iter().all(|line| inner(line) && line.len() > POINTS_LEAST).then_some(2)
            }
        };
        let ranked = self.cell.iter().filter_map(|cell| Some((rank(cell)?, *cell)));
        let longest = |cell: &Cell| std::cmp::Reverse(super::trial_ms(self, *cell));
        ranked.min_by_key(|(rank, cell)| (*rank, longest(cell), *cell)).map(|(_, cell)| cell)
    }

    /// The longest line along connections and the longest along payload, over TCP.
    fn main_lines(&self) -> Vec<Vec<Cell>> {
        let longest = |fixed: fn(&Cell) -> u32| {
            let mut lines: BTreeMap<u32, Vec<Cell>> = BTreeMap::new();
            for cell in self.cell.iter().filter(|cell| cell.transport == Transport::Tcp) {
                lines.entry(fixed(cell)).or_default().push(*cell);
            }
            lines.values_mut().for_each(|line| line.sort());
            // Of equally long ones the first, however the map is ordered later.
            lines.into_values().rev().max_by_key(Vec::len)
        };
        [longest(|cell| cell.payload_bytes), longest(|cell| cell.connections)].into_iter().flatten().collect()
    }
}
