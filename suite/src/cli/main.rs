//! Reads the command line, and turns outcomes into exit codes.

use std::process::ExitCode;

use clap::Parser;

use super::args::{Args, Ask};
use super::{engines, plan, publish, report, run, serve, show, verify};

/// Exit code for a request that cannot be met; clap uses the same for what it cannot parse.
const REFUSED: u8 = 2;

/// Answers the command line.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let answer = match &args.ask {
        Ask::Engines { no_build } => engines::engines(&args.workspace, *no_build),
        Ask::Run(asked) => run::run(&args.workspace, asked),
        Ask::Plan(asked) => plan::plan(&args.workspace, asked),
        Ask::Verify(asked) => verify::verify(&args.workspace, asked),
        Ask::Serve { engine, options } => serve::serve(&args.workspace, engine, options),
        Ask::Show { run, trial } => show::show(run, *trial),
        Ask::Report { run } => report::report(run),
        Ask::Publish { run } => publish::publish(&args.workspace, run),
    };
    match answer {
        Ok(code) => code,
        Err(error) => {
            eprintln!("suite: {error:#}");
            ExitCode::from(REFUSED)
        }
    }
}
