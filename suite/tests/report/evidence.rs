//! The A/A data behind METHODOLOGY.md's thresholds: its tables are made here from published records, never typed.
//!
//! `UPDATE=1 cargo test -p suite --test report evidence` makes them anew; the runs are those named in the marker.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use suite::analyse::{Design, Floor, Metric, Resampler, Samples, judge, noise_of};
use suite::conclude::Run;
use suite::record::{RunFolder, Trial};

const BEGIN: &str = "<!-- evidence:begin ";
const END: &str = "<!-- evidence:end -->";

/// The metrics whose noise is shown, with the gates that can doubt each: what a gate is for.
const DOUBTED: [(Metric, &[&str]); 3] = [
    (Metric::ServerCpuOpen, &["foreign", "steal"]),
    (Metric::ResponseP99, &["lag", "lag_trend", "client_busy", "run_delay", "foreign"]),
    (Metric::Throughput, &["client_busy", "run_delay", "foreign"]),
];

fn suite_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(name: &str) -> Run {
    let path = suite_folder().parent().expect("the workspace").join("results").join(name);
    Run::load(&RunFolder::open(&path).expect("the marker names published runs")).expect("a whole run")
}

/// The A/A pairs of a run.
fn pairs(run: &Run) -> Vec<(&Trial, &Trial)> {
    let key = |trial: &Trial| (trial.engine.clone(), trial.variant.clone(), trial.cell, trial.block);
    let first: BTreeMap<_, &Trial> = run.trials.iter().filter(|trial| !trial.twin).map(|t| (key(t), t)).collect();
    run.trials.iter().filter(|trial| trial.twin).filter_map(|twin| Some((*first.get(&key(twin))?, twin))).collect()
}

fn percent(log_ratio: f64) -> String {
    match log_ratio.exp_m1() * 100.0 {
        large if large >= 1_000.0 => "above 1 000 %".into(),
        small => format!("{small:.1} %"),
    }
}

/// One row a run and metric: how far a trial lies from its twin.
fn noise(runs: &[(&str, Run)]) -> String {
    let mut text = String::from(
        "| run | metric | A/A pairs that count | typical difference | root mean square | floor of the run | 5 % between \
         two engines takes |\n|---|---|---:|---:|---:|---:|---:|\n",
    );
    for (name, run) in runs {
        let context = run.context(name);
        for metric in Metric::ALL {
            let ratios = Samples::collect(metric, &run.trials, &context).twin_log_ratios();
            let Some(noise) = noise_of(&ratios) else { continue };
            let floor = Floor::of(&ratios, context.blocks_asked as usize, &mut Resampler::new(context.seed));
            let blocks = Design { noise, pairs: 1, twins: 1 }.blocks_for(1.05);
            let blocks = blocks.map_or_else(|| "out of reach".into(), |blocks| format!("{blocks} blocks"));
            let (typical, floor) = [floor.typical, floor.log_ratio].map(|found| percent(found.expect("pairs"))).into();
            let (title, count, noise) = (metric.title(), ratios.len(), percent(noise));
            writeln!(text, "| {name} | {title} | {count} | {typical} | {noise} | {floor} | {blocks} |")
                .expect("a string");
        }
    }
    text
}

/// One row a gate and metric: what A/A pairs differ by where it tripped, and where nothing did.
fn gates(runs: &[(&str, Run)]) -> String {
    let mut text = String::from(
        "| gate | trials in which it trips | metric | root mean square of A/A pairs with it (pairs) | of pairs without any \
         gate on the metric (pairs) |\n|---|---:|---|---:|---:|\n",
    );
    let trials: Vec<&Trial> = runs.iter().flat_map(|(_, run)| &run.trials).collect();
    let all: Vec<(&Trial, &Trial)> = runs.iter().flat_map(|(_, run)| pairs(run)).collect();
    let tripped = |trial: &Trial, metric: Metric, gate: &str| {
        let own = trial.loads.iter().filter(|load| metric.mode() == Some(load.mode));
        own.flat_map(|load| &load.gates).any(|found| found.gate == gate)
    };
    for (metric, names) in DOUBTED {
        let ratio = |(a, b): &(&Trial, &Trial)| Some((metric.extract(a).ok()? / metric.extract(b).ok()?).ln());
        let shown = |ratios: Vec<f64>| match noise_of(&ratios) {
            Some(noise) => format!("{} ({})", percent(noise), ratios.len()),
            None => format!("too few ({})", ratios.len()),
        };
        let sound = |pair: &&(&Trial, &Trial)| [pair.0, pair.1].iter().all(|t| judge(metric, t).usable().is_some());
        let without = shown(all.iter().filter(sound).filter_map(ratio).collect());
        for gate in names {
            let count = trials.iter().filter(|trial| tripped(trial, metric, gate)).count();
            let with = all.iter().filter(|(a, b)| tripped(a, metric, gate) || tripped(b, metric, gate));
            let with = shown(with.filter_map(ratio).collect());
            let (of, title) = (trials.len(), metric.title());
            writeln!(text, "| `{gate}` | {count} of {of} | {title} | {with} | {without} |").expect("a string");
        }
    }
    text
}

#[test]
fn the_evidence_in_the_methodology_is_that_of_the_published_records() {
    let path: PathBuf = suite_folder().join("METHODOLOGY.md");
    let text = std::fs::read_to_string(&path).expect("METHODOLOGY.md");
    let begin = text.find(BEGIN).expect("the marker");
    let names_end = begin + text[begin..].find(" -->").expect("the marker's end");
    let end = begin + text[begin..].find(END).expect("the end marker");
    let names: Vec<&str> = text[begin + BEGIN.len()..names_end].split_whitespace().collect();
    let runs: Vec<(&str, Run)> = names.iter().map(|name| (*name, load(name))).collect();
    let tables = format!("{} -->\n\n{}\n{}\n", &text[begin..names_end], noise(&runs), gates(&runs));
    if std::env::var_os("UPDATE").is_some() {
        let updated = [&text[..begin], &tables, &text[end..]].concat();
        std::fs::write(&path, updated).expect("METHODOLOGY.md can be written");
    } else {
        let same = text[begin..end] == tables;
        assert!(
            same,
            "METHODOLOGY.md shows other figures than the records: UPDATE=1 cargo test -p suite --test report evidence"
        );
    }
}
