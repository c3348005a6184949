//! `report.html`: one file with everything in it, data, style and script; no network.

use minijinja::{AutoEscape, Environment, context};
use serde_json::json;

use super::{colour, digest, label, summary};
use crate::analyse::Analysis;
use crate::record::Trial;

/// The page of a run. `charts` are whole SVG documents.
///
/// # Panics
/// Never: the template is part of the program, and tested.
#[must_use]
pub fn render(analysis: &Analysis, trials: &[Trial], charts: &[String]) -> String {
    let context = &analysis.context;
    let data = json!({
        "analysis": analysis,
        "trials": digest::of(trials, context),
        "colours": colour::of_variants(context),
        "setting": label::setting(context),
    });
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", include_str!("templates/page.html")).expect("the template parses");
    let template = environment.get_template("page").expect("it was just added");
    template
        .render(context! {
            title => context.run.as_str(),
            question => context.question.as_str(),
            origin => label::origin(analysis),
            setting => label::setting(context),
            sentences => summary::sentences(analysis),
            failures => summary::failures(analysis),
            command => context.command.as_str(),
            revision => context.revision.as_str(),
            charts => charts.to_vec(),
            css => minijinja::Value::from_safe_string(include_str!("templates/page.css").into()),
            data => embed(&data.to_string()),
            js => concat!(include_str!("templates/page.js"), include_str!("templates/detail.js")),
        })
        .expect("everything that the template names is given")
}

/// JSON that can stand inside a `<script>` element: no text in it can end the element.
fn embed(json: &str) -> String {
    json.replace('<', "\\u003c")
}
