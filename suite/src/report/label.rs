//! What rows, columns and whole tables are called.

use crate::analyse::{Analysis, Better, Context, Floor, SlopeColumn};
use crate::record::{Cell, State, Transport};

use super::number;

/// A transport's name.
pub(super) const fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Unix => "Unix",
        Transport::Udp => "UDP",
    }
}

/// A state's name.
pub(super) const fn state(state: State) -> &'static str {
    match state {
        State::Before => "before",
        State::Connected => "never used",
        State::Active => "active",
        State::Used => "used, idle",
    }
}

/// A payload.
pub(super) fn payload(bytes: u32) -> String {
    format!("{bytes} B")
}

/// A number of connections.
pub(super) fn connections(count: u32) -> String {
    format!("{} conns", number::count(count))
}

/// A cell in one line.
pub(super) fn cell(cell: Cell) -> String {
    format!("{} {} × {}", transport(cell.transport), payload(cell.payload_bytes), connections(cell.connections))
}

/// A cell as a column's heading.
pub(super) fn cell_heading(cell: Cell) -> Vec<String> {
    vec![format!("{} {}", transport(cell.transport), payload(cell.payload_bytes)), connections(cell.connections)]
}

/// A slope's heading.
pub(super) fn slope_heading(column: &SlopeColumn) -> Vec<String> {
    let payload = column.payload_bytes.map_or_else(|| "all payloads".into(), payload);
    vec![format!("{} {payload}", transport(column.transport)), state(column.state).into()]
}

/// Which direction is better, in words.
pub(super) const fn better(better: Better) -> &'static str {
    match better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
    }
}

/// What every number of the run is: where it was measured, and how often.
pub(super) fn setting(context: &Context) -> String {
    let place = if context.host.loopback { "loopback, one host" } else { "several hosts" };
    let mut setting =
        format!("{place}, {} cores · {}, {}", context.host.cores, context.profile, blocks(context.blocks_asked));
    for (is, mark) in [(context.dirty, "uncommitted changes"), (context.debug, "debug build: not a measurement")] {
        if is {
            setting.push_str(" · ");
            setting.push_str(mark);
        }
    }
    setting
}

/// The noise floor, and the band of ties where that is another.
pub(super) fn floor(floor: &Floor) -> String {
    let pairs = match floor.pairs {
        0 => "no A/A pair".into(),
        1 => "1 A/A pair".into(),
        pairs => format!("{pairs} A/A pairs"),
    };
    let ties = number::percent(floor.delta());
    match floor.log_ratio.map(number::percent) {
        Some(noise) if noise == ties => format!("noise floor {noise} ({pairs}): less is a tie"),
        Some(noise) => format!("noise floor {noise} ({pairs}), a tie below {ties}"),
        None => format!("noise floor unknown ({pairs}), a tie below {ties}"),
    }
}

fn blocks(count: u32) -> String {
    if count == 1 { "1 block".into() } else { format!("{count} blocks") }
}

/// Where and from what the report was made, one line.
pub(super) fn origin(analysis: &Analysis) -> String {
    let context = &analysis.context;
    let dirty = if context.dirty { ", with uncommitted changes" } else { "" };
    // As long as tools print it; the plan has all of it.
    let revision = context.revision.get(..12).unwrap_or(&context.revision);
    format!(
        "{} on {} ({}, {} cores, {}, {}), revision {}{dirty}, {} trials",
        context.date,
        context.host.name,
        context.host.cpu,
        context.host.cores,
        number::compact(context.host.memory_bytes as f64, crate::analyse::Unit::Bytes),
        context.host.kernel,
        revision,
        analysis.trials,
    )
}

/// A number of connections, in a sentence.
pub(super) fn connections_long(count: u32) -> String {
    format!("{} connections", number::count(count))
}
