//! The answer in sentences, made from the same tables that stand beside it.

use super::{answer, label, leads, number};
use crate::analyse::{Along, Analysis, Better, Entry, Failed, Lead, Metric, Row, Side, Status, Table, Verdict};
use crate::record::{Cell, Transport};

/// Crossovers that are worth a sentence of their own; more are left to the tables.
const CROSSOVERS_MAX: usize = 6;

/// Behind by no more than this ratio is said to be close.
const CLOSE: f64 = 1.05;

/// The metrics that the summary speaks of, and how.
const SPOKEN: [(Metric, &str); 3] = [
    (Metric::ServerCpuOpen, "the least server CPU per frame"),
    (Metric::ResponseP99, "the lowest p99 response time"),
    (Metric::Throughput, "the highest throughput"),
];

/// What the run says, most important first: the newcomer's answer, then the rest.
#[must_use]
pub fn sentences(analysis: &Analysis) -> Vec<String> {
    let nothing = analysis.nothing_counts().then(|| {
        format!("Nothing is established: no value of the {} trials counts; the tables say why.", analysis.trials)
    });
    nothing.into_iter().chain(answer::of(analysis)).chain(further(analysis)).collect()
}

/// What the run says beyond the newcomer's answer.
pub(super) fn further(analysis: &Analysis) -> Vec<String> {
    let mut sentences = Vec::new();
    for (metric, phrase) in SPOKEN {
        let Some(table) = table(analysis, metric) else { continue };
        for (transport, payload) in lines(&table.columns) {
            sentences.extend(leaders(table, transport, payload, phrase));
        }
    }
    sentences.extend(crossovers(analysis));
    sentences.extend(transports(analysis));
    sentences.extend(limits(analysis));
    sentences.extend(analysis.context.remarks.iter().cloned());
    sentences
}

/// Trials that failed, one line each.
#[must_use]
pub fn failures(analysis: &Analysis) -> Vec<String> {
    let line = |failed: &Failed| {
        let cell = label::cell(failed.cell);
        format!("Trial {} ({}, {cell}) failed in {}: {}", failed.trial, failed.variant, failed.stage, failed.error)
    };
    analysis.failed.iter().map(line).collect()
}

fn table(analysis: &Analysis, metric: Metric) -> Option<&Table> {
    analysis.tables.iter().find(|table| table.key == metric.key())
}

/// Transports and payloads with at least two connection counts, in the order of the columns.
fn lines(cells: &[Cell]) -> Vec<(Transport, u32)> {
    let mut lines: Vec<(Transport, u32)> = Vec::new();
    for cell in cells {
        let line = (cell.transport, cell.payload_bytes);
        let counts = cells.iter().filter(|other| (other.transport, other.payload_bytes) == line).count();
        if counts >= 2 && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Who leads a line: stretches of counts with the same leading group, who is close to it at the end, and who is last.
fn leaders(table: &Table, transport: Transport, payload: u32, phrase: &str) -> Option<String> {
    let on_line = |cell: &Cell| cell.transport == transport && cell.payload_bytes == payload;
    let mut places: Vec<usize> = (0..table.columns.len()).filter(|place| on_line(&table.columns[*place])).collect();
    places.sort_by_key(|place| table.columns[*place].connections);
    let mut stretches: Vec<(Vec<&str>, Vec<u32>)> = Vec::new();
    for place in &places {
        let group = leading(table, *place);
        let count = table.columns[*place].connections;
        match stretches.last_mut() {
            Some((last, counts)) if *last == group => counts.push(count),
            _ => stretches.push((group, vec![count])),
        }
    }
    let frames = format!("{} frames over {}", label::payload(payload), label::transport(transport));
    let (led, open): (Vec<_>, Vec<_>) = stretches.iter().partition(|(group, _)| !group.is_empty());
    let mut led = led.into_iter().map(|(group, counts)| (group, range(counts)));
    let (first, at) = led.next()?;
    let serve = if first.len() == 1 { "serves" } else { "serve" };
    let mut text = format!("{} {serve} {frames} with {phrase} {at}", who(first));
    for (group, at) in led {
        text += &format!("; {} {at}", who(group));
    }
    for (name, ratio, since) in close(table, &places) {
        text += &format!("; {name} is within {} from {} on", number::percent(ratio.ln()), number::count(since));
    }
    if !open.is_empty() {
        let at: Vec<String> = open.iter().map(|(_, counts)| range(counts)).collect();
        text += &format!("; {} nothing is established", at.join(", "));
    }
    let most = places.last().and_then(|place| trailing(table, *place)).unwrap_or_default();
    Some(format!("{text}.{most}"))
}

/// Who is behind the leader by little from some count on: the largest ratio, and the first count. Told by the medians: each
/// is established to be behind at the last count.
fn close<'a>(table: &'a Table, places: &[usize]) -> Vec<(&'a str, f64, u32)> {
    let of = |row: &'a Row| {
        let behind = |place: usize| row.entries[place].standing.filter(|at| at.verdict == Verdict::Behind);
        let near: Vec<(u32, f64)> = places
            .iter()
            .rev()
            .map_while(|place| Some((table.columns[*place].connections, behind(*place)?.ratio)))
            .take_while(|(_, ratio)| *ratio <= CLOSE)
            .collect();
        let largest = near.iter().map(|(_, ratio)| *ratio).reduce(f64::max)?;
        Some((row.name.as_str(), largest, near.last()?.0))
    };
    table.rows.iter().filter_map(of).collect()
}

