//! The schema of the records: written down as the types have it, and true of everything that is published.

use std::path::{Path, PathBuf};

use serde_json::Value;
use suite::{publish, schema};

fn results() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the suite lies in the workspace").join("results")
}

/// A generated file is as it is generated now; `UPDATE=1 cargo test` writes it.
fn check(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == text, "{} is not up to date: UPDATE=1 cargo test -p suite --test schema", path.display());
}

#[test]
fn the_schemas_and_the_index_are_up_to_date() {
    for (file, text) in schema::files() {
        check(&results().join("schema").join(file), &text);
    }
    check(&results().join("README.md"), &publish::render_index(&results()).expect("published runs are readable"));
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::validator_for(schema).expect("a schema")
}

#[track_caller]
fn valid(validator: &jsonschema::Validator, value: &Value, what: &str) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {}", errors.join("; "));
}

#[test]
fn every_published_record_parses_and_obeys_the_schema() {
    let (of_record, of_environment) = (validator(&schema::record()), validator(&schema::environment()));
    let mut runs = 0;
    for run in results().read_dir().expect("published runs").flatten().map(|run| run.path()) {
        if !run.join("plan.toml").is_file() {
            continue;
        }
        runs += 1;
        let records = run.join("records.jsonl");
        suite::record::read(&records).expect("every record parses");
        let text = std::fs::read_to_string(&records).expect("readable");
        for (number, line) in text.lines().enumerate() {
            let what = format!("{}:{}", records.display(), number + 1);
            valid(&of_record, &serde_json::from_str(line).expect("JSON"), &what);
        }
        let environment = run.join("environment.json");
        let text = std::fs::read_to_string(&environment).expect("readable");
        valid(&of_environment, &serde_json::from_str(&text).expect("JSON"), &environment.display().to_string());
    }
    assert!(runs > 0, "nothing is published");
}

/// A validator that accepts everything would pass the test above.
#[test]
fn a_record_without_its_cell_or_with_a_wrong_type_is_refused() {
    let run = results().read_dir().expect("published runs").flatten().map(|run| run.path().join("records.jsonl"));
    let records = run.into_iter().find(|records| records.is_file()).expect("one is published");
    let text = std::fs::read_to_string(records).expect("readable");
    let record: Value = serde_json::from_str(text.lines().next().expect("a record")).expect("JSON");
    let of_record = validator(&schema::record());
    assert!(of_record.is_valid(&record));
    let mut incomplete = record.clone();
    incomplete.as_object_mut().expect("an object").remove("cell");
    let mut wrong = record;
    wrong["cell"]["connections"] = "many".into();
    assert!(!of_record.is_valid(&incomplete) && !of_record.is_valid(&wrong));
}

#[test]
fn the_schema_says_what_a_field_means() {
    let text = schema::markdown();
    for field in
        ["| `trial` | integer |", "| `response_ns` | Quantiles |", "| `pss_anon_bytes` | integer |", "`frameworks`"]
    {
        assert!(text.contains(field), "{field}: {text}");
    }
}
