//! The grid of crossovers: pairs of variants down, lines across, who leads and from where on.

use super::grid::{Grid, GridCell, GridRow, Heading, Tone};
use super::notes::Notes;
use super::{label, number};
use crate::analyse::{Along, Analysis, Crossing, Finding, Interval, Lead, Line, Lines, Pair, Reason, Side};

const LEGEND: &str = "A, B: ahead throughout (≈ but for ties at …) · A→B 812 [420, 1310] ≈600–1020: B overtakes A at 812, 95 % \
     interval, even within the band of ties from 600 to 1020 · A→B in 256–1024: somewhere between · tie: nowhere told apart · without …: \
     no valid value there · ?: not determined";

/// The grid of a metric's crossovers along connections or payload.
pub(super) fn of(lines: &Lines, analysis: &Analysis) -> Grid {
    let names = analysis.context.names();
    let mut notes = Notes::default();
    let row = |pair: &Pair| GridRow {
        stubs: vec![names[pair.first].clone(), names[pair.second].clone()],
        cells: lines
            .lines
            .iter()
            .zip(&pair.findings)
            .map(|(line, found)| whole_or_part(line, found, &mut notes))
            .collect(),
    };
    let rows = lines.pairs.iter().map(row).collect();
    let along = match lines.along {
        Along::Connections => "along connections",
        Along::Payload => "along payload",
    };
    Grid {
        title: format!("Who leads {along}: {}", lines.title),
        captions: vec![format!("{} · {}", label::setting(&analysis.context), label::floor(&lines.floor))],
        stubs: vec!["A".into(), "B".into()],
        columns: lines.lines.iter().map(|line| heading(line, lines.along)).collect(),
        rows,
        legend: LEGEND.into(),
        notes,
    }
}

fn heading(line: &Line, along: Along) -> Heading {
    let fixed = match along {
        Along::Connections => label::payload(line.fixed),
        Along::Payload => label::connections(line.fixed),
    };
    let (first, last) = (line.xs[0], line.xs[line.xs.len() - 1]);
    let range = match along {
        Along::Connections => format!("{}–{} conns", number::count(first), number::count(last)),
        Along::Payload => format!("{first}–{last} B"),
    };
    Heading {
        lines: vec![format!("{} {fixed}", label::transport(line.transport)), range],
        group: line.transport as usize,
    }
}

/// A finding, and the points of the line that it does not rest on, as they have no valid value.
fn whole_or_part(line: &Line, finding: &Finding, notes: &mut Notes) -> GridCell {
    let mut cell = cell(finding, notes);
    if !finding.points.is_empty() && finding.points.len() < line.xs.len() {
        let lacks = |x: &&u32| finding.points.iter().all(|point| point.x != **x);
        let missing: Vec<String> = line.xs.iter().filter(lacks).map(|x| number::count(*x)).collect();
        cell.value = format!("{} without {}", cell.value, missing.join(" "));
    }
    cell
}

fn cell(finding: &Finding, notes: &mut Notes) -> GridCell {
    match &finding.lead {
        Lead::Ahead { side, tied_at } if tied_at.is_empty() => GridCell::text(letter(*side), Tone::Plain),
        Lead::Ahead { side, tied_at } => {
            let at: Vec<String> = tied_at.iter().map(|x| number::count(*x)).collect();
            GridCell::text(format!("{} ≈{}", letter(*side), at.join(" ")), Tone::Plain)
        }
        Lead::Crossings(crossings) => {
            let texts: Vec<String> = crossings.iter().map(crossing).collect();
            GridCell::text(texts.join(", "), Tone::Best)
        }
        Lead::Between { from, lo, hi } => {
            let text = format!("{} in {}–{}", turn(*from), number::count(*lo), number::count(*hi));
            GridCell::text(text, Tone::Best)
        }
        Lead::Tie => GridCell::text("tie", Tone::Near),
        Lead::Undetermined { why } => {
            let letters = notes.letters(&Reason::new("undetermined", why), 0);
            GridCell { value: "?".into(), mark: letters, tone: Tone::Faint }
        }
    }
}

fn crossing(crossing: &Crossing) -> String {
    let band = format!("≈{}–{}", place(crossing.tie_band.lo), place(crossing.tie_band.hi));
    format!("{} {} {} {band}", turn(crossing.from), place(crossing.at), interval(crossing.interval))
}

/// An interval of places.
pub(super) fn interval(interval: Interval) -> String {
    format!("[{}, {}]", place(interval.lo), place(interval.hi))
}

/// A place on a line: two or three digits, as it is never known better.
pub(super) fn place(x: f64) -> String {
    let scale = 10f64.powf((x.max(1.0).log10().floor() - 2.0).max(0.0));
    number::count(((x / scale).round() * scale) as u32)
}

const fn letter(side: Side) -> &'static str {
    match side {
        Side::First => "A",
        Side::Second => "B",
    }
}

fn turn(from: Side) -> String {
    format!("{}→{}", letter(from), letter(from.other()))
}
