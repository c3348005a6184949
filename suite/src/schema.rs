//! The schema of what a run leaves: JSON Schema from the Rust types, and the same as tables for people.

use std::fmt::Write as _;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::measure::Sessions;
use crate::record::{SCHEMA, Trial};

/// The schema of a line of `records.jsonl`.
#[must_use]
pub fn record() -> Value {
    of(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Trial>())
}

/// The schema of `environment.json`.
#[must_use]
pub fn environment() -> Value {
    of(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Sessions>())
}

fn of(schema: Schema) -> Value {
    schema.into()
}

/// The schemas as files: name and text.
///
/// # Panics
/// Never: a schema has only string keys.
#[must_use]
pub fn files() -> [(&'static str, String); 2] {
    let text = |schema: Value| serde_json::to_string_pretty(&schema).expect("a schema has only string keys") + "\n";
    [("record.schema.json", text(record())), ("environment.schema.json", text(environment()))]
}

/// What is in a published run's files, as Markdown: every field with its type and meaning, from the types themselves.
#[must_use]
pub fn markdown() -> String {
    let mut text = format!(
        "## What is in the files\n\n\
         `plan.toml` is the plan: what was asked, in which cells, with which seed, and SHA-256 sums of all programs.\n\
         `environment.json` is the environment ([schema](schema/environment.schema.json)), before and after each session.\n\
         `records.jsonl` has one trial a line ([schema](schema/record.schema.json), version {SCHEMA}). Fields are only ever added, so\n\
         every published record stays readable; `report.md`, `report.html` and `charts/` are rebuilt from it by `suite report`.\n\
         `suite export RUN --format csv|bmf|go|sqlite` writes it in the formats of other programs.\n\n\
         Integers are in base units, the unit in the name. Histograms (`hdr`) are HdrHistogram V2, deflated, base64, nanoseconds.\n"
    );
    for (title, schema) in [("A record", record()), ("The environment", environment())] {
        let _ = write!(text, "\n### {title}\n");
        push_fields(&mut text, schema.get("title").and_then(Value::as_str).unwrap_or_default(), &schema);
        let parts = schema.get("$defs").and_then(Value::as_object).into_iter().flatten();
        for (name, part) in parts {
            push_fields(&mut text, name, part);
        }
    }
    text
}

/// One type: its fields in a table, or its words in a line.
fn push_fields(text: &mut String, name: &str, schema: &Value) {
    let said = |schema: &Value| {
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
    };
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
        let _ = write!(text, "\n**{name}**: {} {}\n", type_of(schema), said(schema));
        return;
    };
    let _ = write!(text, "\n**{name}**: {}\n\n| field | type | meaning |\n|---|---|---|\n", said(schema));
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (field, of) in fields {
        let optional = if required.contains(&field.as_str()) { "" } else { ", optional" };
        let _ = writeln!(text, "| `{field}` | {}{optional} | {} |", type_of(of), said(of));
    }
}

/// A type in a few words.
fn type_of(schema: &Value) -> String {
    let empty = Map::new();
    let schema = schema.as_object().unwrap_or(&empty);
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(kinds) = schema.get(several).and_then(Value::as_array) {
            return kinds.iter().map(type_of).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    }
    if let Some(word) = schema.get("const") {
        return format!("`{word}`");
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".into(),
    };
    let inner = schema.get("items").or_else(|| schema.get("additionalProperties")).filter(|inner| inner.is_object());
    match inner {
        Some(inner) if kind == "array" => format!("list of {}", type_of(inner)),
        Some(inner) => format!("map to {}", type_of(inner)),
        None => kind,
    }
}
