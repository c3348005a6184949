//! The charts of a run: what each one shows, from the analysis and the trials' histograms.

use super::bars::{self, Bar};
use super::lines::{self, DataPoint, Frame, Series};
use super::map::{self, Field, Winner};
use crate::analyse::{Analysis, Entry, Metric, Part, SlopeColumn, Status, Table, Unit, Verdict};
use crate::record::{State, Transport, Trial};
use crate::report::{colour, curve, digest, label, line, number};

/// A chart, and the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    pub file: &'static str,
    /// What it shows, for those who cannot see it.
    pub title: String,
    pub svg: String,
}

impl Chart {
    fn new(file: &'static str, svg: String) -> Self {
        let named = svg.split_once("aria-label=\"").and_then(|(_, rest)| rest.split_once('"'));
        let title = named.expect("every drawing has its title").0;
        let title = title.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        Self { file, title, svg }
    }
}

/// Every chart that the run has data for.
#[must_use]
pub fn all(analysis: &Analysis, trials: &[Trial]) -> Vec<Chart> {
    let colours = colour::of_variants(&analysis.context);
    let charts = [
        ("cpu-per-frame.svg", along(analysis, Metric::ServerCpuOpen, &colours)),
        ("response-p99.svg", along(analysis, Metric::ResponseP99, &colours)),
        ("winner-map.svg", winners(analysis, &colours)),
        ("memory-per-connection.svg", memory(analysis, &colours)),
        ("response-percentiles.svg", percentiles(analysis, trials, &colours)),
    ];
    charts.into_iter().filter_map(|(file, svg)| Some(Chart::new(file, svg?))).collect()
}

fn table(analysis: &Analysis, metric: Metric) -> Option<&Table> {
    analysis.tables.iter().find(|table| table.key == metric.key())
}

/// A metric along connections, at the payload with the most counts. Values that do not count are left out.
fn along(analysis: &Analysis, metric: Metric, colours: &[String]) -> Option<String> {
    let table = table(analysis, metric)?;
    let places = line::longest(table)?;
    let point = |row: &crate::analyse::Row, place: usize| {
        let entry = &row.entries[place];
        let y = entry.value.filter(|y| *y > 0.0 && entry.status == Status::Measured)?;
        Some(DataPoint { x: f64::from(table.columns[place].connections), y, interval: entry.interval })
    };
    let series = |(row, colour): (&crate::analyse::Row, &String)| Series {
        label: row.name.clone(),
        colour: colour.clone(),
        points: places.iter().filter_map(|place| point(row, *place)).collect(),
    };
    let series: Vec<Series> = table.rows.iter().zip(colours).map(series).collect();
    let payload = label::payload(table.columns[places[0]].payload_bytes);
    let tick = |place: &usize| {
        let count = table.columns[*place].connections;
        (f64::from(count), number::count(count))
    };
    let frame = Frame {
        title: &format!("{}, {payload} over TCP", table.title),
        subtitle: &format!("{} · bars: 95 % intervals", label::setting(&analysis.context)),
        x_title: "connections",
        x_ticks: places.iter().map(tick).collect(),
        y_text: &|y| number::compact(y, table.unit),
        dots: true,
    };
    lines::draw(&series, &frame)
}

/// Who needs the least server CPU in each TCP cell.
fn winners(analysis: &Analysis, colours: &[String]) -> Option<String> {
    let table = table(analysis, Metric::ServerCpuOpen)?;
    let winner = |place: usize| {
        let verdict = |entry: &Entry| entry.standing.as_ref().map(|standing| standing.verdict);
        let mut even = Vec::new();
        for (row, colour) in table.rows.iter().zip(colours) {
            match verdict(&row.entries[place]) {
                Some(Verdict::Best) => return Winner::One(row.name.clone(), colour.clone()),
                Some(Verdict::Leading | Verdict::Tie) => even.push(row.name.clone()),
                _ => {}
            }
        }
        match (even.is_empty(), table.rows.iter().any(|row| row.entries[place].status == Status::Measured)) {
            (false, _) => Winner::Even(even),
            (true, true) => Winner::Nobody("undecided"),
            (true, false) => Winner::Nobody("no valid value"),
        }
    };
    let tcp = table.columns.iter().enumerate().filter(|(_, cell)| cell.transport == Transport::Tcp);
    let field = |(place, cell): (usize, &crate::record::Cell)| Field {
        connections: cell.connections,
        payload_bytes: cell.payload_bytes,
        winner: winner(place),
    };
    let fields: Vec<Field> = tcp.map(field).collect();
    let title = "Who needs the least server CPU per frame, over TCP";
    map::draw(title, &format!("{} · grey: not told apart", label::setting(&analysis.context)), &fields)
}