/// The best of a column and all that are not told apart from it; empty where nothing can be said.
pub(super) fn leading(table: &Table, place: usize) -> Vec<&str> {
    let leads = |entry: &Entry| {
        let verdict = entry.standing.as_ref().map(|standing| standing.verdict);
        matches!(verdict, Some(Verdict::Best | Verdict::Leading | Verdict::Tie | Verdict::Alone))
    };
    let rows = table.rows.iter().filter(|row| leads(&row.entries[place]));
    rows.map(|row| row.name.as_str()).collect()
}

fn who(group: &[&str]) -> String {
    if group.len() == 1 { group[0].to_owned() } else { format!("{} (a tie)", and(group)) }
}

fn range(counts: &[u32]) -> String {
    match counts {
        [one] => format!("at {}", label::connections_long(*one)),
        several => {
            format!("from {} to {}", number::count(several[0]), label::connections_long(several[several.len() - 1]))
        }
    }
}

/// Who is furthest behind in a column.
fn trailing(table: &Table, place: usize) -> Option<String> {
    let behind = |entry: &Entry| {
        let standing = entry.standing.as_ref().filter(|standing| standing.verdict == Verdict::Behind)?;
        Some((standing.ratio, entry.value?))
    };
    let rows = table.rows.iter().filter_map(|row| Some((row.name.as_str(), behind(&row.entries[place])?)));
    let (name, (ratio, value)) = rows.max_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    let count = number::count(table.columns[place].connections);
    let word = if table.better == Better::Lower { "times as much" } else { "times less" };
    let value = number::compact(value, table.unit);
    Some(format!(" At {count}, {name} is the furthest behind: {} {word} ({value}).", number::ratio(ratio)))
}

fn crossovers(analysis: &Analysis) -> Vec<String> {
    let names = analysis.context.names();
    let mut sentences = Vec::new();
    let mut found = 0;
    for lines in analysis.lines.iter().filter(|lines| SPOKEN[..2].iter().any(|(metric, _)| metric.key() == lines.key)) {
        for pair in &lines.pairs {
            for (line, finding) in lines.lines.iter().zip(&pair.findings) {
                let side = |side: Side| if side == Side::First { &names[pair.first] } else { &names[pair.second] };
                let fixed = match lines.along {
                    Along::Connections => label::payload(line.fixed),
                    Along::Payload => label::connections_long(line.fixed),
                };
                let what = format!("{} over {}, {}", fixed, label::transport(line.transport), short(&lines.key));
                let unit = if lines.along == Along::Connections { "connections" } else { "B" };
                let Lead::Crossings(crossings) = &finding.lead else { continue };
                for crossing in crossings {
                    found += 1;
                    sentences.push(format!(
                        "Crossover ({what}): {} is ahead below {} {unit} {}, {} above it.",
                        side(crossing.from),
                        leads::place(crossing.at),
                        leads::interval(crossing.interval),
                        side(crossing.from.other()),
                    ));
                }
            }
        }
    }
    if found > CROSSOVERS_MAX {
        sentences.truncate(CROSSOVERS_MAX);
        sentences.push(format!("{} more crossovers are in the tables.", found - CROSSOVERS_MAX));
    }
    sentences
}

