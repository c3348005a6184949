//! `suite compare A B --html FILE`: two runs side by side, one page, no network.

use minijinja::{Value, context};
use serde_json::json;

use super::number;
use super::page::{BASICS, STYLE, embed, fill};
use crate::analyse::Unit;
use crate::compare::{Comparison, Counts, RunSide};

/// The page of a comparison.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let (a, b) = (&comparison.a, &comparison.b);
    let both = facts(a).into_iter().zip(facts(b)).map(|((name, a), (_, b))| (name, a, b));
    let facts: Vec<Vec<String>> =
        both.chain(only(comparison)).map(|(name, a, b)| vec![name.to_owned(), a, b]).collect();
    let data = json!({ "comparison": comparison, "names": names(comparison) });
    fill(
        include_str!("templates/compare.html"),
        context! {
            run_a => a.run.as_str(),
            run_b => b.run.as_str(),
            verdict => verdict(&comparison.counts),
            warnings => comparison.warnings.clone(),
            facts => facts,
            css => Value::from_safe_string(STYLE.into()),
            data => embed(&super::digest::rounded(data).to_string()),
            js => [BASICS, include_str!("templates/compare.js")].concat(),
        },
    )
}

/// Rows of the changes, `engine/variant`: the same in every metric.
fn names(comparison: &Comparison) -> Vec<String> {
    let rows = comparison.metrics.first().map_or(&[][..], |metric| &metric.rows);
    rows.iter().map(|row| format!("{}/{}", row.engine, row.variant)).collect()
}

fn verdict(counts: &Counts) -> String {
    let Counts { regressions, improvements, unchanged, undetermined, missing } = counts;
    let all = regressions + improvements + unchanged + undetermined + missing;
    format!(
        "Of {all} comparisons, {regressions} got worse and {improvements} better beyond noise; {unchanged} are unchanged, \
         {undetermined} undetermined, {missing} lack a valid value in one of the runs."
    )
}

/// What each run is, name and value.
fn facts(run: &RunSide) -> Vec<(&'static str, String)> {
    let mark = |is: bool, mark: &str| if is { format!(" ({mark})") } else { String::new() };
    let revision = run.revision.get(..12).unwrap_or(&run.revision);
    vec![
        ("date", run.date.clone()),
        ("experiment", format!("{}, {}", run.experiment, run.profile)),
        ("blocks", run.blocks.to_string()),
        ("trials", run.trials.to_string()),
        ("revision", format!("{revision}{}", mark(run.dirty, "uncommitted changes"))),
        ("build", if run.debug { "debug: not a measurement".into() } else { "release".into() }),
        ("host", run.host.name.clone()),
        ("kernel", run.host.kernel.clone()),
        ("CPU", format!("{}, {} cores", run.host.cpu, run.host.cores)),
        ("memory", number::compact(run.host.memory_bytes as f64, Unit::Bytes)),
    ]
}

/// What only one of the runs has, and is not compared.
fn only(comparison: &Comparison) -> Vec<(&'static str, String, String)> {
    let cells = |cells: &[crate::record::Cell]| {
        let words: Vec<String> = cells.iter().map(|cell| super::label::cell(*cell)).collect();
        words.join(", ")
    };
    let rows = [
        ("only here: engines", comparison.variants_only_a.join(", "), comparison.variants_only_b.join(", ")),
        ("only here: cells", cells(&comparison.cells_only_a), cells(&comparison.cells_only_b)),
    ];
    rows.into_iter().filter(|(_, a, b)| !(a.is_empty() && b.is_empty())).collect()
}
