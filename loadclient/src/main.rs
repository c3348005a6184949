//! `loadclient`: the command line, and the exit codes.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use loadclient::calibrate::{CalibrateArgs, NullServerArgs, calibrate, serve};
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
    let argv: Vec<OsString> = env::args_os().collect();
    match argv.get(1).and_then(|word| word.to_str()) {
        Some("null-server") => command::<NullServerArgs>(&argv, |args| {
            serve(&args.addr, args.cpu).map_err(|error| format!("cannot serve {}: {error}", args.addr))
        }),
        Some("calibrate") => command::<CalibrateArgs>(&argv, |args| {
            let found = calibrate(&args)?;
            if args.table {
                print!("{found}");
            } else {
                println!("{}", serde_json::to_string(&found).expect("numbers and names are JSON"));
            }
            Ok(())
        }),
        _ => load(),
    }
}

/// A command of its own: its first word stands where its program's name would.
fn command<A: Parser>(argv: &[OsString], run: impl FnOnce(A) -> Result<(), String>) -> ExitCode {
    match A::try_parse_from(&argv[1..]) {
        Ok(args) => run(args).map_or_else(|reason| refuse(&reason), |()| ExitCode::SUCCESS),
        Err(error) => misspelt(&error),
    }
}

fn misspelt(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => refuse(&one_line(&error.to_string())),
    }
}

/// The load that the command line asks for.
fn load() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return misspelt(&error),
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
