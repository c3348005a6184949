//! Reads the command line, and turns outcomes into exit codes.

use std::process::ExitCode;

use clap::Parser;

use super::args::{Args, Ask};
use super::{compare, completions, doctor, engines, export, man, plan, publish, report, run, serve, show, verify};

/// Exit code for a request that cannot be met; clap uses the same for what it cannot parse.
const REFUSED: u8 = 2;

/// Answers the command line.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let answer = match &args.ask {
        Ask::Doctor(asked) => doctor::answer(&args.workspace, asked),
        Ask::Engines { no_build, output } => engines::engines(&args.workspace, *no_build, *output),
        Ask::Run(asked) => run::run(&args.workspace, asked),
        Ask::Plan { what, output } => plan::plan(&args.workspace, what, *output),
        Ask::Verify(asked) => verify::verify(&args.workspace, asked),
        Ask::Serve { engine, options } => serve::serve(&args.workspace, engine, options),
        Ask::Show { run, trial, output } => show::show(run, *trial, *output),
        Ask::Report { run, all, output } => report::report(run, *all, *output),
        Ask::Compare(asked) => compare::answer(asked),
        Ask::Export(asked) => export::answer(asked),
        Ask::Publish { run } => publish::publish(&args.workspace, run),
        Ask::Completions { shell } => completions::answer(*shell),
        Ask::Man { out } => man::answer(out.as_deref()),
    };
    match answer {
        Ok(code) => code,
        Err(error) => {
            eprintln!("suite: {error:#}");
            ExitCode::from(REFUSED)
        }
    }
}
