//! Where one variant overtakes another along connections or payload, with the uncertainty of the place.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resampler, median_of};
use super::compare::BLOCKS_MIN;
use super::metric::Better;
use super::sample::log_ratio;

/// Share of the resamples that must show the same number of sign changes.
const AGREEMENT: f64 = 0.95;

/// Without a difference anywhere it is a tie if all intervals lie within this much (or δ, if that is more):
/// wider ones could hide a difference that matters, and then nothing is known.
pub const TIE_WIDTH: f64 = 0.10;

/// A crossover placed better than this ratio of its bounds needs no further points.
const PLACED: f64 = 1.25;

/// Neighbours further apart than this ask for a point between them, however narrow the interval: it holds the noise, and
/// not how far the truth is from a straight line.
const STRAIGHT: f64 = 2.0;

/// One of the two variants of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    First,
    Second,
}

/// What is known of a pair along one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub lead: Lead,
    /// The points of the line that both variants have, in order.
    pub points: Vec<Point>,
}

/// The pair at one point of the line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: u32,
    /// How many times better the first is than the second: the median over blocks.
    pub ratio: f64,
    pub interval: Interval,
    /// Who is ahead beyond δ, all pairs of variants considered; `None`: not told apart.
    pub ahead: Option<Side>,
}

/// Who leads along a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lead {
    /// The lead changes once or several times, each time at a place that the data hold.
    Crossings(Vec<Crossing>),
    /// The lead changes once between two points, and the data do not say where.
    Between {
        from: Side,
        lo: u32,
        hi: u32,
    },
    /// One side is ahead at every point but those where the two are not told apart.
    Ahead {
        side: Side,
        tied_at: Vec<u32>,
    },
    /// Not told apart at any point, and close enough together to say so.
    Tie,
    Undetermined {
        why: String,
    },
}

/// One change of the lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// Who is ahead below it.
    pub from: Side,
    pub at: f64,
    pub interval: Interval,
    /// Around it the two differ by less than δ.
    pub tie_band: Interval,
    /// The next point to measure, to place it better; `None` if it is well placed.
    pub next: Option<u32>,
}

/// Values by block at one point of the line, of the first and the second variant.
#[derive(Debug, Clone)]
pub(super) struct PairPoint {
    pub(super) x: u32,
    pub(super) first: BTreeMap<u32, f64>,
    pub(super) second: BTreeMap<u32, f64>,
    /// They differ, with all pairs of variants at this point considered.
    pub(super) differ: bool,
}

/// Judges one pair along one line; the points are in rising order of `x`.
pub(super) fn follow(points: &[PairPoint], better: Better, delta: f64, resampler: &mut Resampler) -> Finding {
    let ratios: Vec<(&PairPoint, BTreeMap<u32, f64>)> = points
        .iter()
        .map(|point| (point, advantages(point, better)))
        .filter(|(_, ratios)| ratios.len() >= BLOCKS_MIN)
        .collect();
    if ratios.len() < 2 {
        return undetermined(format!("fewer than 2 points where both count in {BLOCKS_MIN} blocks"));
    }
    // Whole blocks are drawn, so a block counts where it has every point.
    let mut blocks: BTreeSet<u32> = ratios[0].1.keys().copied().collect();
    blocks.retain(|block| ratios.iter().all(|(_, by_block)| by_block.contains_key(block)));
    if blocks.len() < BLOCKS_MIN {
        return undetermined(format!("{} blocks have every point of both, {BLOCKS_MIN} are needed", blocks.len()));
    }
    let values: Vec<Vec<f64>> =
        ratios.iter().map(|(_, by_block)| blocks.iter().map(|block| by_block[block]).collect()).collect();
    let resamples: Vec<Vec<f64>> =
        values.iter().map(|values| resampler.statistics(values, values.len(), median_of)).collect();
    let points: Vec<Point> = (0..values.len()).map(|i| point(ratios[i].0, &values[i], &resamples[i], delta)).collect();
    let medians: Vec<f64> = values.iter().map(|values| median_of(&mut values.clone())).collect();
    Finding { lead: lead(&points, &medians, &resamples, delta), points }
}

/// Log ratios by block, above 0 where the first is better.
fn advantages(point: &PairPoint, better: Better) -> BTreeMap<u32, f64> {
    let sign = if better == Better::Lower { -1.0 } else { 1.0 };
    let of = |(block, value): (&u32, &f64)| Some((*block, sign * log_ratio(*value, *point.second.get(block)?)?));
    point.first.iter().filter_map(of).collect()
}

fn undetermined(why: String) -> Finding {
    Finding { lead: Lead::Undetermined { why }, points: Vec::new() }
}

fn point(pair: &PairPoint, values: &[f64], resamples: &[f64], delta: f64) -> Point {
    let interval = Interval::of(resamples.to_vec()).expect("there are resamples");
    let ahead = match interval {
        _ if !pair.differ => None,
        Interval { lo, .. } if lo > delta => Some(Side::First),
        Interval { hi, .. } if hi < -delta => Some(Side::Second),
        _ => None,
    };
    Point { x: pair.x, ratio: median_of(&mut values.to_vec()).exp(), interval: interval.map(f64::exp), ahead }
}

