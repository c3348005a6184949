//! `suite verify`: conformance and torture against the engines' own programs.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use super::args::{VerifyArgs, WorkspaceArgs};
use super::output::{Format, say};
use super::sheet::{Sheet, Tint};
use super::workspace::{Workspace, raise_open_files};
use crate::catalog::{Engine, Program, select};
use crate::experiment::Scope;
use crate::verify::{Finding, Options, Selection, Target, Verdict, cases, splice, verify as run};

pub(super) fn verify(workspace: &WorkspaceArgs, asked: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    let patience = Duration::from_secs(20);
    let selection = asked.case.clone().map_or(Selection::All, Selection::Containing);
    if !cases().any(|case| selection.wants(case.name)) {
        let names: Vec<&str> = cases().map(|case| case.name).collect();
        bail!("no case is named like {:?} (there are: {})", asked.case, names.join(", "));
    }
    let options = Options { selection, long: asked.long, patience, jobs: asked.jobs.into() };
    let wanted = wanted(&workspace.engines, &asked.engine)?;
    raise_open_files();
    let builder = workspace.builder(asked.quiet);
    let (mut targets, mut unbuilt) = (Vec::new(), false);
    for (engine, variants) in wanted {
        match builder.engine(engine) {
            Program::Built { path, .. } => {
                targets.push(Target { binary: path, manifest: engine.manifest.clone(), variants });
            }
            Program::Failed { error, .. } => {
                unbuilt = true;
                eprintln!("suite: engine {} is out: {error}", engine.name());
            }
        }
    }
    let outcome = run(&targets, &options, &|finding| {
        if !asked.quiet {
            eprintln!("{}", line(finding));
        }
    });
    match asked.output.format {
        Format::Text => say(&outcome.terminal())?,
        Format::Md => say(&outcome.markdown())?,
        _ => {
            let (sheet, objects) = findings(&outcome.findings);
            asked.output.print(&sheet, &objects)?;
        }
    }
    if asked.publish {
        let file = workspace.root.join("engines/README.md");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let spliced = splice(&text, &outcome.markdown()).with_context(|| file.display().to_string())?;
        std::fs::write(&file, spliced).with_context(|| file.display().to_string())?;
    }
    Ok(if outcome.failed() || unbuilt { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Engines in catalog order with their variants. An engine named as a whole brings its controls along:
/// they must conform, too.
fn wanted<'a>(engines: &'a [Engine], list: &str) -> anyhow::Result<Vec<(&'a Engine, Vec<String>)>> {
    let chosen = select(engines, Some(list), Scope::All)?;
    let whole = |engine: &Engine| list.split(',').map(str::trim).any(|name| name == "all" || name == engine.name());
    let mut wanted = Vec::new();
    for (index, engine) in engines.iter().enumerate() {
        let is_chosen = |variant| chosen.iter().any(|choice| (choice.engine, choice.variant) == (index, variant));
        let named =
            engine.manifest.variant.iter().enumerate().filter(|(variant, _)| whole(engine) || is_chosen(*variant));
        let variants: Vec<String> = named.map(|(_, variant)| variant.name.clone()).collect();
        if !variants.is_empty() {
            wanted.push((engine, variants));
        }
    }
    Ok(wanted)
}

/// One row, and one object, a finding.
fn findings(findings: &[Finding]) -> (Sheet, Vec<serde_json::Value>) {
    let mut sheet = Sheet::new(&["case", "engine", "variant", "transport", "verdict", "detail"]);
    let mut objects = Vec::new();
    for Finding { case, engine, variant, transport, verdict } in findings {
        let (tint, word, detail) = match verdict {
            Verdict::Pass => (Tint::Good, "pass", ""),
            Verdict::Fail(detail) => (Tint::Bad, "fail", detail.as_str()),
            Verdict::NotSupported(reason) => (Tint::Doubtful, "not_supported", reason.as_str()),
            Verdict::Measured(figure) => (Tint::Plain, "measured", figure.as_str()),
        };
        objects.push(serde_json::json!({"case": case, "engine": engine, "variant": variant, "transport": transport,
            "verdict": word, "detail": detail}));
        sheet.push(tint, [case, engine.as_str(), variant, transport, word, detail].map(str::to_owned).to_vec());
    }
    (sheet, objects)
}

fn line(finding: &Finding) -> String {
    let Finding { case, engine, variant, transport, verdict } = finding;
    let said = match verdict {
        Verdict::Pass => "ok".to_owned(),
        Verdict::Fail(detail) => format!("FAILED: {detail}"),
        Verdict::NotSupported(reason) => format!("not supported: {reason}"),
        Verdict::Measured(figure) => figure.clone(),
    };
    format!("{engine}/{variant} {transport} {case}: {said}")
}
