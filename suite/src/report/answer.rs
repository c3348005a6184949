//! The newcomer's question, answered first: which engine for very many connections that are mostly idle, and from where on
//! does that change?

use std::collections::BTreeSet;

use super::{label, leads, line, number, summary};
use crate::analyse::{Along, Analysis, Entry, Lead, Metric, Part, Side, SlopeColumn, Status, Table, Unit};
use crate::record::{State, Transport};

/// Many: what people plan for, and what one machine still holds.
pub(super) const MANY: u32 = 100_000;

/// The question.
pub(super) fn question() -> String {
    format!("Which engine for {} mostly idle connections, and from where on does it change?", number::count(MANY))
}

/// Memory first, as idle connections cost little else; then CPU, where it is decided by the count.
#[must_use]
pub(super) fn of(analysis: &Analysis) -> Vec<String> {
    memory(analysis).into_iter().chain(cpu(analysis)).collect()
}

/// What one variant holds for a used, idle TCP connection.
struct Held<'a> {
    name: &'a str,
    user: f64,
    kernel: f64,
    trusted: bool,
}

impl Held<'_> {
    fn each(&self) -> f64 {
        self.user + self.kernel
    }
}

/// Memory of so many connections: the slopes, server and kernel together.
fn memory(analysis: &Analysis) -> Option<String> {
    let held = held(analysis);
    let trusted = held.iter().any(|held| held.trusted);
    let mut held: Vec<Held> = held.into_iter().filter(|held| held.trusted == trusted).collect();
    held.sort_by(|a, b| a.each().total_cmp(&b.each()));
    let (least, most) = (held.first()?, held.last()?);
    let bytes = |bytes: f64| number::compact(bytes, Unit::Bytes);
    let all = |held: &Held| bytes(held.each() * f64::from(MANY));
    let mut text = format!(
        "{} used, idle TCP connections take {} in {}: {} of its own and {} in the kernel for each",
        number::count(MANY),
        all(least),
        least.name,
        bytes(least.user),
        bytes(least.kernel),
    );
    if held.len() > 1 {
        let others: Vec<String> = held[1..]
            .iter()
            .map(|other| {
                let more = number::signed_percent(other.each() / least.each());
                format!("{} in {} ({more})", all(other), other.name)
            })
            .collect();
        let apart = most.each() - least.each();
        text += &format!(
            "; {}. {} and {} are {} a connection apart: {} at 1000 connections, {} at {}",
            others.join(", "),
            least.name,
            most.name,
            bytes(apart),
            bytes(apart * 1e3),
            bytes(apart * f64::from(MANY)),
            number::count(MANY),
        );
    }
    let counts: BTreeSet<u32> = tcp_counts(analysis);
    let (first, last) = (counts.first()?, counts.last()?);
    let basis = if *last >= MANY { "the slope over" } else { "extrapolated from the slope over" };
    text += &format!(" ({basis} {} to {})", number::count(*first), label::connections_long(*last));
    text.push_str(if trusted { "." } else { ". Indicative only: no value counts, see the table for the reason." });
    Some(text)
}

fn held(analysis: &Analysis) -> Vec<Held<'_>> {
    let slope = |part: Part| analysis.slopes.iter().find(|table| table.key == part.key());
    let used = |column: &SlopeColumn| column.transport == Transport::Tcp && column.state == State::Used;
    let place = |table: &Table<SlopeColumn>| table.columns.iter().position(used);
    let Some((user, kernel)) = slope(Part::User).zip(slope(Part::Kernel)) else { return Vec::new() };
    let Some((of_user, of_kernel)) = place(user).zip(place(kernel)) else { return Vec::new() };
    let rows = user.rows.iter().zip(&kernel.rows);
    let of = |(user, kernel): (&'_ crate::analyse::Row, &crate::analyse::Row)| {
        let (of_user, of_kernel) = (&user.entries[of_user], &kernel.entries[of_kernel]);
        let counts = |entry: &Entry| entry.status == Status::Measured;
        Some((of_user.value?.max(0.0), of_kernel.value?.max(0.0), counts(of_user) && counts(of_kernel)))
    };
    rows.filter_map(|(row, other)| {
        let (user, kernel, trusted) = of((row, other))?;
        Some(Held { name: &row.name, user, kernel, trusted })
    })
    .collect()
}

