//! `loadclient`: the command line, and the exit codes.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use loadclient::control::{Parent, say};
use loadclient::preflight;
use loadclient::report::Event;
use loadclient::run::{self, RunError};
use loadclient::spec::{Args, Spec};

/// The report is printed, but the load could not be kept up.
const EXIT_NOT_KEPT_UP: u8 = 1;
/// The request is wrong or cannot be met.
const EXIT_REFUSED: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => error.exit(),
        Err(error) => return refuse(&one_line(&error.to_string())),
    };
    let spec = match Spec::try_from(args) {
        Ok(spec) => spec,
        Err(error) => return refuse(&error.to_string()),
    };
    // First of all: the parent may be gone before the first connection is up.
    let parent = match (spec.hold || spec.linger).then(Parent::listen).transpose() {
        Ok(parent) => parent,
        Err(error) => return refuse(&format!("cannot listen to stdin: {error}")),
    };
    if let Err(reason) = preflight::check(&spec) {
        return refuse(&reason);
    }
    match run::run(spec, parent.as_ref()) {
        Ok(report) => {
            let kept_up = run::kept_up(&report);
            let said = say(&Event::Report(Box::new(report)));
            if kept_up && said.is_ok() { ExitCode::SUCCESS } else { EXIT_NOT_KEPT_UP.into() }
        }
        Err(RunError::Unmet(reason)) => refuse(&reason),
        Err(RunError::Broken(reason)) => {
            eprintln!("loadclient: {reason}");
            EXIT_NOT_KEPT_UP.into()
        }
    }
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("loadclient: {reason}");
    EXIT_REFUSED.into()
}

/// What clap says before it shows the usage.
fn one_line(text: &str) -> String {
    let told = text.split("\n\n").next().unwrap_or(text);
    let told = told.strip_prefix("error: ").unwrap_or(told);
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}
