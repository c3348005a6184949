//! Expands a plan into its trials: blocks of every cell, in an order that the seed decides.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Plan;
use crate::record::Cell;

/// One trial to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedTrial {
    /// Its number in the plan, from 0.
    pub trial: u32,
    pub block: u32,
    /// Index into [`Plan::variant`].
    pub variant: usize,
    /// The repetition of another trial of this block.
    pub twin: bool,
    pub cell: Cell,
    /// It belongs to the second phase, whose rates follow from the searches of the first.
    pub ladder: bool,
    /// The client's seed: the same for all variants of a cell in a block.
    pub seed: u64,
}

/// All trials of `plan`, in the order in which they run.
///
/// Every block holds every cell once, in random order; the variants of one cell follow each other,
/// in random order too, so that what is compared ran at nearly the same time. In each of the plan's
/// twin cells one variant, drawn anew for each block, runs twice.
///
/// Rounds of bisection follow, each in the same way, and with the same number of blocks.
#[must_use]
pub fn trials(plan: &Plan) -> Vec<PlannedTrial> {
    let mut trials = Vec::new();
    let rounds = plan.extension.iter().map(|extension| &extension.cell);
    for (round, cells) in std::iter::once(&plan.cell).chain(rounds).enumerate() {
        for block in 0..plan.timing.blocks {
            add_block(plan, (round as u64) << 32 | u64::from(block), block, cells, &mut trials);
        }
    }
    if plan.ladder.is_some() {
        // The same once more, in the same order, when all peaks are known.
        let first = trials.len() as u32;
        let again: Vec<PlannedTrial> =
            trials.iter().map(|trial| PlannedTrial { trial: first + trial.trial, ladder: true, ..*trial }).collect();
        trials.extend(again);
    }
    trials
}

/// One block of one round; `number` is its own among all of the run.
fn add_block(plan: &Plan, number: u64, block: u32, cells: &[Cell], trials: &mut Vec<PlannedTrial>) {
    let mut order = Xoshiro256PlusPlus::seed_from_u64(stream(plan.seed, number));
    let mut cells = cells.to_vec();
    cells.shuffle(&mut order);
    for cell in cells {
        let seed = order.random::<u64>() >> SEED_SHIFT;
        let able: Vec<usize> = (0..plan.variant.len()).filter(|v| plan.takes(&plan.variant[*v], cell)).collect();
        let mut entries: Vec<(usize, bool)> = able.iter().map(|variant| (*variant, false)).collect();
        if plan.twin.contains(&cell)
            && let Some(drawn) = able.choose(&mut order)
        {
            entries.push((*drawn, true));
        }
        entries.shuffle(&mut order);
        for (variant, twin) in entries {
            trials.push(PlannedTrial { trial: trials.len() as u32, block, variant, twin, ladder: false, cell, seed });
        }
    }
}

/// Seeds stay below 2⁵³, so that every JSON and TOML reader keeps them exact.
const SEED_SHIFT: u32 = 11;

/// An independent seed for each block: the finaliser of SplitMix64 over both numbers.
const fn stream(seed: u64, block: u64) -> u64 {
    let mut z = seed.wrapping_add(block.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