fn tcp_counts(analysis: &Analysis) -> BTreeSet<u32> {
    let tcp = analysis.context.cells.iter().filter(|cell| cell.transport == Transport::Tcp);
    tcp.map(|cell| cell.connections).collect()
}

/// Who needs the least CPU at the most connections measured, since which count, and whom they overtook where.
fn cpu(analysis: &Analysis) -> Option<String> {
    let table = analysis.tables.iter().find(|table| table.key == Metric::ServerCpuOpen.key())?;
    let places = line::longest(table).filter(|places| places.len() >= 2)?;
    let last = *places.last()?;
    let many = label::connections_long(table.columns[last].connections);
    let payload = label::payload(table.columns[last].payload_bytes);
    let leaders = summary::leading(table, last);
    if leaders.is_empty() {
        return Some(open(table, &places, &payload, &many));
    }
    let steady = places.iter().rev().take_while(|place| summary::leading(table, **place) == leaders);
    let since = table.columns[*steady.last()?].connections;
    let who = match leaders.as_slice() {
        [one] => format!("{one} serves"),
        several => format!("{} (a tie) serve", summary::and(several)),
    };
    let range = if since == table.columns[last].connections {
        format!("at {many}, the most measured")
    } else {
        format!("from {} to {many}, the most measured", number::count(since))
    };
    let value = |name: &str| {
        let row = table.rows.iter().find(|row| row.name == name)?;
        row.entries[last].value.map(|value| number::compact(value, table.unit))
    };
    let least = leaders.iter().find_map(|name| value(name)).unwrap_or_default();
    let mut text = format!("CPU: {who} {payload} frames over TCP with the least, {range} ({least} a frame there)");
    let overtaken = overtaken(analysis, &leaders, table.columns[last].payload_bytes);
    if overtaken.is_empty() {
        text += if since == table.columns[places[0]].connections {
            ": the same at every count measured."
        } else {
            "; where the lead changes is not established."
        };
    } else {
        text += &format!("; {}.", overtaken.join("; "));
    }
    Some(text)
}

/// Nobody is established at the most connections: how far up somebody is, and what the medians say.
fn open(table: &Table, places: &[usize], payload: &str, many: &str) -> String {
    let mut text = format!(
        "CPU: who serves {payload} frames over TCP with the least at {many}, the most measured, is not established"
    );
    if let Some(place) = places.iter().rev().find(|place| !summary::leading(table, **place).is_empty()) {
        let group = summary::leading(table, *place);
        let tie = if group.len() > 1 { ", a tie" } else { "" };
        let at = label::connections_long(table.columns[*place].connections);
        text += &format!("; at {at} it is {}{tie}", summary::and(&group));
    }
    text.push_str(". More blocks (--profile standard or full) would tell.");
    text
}

/// The places where one of `leaders` overtakes another on its way up, with their intervals.
fn overtaken(analysis: &Analysis, leaders: &[&str], payload: u32) -> Vec<String> {
    let names = analysis.context.names();
    let along =
        |lines: &&crate::analyse::Lines| lines.key == Metric::ServerCpuOpen.key() && lines.along == Along::Connections;
    let Some(lines) = analysis.lines.iter().find(along) else { return Vec::new() };
    let on = |line: &crate::analyse::Line| line.transport == Transport::Tcp && line.fixed == payload;
    let Some(place) = lines.lines.iter().position(on) else { return Vec::new() };
    let mut texts = Vec::new();
    for pair in &lines.pairs {
        let name = |side: Side| names[if side == Side::First { pair.first } else { pair.second }].as_str();
        let mut say = |from: Side, at: String| {
            let (before, after) = (name(from), name(from.other()));
            if leaders.contains(&after) && !leaders.contains(&before) {
                texts.push(format!("{after} overtakes {before} {at}"));
            }
        };
        match &pair.findings[place].lead {
            Lead::Crossings(crossings) => {
                if let Some(crossing) = crossings.last() {
                    let at = format!("at {} {}", leads::place(crossing.at), leads::interval(crossing.interval));
                    say(crossing.from, at);
                }
            }
            Lead::Between { from, lo, hi } => {
                say(*from, format!("between {} and {}", number::count(*lo), number::count(*hi)));
            }
            _ => {}
        }
    }
    texts
}