fn lead(points: &[Point], medians: &[f64], resamples: &[Vec<f64>], delta: f64) -> Lead {
    let established: Vec<(u32, Side)> = points.iter().filter_map(|point| Some((point.x, point.ahead?))).collect();
    let changes = established.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    let Some((_, side)) = established.first().copied() else { return tie(points, delta) };
    if changes == 0 {
        let tied_at = points.iter().filter(|point| point.ahead.is_none()).map(|point| point.x).collect();
        return Lead::Ahead { side, tied_at };
    }
    let xs: Vec<f64> = points.iter().map(|point| ln(point.x)).collect();
    let places = agreeing(&xs, resamples, changes);
    let here = sign_changes(&xs, medians);
    if places.len() as f64 >= AGREEMENT * resamples[0].len() as f64 && here.len() == changes {
        let crossing = |k: usize| {
            let from = if k.is_multiple_of(2) { side } else { side.other() };
            let interval = Interval::of(places.iter().map(|place| place[k]).collect()).expect("many agree");
            place(here[k], interval, from, band(&xs, medians, here[k], delta), points)
        };
        return Lead::Crossings((0..changes).map(crossing).collect());
    }
    match established.windows(2).find(|pair| pair[0].1 != pair[1].1) {
        Some(pair) if changes == 1 => Lead::Between { from: side, lo: pair[0].0, hi: pair[1].0 },
        _ => {
            Lead::Undetermined { why: format!("the lead changes {changes} times, at places that vary between blocks") }
        }
    }
}

/// No point is established: a tie if the data exclude a difference that matters.
fn tie(points: &[Point], delta: f64) -> Lead {
    let widest = points.iter().map(|point| point.interval.lo.ln().abs().max(point.interval.hi.ln().abs()));
    let widest = widest.fold(0.0, f64::max);
    if widest <= delta.max(TIE_WIDTH.ln_1p()) {
        return Lead::Tie;
    }
    Lead::Undetermined { why: format!("a difference of up to {:.0} % is not excluded", widest.exp_m1() * 100.0) }
}

/// The places of the sign changes of every resample that has exactly `changes`.
fn agreeing(xs: &[f64], resamples: &[Vec<f64>], changes: usize) -> Vec<Vec<f64>> {
    let count = resamples[0].len();
    let line = |i: usize| resamples.iter().map(|at| at[i]).collect::<Vec<f64>>();
    (0..count).map(|i| sign_changes(xs, &line(i))).filter(|places| places.len() == changes).collect()
}

/// Where the line through the points changes its sign, in ln x. A zero belongs to neither side.
fn sign_changes(xs: &[f64], ys: &[f64]) -> Vec<f64> {
    let mut places = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for (x, y) in xs.iter().zip(ys).filter(|(_, y)| **y != 0.0) {
        if let Some((x0, y0)) = last
            && y0.signum() != y.signum()
        {
            places.push(x0 + (x - x0) * y0 / (y0 - y));
        }
        last = Some((*x, *y));
    }
    places
}

/// The stretch around `place` where the line stays within ±δ, in ln x, as far as it was measured.
fn band(xs: &[f64], ys: &[f64], place: f64, delta: f64) -> Interval {
    let segments = || xs.windows(2).zip(ys.windows(2));
    // Where a segment reaches ±δ: a line that has left the band may cross it on either level.
    let reach = |x: &[f64], y: &[f64]| {
        let at = move |level: f64| {
            let share = (level - y[0]) / (y[1] - y[0]);
            (0.0..=1.0).contains(&share).then(|| x[0] + (x[1] - x[0]) * share)
        };
        [at(delta), at(-delta)]
    };
    let all = || segments().flat_map(|(x, y)| reach(x, y)).flatten();
    let lo = all().filter(|x| *x <= place).fold(xs[0], f64::max);
    let hi = all().filter(|x| *x >= place).fold(xs[xs.len() - 1], f64::min);
    Interval { lo: lo.exp(), hi: hi.exp() }
}

fn place(at: f64, interval: Interval, from: Side, tie_band: Interval, points: &[Point]) -> Crossing {
    let interval = interval.map(f64::exp);
    // Halve, in ln x, the stretch between the neighbours that were measured: never a point that exists.
    let below = points.iter().map(|point| point.x).rfind(|x| ln(*x) <= at);
    let above = points.iter().map(|point| point.x).find(|x| ln(*x) > at);
    let wide = interval.hi / interval.lo >= PLACED;
    let guessed = |(below, above): &(u32, u32)| ln(*above) - ln(*below) > STRAIGHT.ln() + 1e-9;
    let next = below.zip(above).filter(|pair| wide || guessed(pair)).and_then(|(below, above)| halve(below, above));
    Crossing { from, at: at.exp(), interval, tie_band, next }
}

/// The point half way in ln x; `None` between points that are as close as a crossover needs to be placed.
pub(super) fn halve(below: u32, above: u32) -> Option<u32> {
    let middle = (ln(below) / 2.0 + ln(above) / 2.0).exp().round() as u32;
    (ln(above) - ln(below) >= PLACED.ln() && middle > below && middle < above).then_some(middle)
}

/// An empty payload stands at 1 byte: a logarithm has no place for it.
pub(super) fn ln(x: u32) -> f64 {
    f64::from(x.max(1)).ln()
}

impl Side {
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}
