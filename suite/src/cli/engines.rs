//! `suite engines`: what there is, and whether it builds and runs here.

use std::process::ExitCode;

use serde_json::json;

use super::args::WorkspaceArgs;
use super::output::OutputArgs;
use super::sheet::{Sheet, Tint};
use super::workspace::Workspace;
use crate::catalog::{Engine, Program};
use crate::run::{Interrupt, Ports, Probe, ephemeral_ports, probe};

pub(super) fn engines(workspace: &WorkspaceArgs, no_build: bool, output: OutputArgs) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    let interrupt = Interrupt::install()?;
    let mut ports = Ports::new(ephemeral_ports(), std::process::id())?;
    let builder = workspace.builder(false);
    let mut sheet = Sheet::new(&["variant", "builds", "runs here", "version", "transports", "requires", "what it is"]);
    let mut objects = Vec::new();
    for engine in &workspace.engines {
        let program = (!no_build).then(|| builder.engine(engine));
        for variant in &engine.manifest.variant {
            let transports = engine.transports(variant);
            let (builds, runs, version) = match &program {
                None => ("?".to_owned(), "?".to_owned(), String::new()),
                Some(Program::Failed { error, tail }) => {
                    let said = tail.iter().rev().find(|line| line.contains("error")).unwrap_or(error);
                    (format!("no: {said}"), "no".to_owned(), String::new())
                }
                Some(Program::Built { path, .. }) => {
                    let path = path.to_string_lossy();
                    let outcome = match transports.first() {
                        Some(first) => probe(&path, &variant.name, *first, &mut ports, &interrupt)?,
                        None => Probe::Refused { reason: "its engine.toml lists no transport".into() },
                    };
                    match outcome {
                        Probe::Runs { version } => ("yes".to_owned(), "yes".to_owned(), version),
                        Probe::Refused { reason } => ("yes".to_owned(), format!("no: {reason}"), String::new()),
                    }
                }
            };
            let names: Vec<&str> = transports.iter().map(|transport| transport.name()).collect();
            let role = variant.role.as_ref().map_or_else(String::new, |role| format!(" ({role})"));
            let tint = if runs.starts_with("no") { Tint::Bad } else { Tint::Plain };
            objects.push(json!({
                "engine": engine.name(), "variant": variant.name, "role": variant.role, "builds": builds, "runs": runs,
                "version": version, "transports": names, "requires": engine.manifest.requires, "line": variant.line,
            }));
            let name = format!("{}/{}{role}", engine.name(), variant.name);
            let transports = names.join(" ");
            sheet.push(tint, vec![name, builds, runs, version, transports, requires(engine), variant.line.clone()]);
        }
    }
    output.print(&sheet, &objects)?;
    Ok(ExitCode::SUCCESS)
}

fn requires(engine: &Engine) -> String {
    if engine.manifest.requires.is_empty() { "–".into() } else { engine.manifest.requires.join("; ") }
}
