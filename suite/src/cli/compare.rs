//! `suite compare`: what changed between two runs, beyond noise.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::args::CompareArgs;
use super::output::{Format, OutputArgs, say};
use super::sheet::{Sheet, Tint};
use crate::analyse::{Better, Metric, Unit};
use crate::catalog::nearest;
use crate::compare::{
    Change, Comparison, Direction, MetricChanges, RunSide, VariantChanges, compare, conditions, refusals,
};
use crate::conclude::Run;
use crate::record::{Cell, RunFolder, write_whole};
use crate::report::comparison::render as page;
use crate::report::number;

/// Exit code when a change that `--fail-on` watches is a regression.
const REGRESSION: u8 = 3;

pub(super) fn answer(asked: &CompareArgs) -> anyhow::Result<ExitCode> {
    let output = asked.output;
    let watch = asked.fail_on.as_deref().map(Watch::parse).transpose().context("--fail-on")?;
    let comparison = load(asked)?;
    let text = match output.format {
        Format::Json => serde_json::to_string_pretty(&comparison)? + "\n",
        Format::Csv => sheet(&comparison, |_| true, true).csv(),
        Format::Text | Format::Md => describe(&comparison, asked.all, output),
    };
    if let Some(file) = &asked.html {
        write_whole(file, &page(&comparison)).context("--html")?;
    }
    say(&text)?;
    let caught = watch.map_or_else(Vec::new, |watch| watch.caught(&comparison));
    for regression in &caught {
        eprintln!("suite: regression: {regression}");
    }
    Ok(if caught.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REGRESSION) })
}

fn load(asked: &CompareArgs) -> anyhow::Result<Comparison> {
    let (folder_a, folder_b) = (RunFolder::open(&asked.run_a)?, RunFolder::open(&asked.run_b)?);
    let (a, b) = (Run::load(&folder_a)?, Run::load(&folder_b)?);
    let mut warnings = Vec::new();
    let refusals: Vec<String> = refusals(&a, &b).iter().map(ToString::to_string).collect();
    if !refusals.is_empty() {
        if !asked.anyway {
            bail!("the runs are not comparable: {} (--anyway compares them all the same)", refusals.join("; "));
        }
        warnings.extend(refusals);
    }
    warnings.extend(conditions(&a, &b));
    let (context_a, context_b) = (a.context(&folder_a.name()), b.context(&folder_b.name()));
    Ok(compare((&context_a, &a.trials), (&context_b, &b.trials), warnings))
}

/// Which regressions end with exit code 3.
struct Watch {
    /// `None`: all.
    metrics: Option<Vec<&'static str>>,
    /// Regressions below this many percent pass.
    percent: f64,
}

impl Watch {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (names, percent) = match text.rsplit_once(':') {
            Some((names, percent)) => {
                let number: f64 = percent.trim_end_matches('%').trim().parse().unwrap_or(f64::NAN);
                if !(number.is_finite() && number >= 0.0) {
                    bail!("{percent:?} is no percentage: use such as any:5");
                }
                (names, number)
            }
            None => (text, 0.0),
        };
        if names == "any" {
            return Ok(Self { metrics: None, percent });
        }
        let known: Vec<String> = Metric::ALL.iter().map(|metric| metric.key().to_owned()).collect();
        let mut metrics = Vec::new();
        for name in names.split(',').map(str::trim) {
            let Some(metric) = Metric::ALL.iter().find(|metric| metric.key() == name) else {
                let hint = nearest(name, &known).map_or_else(String::new, |near| format!(", did you mean {near}?"));
                bail!("unknown metric {name:?}{hint} (known: any, {})", known.join(", "));
            };
            metrics.push(metric.key());
        }
        Ok(Self { metrics: Some(metrics), percent })
    }

    fn caught(&self, comparison: &Comparison) -> Vec<String> {
        let mut caught = Vec::new();
        for metric in &comparison.metrics {
            if self.metrics.as_ref().is_some_and(|wanted| !wanted.contains(&metric.key.as_str())) {
                continue;
            }
            for (row, cell, change) in changes(metric) {
                let worse = change.times_worse(metric.better).map_or(f64::INFINITY, |times| (times - 1.0) * 100.0);
                if change.direction == Direction::Regression && worse >= self.percent {
                    let ratio = change.ratio.map_or_else(|| "from 0".into(), number::signed_percent);
                    let name = format!("{}/{}", row.engine, row.variant);
                    caught.push(format!("{} of {name} at {}: {ratio}", metric.key, place(*cell)));
                }
            }
        }
        caught
    }
}

fn changes(metric: &MetricChanges) -> impl Iterator<Item = (&VariantChanges, &Cell, &Change)> {
    metric
        .rows
        .iter()
        .flat_map(|row| metric.columns.iter().zip(&row.changes).map(move |(cell, change)| (row, cell, change)))
}

