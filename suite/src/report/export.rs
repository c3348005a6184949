//! Tables for programs: everything as JSON, or one value a line as CSV.

use crate::analyse::{Analysis, Entry, Interval, SlopeColumn, Status, Table, Verdict};
use crate::record::Cell;

/// The whole analysis as JSON. A ratio that does not exist is `null`.
///
/// # Panics
/// Never: an analysis has only string keys.
#[must_use]
pub fn json(analysis: &Analysis) -> String {
    serde_json::to_string_pretty(analysis).expect("an analysis has only string keys")
}

/// Every value of every table, one a line, with a header. Values are in base units, as the metric's name says.
#[must_use]
pub fn csv(analysis: &Analysis) -> String {
    let mut lines = vec![
        "metric,transport,connections,payload_bytes,state,engine,variant,status,value,value_lo,value_hi,blocks,\
         times_worse,times_worse_lo,times_worse_hi,verdict,reasons"
            .to_owned(),
    ];
    for table in &analysis.tables {
        let place = |cell: &Cell| format!("{},{},{},", name(&cell.transport), cell.connections, cell.payload_bytes);
        push(&mut lines, table, analysis, place);
    }
    for table in &analysis.slopes {
        let place = |column: &SlopeColumn| {
            let payload = column.payload_bytes.map_or_else(String::new, |bytes| bytes.to_string());
            format!("{},,{payload},{}", name(&column.transport), name(&column.state))
        };
        push(&mut lines, table, analysis, place);
    }
    lines.push(String::new());
    lines.join("\n")
}

fn push<Column>(
    lines: &mut Vec<String>,
    table: &Table<Column>,
    analysis: &Analysis,
    place: impl Fn(&Column) -> String,
) {
    for (row, asked) in table.rows.iter().zip(&analysis.context.variants) {
        for (column, entry) in table.columns.iter().zip(&row.entries) {
            let variant = format!("{},{}", quoted(&asked.engine), quoted(&asked.variant));
            lines.push(format!("{},{},{variant},{}", table.key, place(column), fields(entry)));
        }
    }
}

fn fields(entry: &Entry) -> String {
    let number =
        |value: Option<f64>| value.filter(|value| value.is_finite()).map_or_else(String::new, |v| v.to_string());
    let bounds = |interval: Option<Interval>| {
        format!("{},{}", number(interval.map(|interval| interval.lo)), number(interval.map(|interval| interval.hi)))
    };
    let standing = entry.standing.as_ref();
    let verdict = standing.map_or_else(String::new, |standing| name::<Verdict>(&standing.verdict));
    let reasons: Vec<String> =
        entry.reasons.iter().map(|x| format!("{}: {} ({})", x.reason.kind, x.reason.detail, x.blocks)).collect();
    [
        name::<Status>(&entry.status),
        number(entry.value),
        bounds(entry.interval),
        entry.blocks.to_string(),
        number(standing.map(|standing| standing.ratio)),
        bounds(standing.and_then(|standing| standing.interval)),
        verdict,
        quoted(&reasons.join("; ")),
    ]
    .join(",")
}

/// A word as the records spell it.
fn name<T: serde::Serialize>(word: &T) -> String {
    let value = serde_json::to_value(word).expect("a word is a string");
    value.as_str().expect("a word is a string").to_owned()
}

/// A field that may hold anything.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