fn short(key: &str) -> &'static str {
    if key == Metric::ServerCpuOpen.key() { "server CPU per frame" } else { "p99 response time" }
}

/// What the other transports save of the server's CPU.
fn transports(analysis: &Analysis) -> Vec<String> {
    let Some(contrast) = analysis.contrasts.iter().find(|contrast| contrast.key == Metric::ServerCpuOpen.key()) else {
        return Vec::new();
    };
    let of = |transport: Transport| {
        let on = |(place, cell): (usize, &Cell)| (cell.transport == transport).then_some(place);
        let places: Vec<usize> = contrast.columns.iter().enumerate().filter_map(on).collect();
        let entries = contrast.rows.iter().flat_map(|row| places.iter().map(|place| &row.entries[*place]));
        let mut ratios: Vec<f64> =
            entries.filter(|entry| entry.interval.is_some()).filter_map(|entry| entry.ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let (low, high) = (ratios.first()?, ratios.last()?);
        Some(format!(
            "Server CPU per frame over {} against TCP: {} to {}, depending on the engine.",
            label::transport(transport),
            number::signed_percent(*low),
            number::signed_percent(*high)
        ))
    };
    [Transport::Unix, Transport::Udp].into_iter().filter_map(of).collect()
}

/// How far the run can be trusted.
fn limits(analysis: &Analysis) -> Vec<String> {
    let mut sentences: Vec<String> =
        SPOKEN.into_iter().filter_map(|(metric, _)| unusable(table(analysis, metric)?)).collect();
    if let Some(table) = table(analysis, Metric::Throughput) {
        let entries = || table.rows.iter().flat_map(|row| &row.entries).filter(|entry| entry.value.is_some());
        let bounds = entries().filter(|entry| entry.status == Status::Bound).count();
        if bounds > 0 {
            sentences.push(format!(
                "{bounds} of {} throughputs are lower bounds, as the client was the limit; \
                 server CPU per frame at the fixed rate does not depend on it.",
                entries().count()
            ));
        }
    }
    let blocks = analysis.context.blocks_asked;
    if (blocks as usize) < crate::analyse::BLOCKS_MIN {
        sentences.push(format!(
            "With {blocks} blocks nothing is told apart: {} are needed, 6 or more for narrow intervals.",
            crate::analyse::BLOCKS_MIN
        ));
    } else if blocks < 6 {
        sentences
            .push(format!("With {blocks} blocks an interval is little more than the range of the blocks: it is wide."));
    }
    sentences
}

/// How many values of a table do not count, and the most frequent reason; `None` while they are few.
fn unusable(table: &Table) -> Option<String> {
    let entries = || table.rows.iter().flat_map(|row| &row.entries);
    let lost = || entries().filter(|entry| matches!(entry.status, Status::Invalid | Status::Missing));
    let (all, count) = (entries().count(), lost().count());
    if count * 4 < all {
        return None;
    }
    let mut kinds: Vec<(&str, u32)> = Vec::new();
    for exclusion in lost().flat_map(|entry| &entry.reasons) {
        match kinds.iter_mut().find(|(kind, _)| *kind == exclusion.reason.kind) {
            Some((_, blocks)) => *blocks += exclusion.blocks,
            None => kinds.push((&exclusion.reason.kind, exclusion.blocks)),
        }
    }
    let (kind, _) = kinds.into_iter().max_by_key(|(_, blocks)| *blocks)?;
    let kind = kind.replace('_', " ");
    Some(format!("{}: {count} of {all} values do not count, most often because of “{kind}”.", table.title))
}

pub(super) fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
