//! Exports: every value in the formats of other programs, and nothing that does not count where they know no validity.

use std::collections::BTreeMap;

use serde_json::Value;
use suite::analyse::{Context, Metric};
use suite::export::{bmf, go, long, sqlite};
use suite::record::Trial;

use crate::synthetic::{Synthetic, Truth, gate, tcp};

/// Two variants, two cells, three blocks; one trial's latency does not count.
fn run() -> (Context, Vec<Trial>) {
    let run = Synthetic::new(&["mio/default", "tokio/per-core"], &[tcp(16, 64), tcp(64, 64)], |variant, _| Truth {
        cpu_ns: [10_000.0, 12_000.0][variant],
        ..Truth::default()
    });
    let run = run.blocks(3);
    let mut trials = run.trials();
    let spoilt = trials.iter_mut().find(|trial| trial.engine == "tokio").expect("there is one");
    spoilt.loads[0].gates.push(gate("lag"));
    (run.context, trials)
}

#[test]
fn the_long_form_has_every_metric_of_every_trial_with_its_validity() {
    let (_, trials) = run();
    let csv = long(&trials);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + trials.len() * Metric::ALL.len());
    for line in &lines {
        assert_eq!(line.matches(',').count(), lines[0].matches(',').count(), "{line}");
    }
    let spoilt = lines.iter().filter(|line| line.contains(",response_p99_ns,") && line.contains(",invalid,"));
    assert_eq!(spoilt.count(), 1, "{csv}");
    assert!(csv.contains(",server_cpu_per_frame_ns,ns,measured,"), "{csv}");
}

#[test]
fn bencher_reads_medians_with_their_bounds() {
    let (_, trials) = run();
    let benchmarks: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&bmf(&trials)).expect("JSON");
    assert_eq!(benchmarks.len(), 4);
    let measure = &benchmarks["mio/default/tcp/16x64"]["server_cpu_per_frame_ns"];
    let number = |name: &str| measure[name].as_f64().expect("a number");
    assert!(number("lower_value") <= number("value") && number("value") <= number("upper_value"));
    assert!((number("value") / 10_000.0 - 1.0).abs() < 0.2, "{measure}");
}

/// `Benchmark<Name> <iterations> <value> <unit>`, by the format's own grammar.
#[test]
fn every_line_of_the_go_format_is_a_configuration_or_a_benchmark() {
    let (context, trials) = run();
    let text = go(&trials, &context);
    let mut benchmarks = 0;
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let Some(name) = fields[0].strip_prefix("Benchmark") {
            assert!(name.starts_with(|c: char| c.is_uppercase()), "{line}");
            assert_eq!(fields.len(), 4, "{line}");
            assert!(fields[1].parse::<u64>().is_ok_and(|iterations| iterations > 0), "{line}");
            assert!(fields[2].parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            benchmarks += 1;
        } else if fields[0] == "Unit" {
            assert_eq!(line, "Unit frames/s better=higher");
        } else {
            let (key, value) = line.split_once(": ").expect("key: value");
            assert!(key.starts_with(|c: char| c.is_lowercase()) && !value.is_empty(), "{line}");
        }
    }
    let of_one = text.lines().filter(|line| {
        line.starts_with("BenchmarkTokio/variant=per-core/transport=tcp/conns=64/payload=64 ")
            && line.ends_with(" server-cpu-ns/frame")
    });
    assert_eq!(of_one.count(), 3, "one line a block");
    assert!(benchmarks > 100);
}

#[test]
fn the_database_has_every_trial_and_metric_and_is_never_overwritten() {
    let (context, trials) = run();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.sqlite");
    sqlite(&path, &trials, &context).expect("writable");
    let database = rusqlite::Connection::open(&path).expect("a database");
    let count = |query: &str| database.query_row(query, [], |row| row.get::<_, i64>(0)).expect("a count") as usize;
    assert_eq!(count("SELECT count(*) FROM trial"), trials.len());
    assert_eq!(count("SELECT count(*) FROM metric"), trials.len() * Metric::ALL.len());
    assert_eq!(count("SELECT count(*) FROM load"), trials.len() * 2);
    assert_eq!(count("SELECT count(*) FROM memory"), trials.len() * 4);
    assert_eq!(count("SELECT count(*) FROM gate WHERE gate = 'lag'"), 1);
    assert_eq!(count("SELECT count(*) FROM metric WHERE metric = 'response_p99_ns' AND status = 'invalid'"), 1);
    assert_eq!(count("SELECT json_extract(record_json, '$.cell.connections') FROM trial WHERE trial = 0"), 16);
    assert!(sqlite(&path, &trials, &context).expect_err("it is there").to_string().contains("is there already"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing half-written is left");
}