/// What a used, idle TCP connection occupies: buffers, the rest of the server, the kernel.
fn memory(analysis: &Analysis, colours: &[String]) -> Option<String> {
    let slope = |part: Part| analysis.slopes.iter().find(|table| table.key == part.key());
    let used = |column: &SlopeColumn| column.transport == Transport::Tcp && column.state == State::Used;
    let place = slope(Part::User)?.columns.iter().position(used)?;
    let value = |part: Part, row: usize| slope(part)?.rows[row].entries[place].value.map(|bytes| bytes.max(0.0));
    let bar = |(row, colour): (usize, &String)| {
        let (user, kernel) = (value(Part::User, row)?, value(Part::Kernel, row).unwrap_or_default());
        let buffers = value(Part::Buffers, row).unwrap_or_default().min(user);
        let doubt =
            if slope(Part::User)?.rows[row].entries[place].status == Status::Measured { "" } else { " (indicative)" };
        let bytes = |bytes: f64| number::compact(bytes, Unit::Bytes);
        Some(Bar {
            label: analysis.context.names()[row].clone(),
            colour: colour.clone(),
            parts: vec![buffers, user - buffers, kernel],
            text: format!("{} + {} kernel{doubt}", bytes(user), bytes(kernel)),
        })
    };
    let bars: Vec<Bar> = colours.iter().enumerate().filter_map(bar).collect();
    let parts = ["protocol buffers", "rest of the server", "kernel, its endpoint"];
    let title = "Memory per TCP connection, used and idle again";
    bars::draw(title, &label::setting(&analysis.context), &parts, &bars)
}

/// Response time by percentile in the middle cell of the longest line: all blocks' histograms added.
fn percentiles(analysis: &Analysis, trials: &[Trial], colours: &[String]) -> Option<String> {
    let table = table(analysis, Metric::ResponseP99)?;
    let places = line::longest(table)?;
    let cell = table.columns[places[places.len() / 2]];
    let names = analysis.context.names();
    let series = |(variant, colour): (usize, &String)| {
        let plays = |trial: &&Trial| digest::plays(trial, &analysis.context, variant);
        let own = trials.iter().filter(|trial| !trial.twin && trial.cell == cell).filter(plays);
        let points = curve::merged(Metric::ResponseP50, own).into_iter().enumerate();
        let point = |(step, ns): (usize, u64)| DataPoint { x: curve::nines(step), y: ns.max(1) as f64, interval: None };
        Series { label: names[variant].clone(), colour: colour.clone(), points: points.map(point).collect() }
    };
    let series: Vec<Series> = colours.iter().enumerate().map(series).collect();
    let ticks = [(1.0, "0 %"), (2.0, "50 %"), (10.0, "90 %"), (100.0, "99 %"), (1e3, "99.9 %"), (1e4, "99.99 %")];
    let frame = Frame {
        title: &format!("Response time by percentile, {}", label::cell(cell)),
        subtitle: &format!("{} · valid trials of all blocks, histograms added", label::setting(&analysis.context)),
        x_title: "share of requests that were answered sooner",
        x_ticks: ticks.map(|(at, text)| (at, text.to_owned())).to_vec(),
        y_text: &|y| number::compact(y, Unit::Nanoseconds),
        dots: false,
    };
    lines::draw(&series, &frame)
}
