//! `report.html`: one file with everything in it, data, style and script; no network.

use minijinja::{AutoEscape, Environment, Value, context};
use serde_json::json;

use super::{answer, colour, digest, label, rates, shapes, summary};
use crate::analyse::Analysis;
use crate::measure::Sessions;
use crate::record::Trial;

/// Style and script, in the order in which they build on each other.
pub(super) const STYLE: &str = include_str!("templates/page.css");
const SCRIPT: [&str; 6] = [
    BASICS,
    include_str!("templates/page.js"),
    include_str!("templates/tables.js"),
    include_str!("templates/draw.js"),
    include_str!("templates/charts.js"),
    include_str!("templates/detail.js"),
];

/// What every page needs.
pub(super) const BASICS: &str = include_str!("templates/basics.js");

/// The page of a run. `charts` are whole SVG documents, for readers without scripts.
///
/// # Panics
/// Never: the template is part of the program, and tested.
#[must_use]
pub fn render(analysis: &Analysis, trials: &[Trial], sessions: &Sessions, charts: &[String]) -> String {
    let context = &analysis.context;
    let mut data = digest::of(trials, context);
    data["analysis"] = digest::rounded(json!(analysis));
    if let Some(peaks) = data["analysis"]["peaks"].as_object_mut() {
        // The page has these steps in the trials already, and together in the rates.
        peaks.remove("curves");
    }
    data["colours"] = json!(colour::of_variants(context));
    data["setting"] = json!(label::setting(context));
    data["rates"] = digest::rounded(json!(rates::of(analysis)));
    data["environment"] = json!(sessions.sessions);
    fill(
        include_str!("templates/page.html"),
        context! {
            title => context.run.as_str(),
            question => context.question.as_str(),
            origin => label::origin(analysis),
            setting => label::setting(context),
            newcomer => answer::question(),
            answer => answer::of(analysis),
            many => answer::MANY,
            sentences => summary::further(analysis),
            failures => summary::failures(analysis),
            command => context.command.as_str(),
            revision => context.revision.as_str(),
            charts => charts.to_vec(),
            css => Value::from_safe_string(STYLE.into()),
            data => embed(&shapes::packed(data).to_string()),
            js => SCRIPT.concat(),
        },
    )
}

/// The template with its places filled; texts are escaped.
pub(super) fn fill(template: &str, values: Value) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", template).expect("the template parses");
    let template = environment.get_template("page").expect("it was just added");
    template.render(values).expect("everything that the template names is given")
}

/// JSON that can stand inside a `<script>` element: no text in it can end the element.
pub(super) fn embed(json: &str) -> String {
    json.replace('<', "\\u003c")
}