/// The comparison for people: what is compared, what to beware of, each metric in a line, and the changes.
fn describe(comparison: &Comparison, all: bool, output: OutputArgs) -> String {
    let mut text = String::new();
    for (name, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        let _ = writeln!(text, "{name}  {}", headline(side));
    }
    for warning in &comparison.warnings {
        let _ = writeln!(text, "!  {warning}");
    }
    for (run, variants, cells) in [
        ("A", &comparison.variants_only_a, &comparison.cells_only_a),
        ("B", &comparison.variants_only_b, &comparison.cells_only_b),
    ] {
        let cells = cells.iter().map(|cell| place(*cell));
        let only: Vec<String> = variants.iter().cloned().chain(cells).collect();
        if !only.is_empty() {
            let _ = writeln!(text, "only in {run}, not compared: {}", only.join(", "));
        }
    }
    text.push('\n');
    let mut metrics = Sheet::new(&[
        "metric",
        ">regressions",
        ">improvements",
        ">unchanged",
        ">undetermined",
        ">missing",
        ">δ",
        ">common shift",
    ]);
    for metric in &comparison.metrics {
        let counts = metric.counts;
        let tint = match (counts.regressions, counts.improvements) {
            (0, 0) => Tint::Plain,
            (0, _) => Tint::Good,
            _ => Tint::Bad,
        };
        let numbers = [counts.regressions, counts.improvements, counts.unchanged, counts.undetermined, counts.missing];
        let mut row = vec![metric.title.clone()];
        row.extend(numbers.map(|number| number.to_string()));
        row.push(number::percent(metric.delta));
        row.push(metric.shift.map_or_else(|| "–".into(), number::signed_percent));
        metrics.push(tint, row);
    }
    let chosen = sheet(comparison, |change| all || is_call(change), false);
    let tables = if chosen.is_empty() { vec![metrics] } else { vec![metrics, chosen] };
    for table in tables {
        text += &if output.format == Format::Md { table.markdown() } else { table.text(output.coloured()) };
        text.push('\n');
    }
    text + &verdict(comparison, all)
}

fn headline(side: &RunSide) -> String {
    let revision: String = side.revision.chars().take(12).collect();
    let marks = [(side.dirty, ", uncommitted changes"), (side.debug, ", debug build: no measurement")];
    let marks: String = marks.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect();
    let RunSide { run, profile, blocks, trials, .. } = side;
    format!("{run}: revision {revision}{marks}, {profile}, {blocks} blocks, {trials} trials")
}

fn verdict(comparison: &Comparison, all: bool) -> String {
    let counts = comparison.counts;
    let more = if all { "" } else { " --all lists every comparison." };
    format!(
        "Of {} comparisons {} are regressions, {} improvements, {} unchanged, {} undetermined, and {} lack a value.{more}\n\
         A change is called when its 95 % interval lies beyond δ (the larger noise floor of both runs, at least 2 %) and \
         p ≤ 5 % after Holm's adjustment over all comparisons of the metric.\n",
        counts.all(),
        counts.regressions,
        counts.improvements,
        counts.unchanged,
        counts.undetermined,
        counts.missing,
    )
}

const fn is_call(change: &Change) -> bool {
    matches!(change.direction, Direction::Regression | Direction::Improvement)
}

/// One row a comparison; `raw` has numbers in base units, for programs.
fn sheet(comparison: &Comparison, wanted: impl Fn(&Change) -> bool, raw: bool) -> Sheet {
    let mut sheet = if raw {
        Sheet::new(&[
            "metric",
            "engine",
            "variant",
            "transport",
            "connections",
            "payload_bytes",
            "a",
            "a_blocks",
            "b",
            "b_blocks",
            "ratio",
            "ratio_lo",
            "ratio_hi",
            "p_value",
            "p_adjusted",
            "delta_ratio",
            "direction",
            "reason",
        ])
    } else {
        Sheet::new(&["metric", "variant", "cell", ">A", ">B", ">B ÷ A", ">95 % interval", ">p", "change", "why"])
    };
    for metric in &comparison.metrics {
        for (row, cell, change) in changes(metric).filter(|(.., change)| wanted(change)) {
            let fields = if raw { numbers(metric, row, *cell, change) } else { words(metric, row, *cell, change) };
            let tint = match change.direction {
                Direction::Regression => Tint::Bad,
                Direction::Improvement => Tint::Good,
                Direction::Undetermined => Tint::Doubtful,
                Direction::Unchanged | Direction::Missing => Tint::Plain,
            };
            sheet.push(tint, fields);
        }
    }
    sheet
}

fn numbers(metric: &MetricChanges, row: &VariantChanges, cell: Cell, change: &Change) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    vec![
        metric.key.clone(),
        row.engine.clone(),
        row.variant.clone(),
        cell.transport.name().into(),
        cell.connections.to_string(),
        cell.payload_bytes.to_string(),
        number(change.a.value),
        change.a.blocks.to_string(),
        number(change.b.value),
        change.b.blocks.to_string(),
        number(change.ratio),
        number(change.interval.map(|interval| interval.lo)),
        number(change.interval.map(|interval| interval.hi)),
        number(change.p_value),
        number(change.p_adjusted),
        metric.delta.exp().to_string(),
        change.direction.name().into(),
        change.reason.clone().unwrap_or_default(),
    ]
}

fn words(metric: &MetricChanges, row: &VariantChanges, cell: Cell, change: &Change) -> Vec<String> {
    let value = |value: Option<f64>, unit: Unit| value.map_or_else(|| "—".into(), |value| number::compact(value, unit));
    let interval = change.interval.map_or_else(String::new, |interval| {
        format!("[{}, {}]", number::signed_percent(interval.lo), number::signed_percent(interval.hi))
    });
    let better = match (change.direction, metric.better) {
        (Direction::Regression | Direction::Improvement, Better::Higher) => " (higher is better)",
        _ => "",
    };
    vec![
        metric.title.clone(),
        format!("{}/{}", row.engine, row.variant),
        place(cell),
        value(change.a.value, metric.unit),
        value(change.b.value, metric.unit),
        change.ratio.map_or_else(String::new, number::signed_percent),
        interval,
        change.p_adjusted.map_or_else(String::new, |p| if p < 0.001 { "<0.001".into() } else { format!("{p:.3}") }),
        format!("{}{better}", change.direction.name()),
        change.reason.clone().unwrap_or_default(),
    ]
}

fn place(cell: Cell) -> String {
    format!("{} {} × {} B", cell.transport.name(), cell.connections, cell.payload_bytes)
}
