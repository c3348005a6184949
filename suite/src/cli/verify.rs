//! `suite verify`: conformance and torture against the engines' own programs.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use super::args::{VerifyArgs, WorkspaceArgs};
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
    write!(std::io::stdout(), "{}", outcome.terminal())?;
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
