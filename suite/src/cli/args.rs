//! What can be asked on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};

use super::examples::{
    COMPARE, COMPLETIONS, DOCTOR, ENGINES, EXAMPLES, EXPORT, MAN, PLAN, PUBLISH, REPORT, RUN, SERVE, SHOW, VERIFY,
};
use super::output::OutputArgs;

/// Which Rust network runtime serves a framed protocol best on this machine, and from where on does that change?
#[derive(Debug, Parser)]
#[command(name = "suite", version, after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub workspace: WorkspaceArgs,
    #[command(subcommand)]
    pub ask: Ask,
}

/// Where things are. The defaults fit anywhere inside the workspace.
#[derive(Debug, Clone, ClapArgs)]
pub struct WorkspaceArgs {
    /// The workspace; default: CARGO_MANIFEST_DIR's, else the one around the current folder, else where the suite was
    /// compiled
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Folder with an engine in each folder; default: engines/ in the workspace
    #[arg(long, global = true, value_name = "DIR")]
    pub engines: Option<PathBuf>,
    /// A load client to use instead of building it
    #[arg(long, global = true, value_name = "PROGRAM")]
    pub client: Option<PathBuf>,
    /// Cargo profile of engines and load client
    #[arg(long, global = true, value_name = "NAME", default_value = "release", hide = true)]
    pub cargo_profile: String,
}

/// The requests.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// List the engines: do they build, do they run here, which version, what do they require
    #[command(after_help = ENGINES)]
    Engines {
        /// Only look, build nothing
        #[arg(long)]
        no_build: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Is this host fit for measurements? OK, WARN and FAIL, with the command that mends each; exit code 1 on FAIL
    #[command(after_help = DOCTOR)]
    Doctor(DoctorArgs),
    /// Run experiments, and report
    #[command(after_help = RUN)]
    Run(RunArgs),
    /// Print what a run would do: its cells, trials and duration
    #[command(after_help = PLAN)]
    Plan {
        #[command(flatten)]
        what: PlanArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Conformance and torture: every case against every variant, and a table; exit code 1 when one fails
    #[command(after_help = VERIFY)]
    Verify(VerifyArgs),
    /// Run one engine in the foreground, with its own options behind `--`
    #[command(after_help = SERVE)]
    Serve {
        /// ENGINE or ENGINE/VARIANT
        #[arg(long, value_name = "NAME")]
        engine: String,
        /// The engine's options, such as --addr tcp://127.0.0.1:7000; its --help lists them
        #[arg(last = true)]
        options: Vec<String>,
    },
    /// Print the command lines that repeat one trial by hand, and what it left
    #[command(after_help = SHOW)]
    Show {
        /// The run's folder
        run: PathBuf,
        /// The trial's number
        trial: u32,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Rebuild the report of a run from its records, and print its tables
    #[command(after_help = REPORT)]
    Report {
        /// The run's folder
        run: PathBuf,
        /// All metrics, not only the main ones (csv and json always have all)
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Compare two runs of one experiment on one host: what changed beyond noise
    #[command(after_help = COMPARE)]
    Compare(CompareArgs),
    /// Write a run's records in the format of another program
    #[command(after_help = EXPORT)]
    Export(ExportArgs),
    /// Copy a complete run of a clean tree into results/, and update the index and the README's table
    #[command(after_help = PUBLISH)]
    Publish {
        /// The run's folder
        run: PathBuf,
    },
    /// Print a script that completes this command line in a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the suite, or write one page a subcommand into a folder
    #[command(after_help = MAN)]
    Man {
        /// Write suite.1, suite-run.1, … into this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// What to look at, and whether to change it.
#[derive(Debug, Clone, ClapArgs)]
pub struct DoctorArgs {
    /// Set the kernel settings that would mend a finding; the old values are saved first
    #[arg(long, conflicts_with = "restore")]
    pub apply: bool,
    /// Set back what --apply has changed
    #[arg(long)]
    pub restore: bool,
    /// Where --apply saves the old values; default: runs/doctor-sysctls.json in the workspace
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What to export.
#[derive(Debug, Clone, ClapArgs)]
pub struct ExportArgs {
    /// The run's folder
    pub run: PathBuf,
    /// The format
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: ExportFormat,
    /// The file to write; default: stdout, which sqlite refuses
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Formats of other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// Every metric of every trial, one a line, with its validity
    Csv,
    /// Bencher Metric Format: JSON for `bencher run`
    Bmf,
    /// Go benchmark format: `benchstat A.txt B.txt` compares two runs
    Go,
    /// SQLite database with trials, metrics, loads, gates and memory; needs --out
    Sqlite,
}

/// What to run.
#[derive(Debug, Clone, ClapArgs)]
pub struct RunArgs {
    #[command(flatten)]
    pub what: PlanArgs,
    /// The run's folder; default: runs/DATE-HOST-EXPERIMENT
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Finish the run in this folder: only trials without a record
    #[arg(long, value_name = "DIR", conflicts_with_all = ["experiments", "engine", "profile", "conns", "seed", "budget", "bisect"])]
    pub resume: Option<PathBuf>,
    /// No progress, only the tables
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What to plan.
#[derive(Debug, Clone, ClapArgs)]
pub struct PlanArgs {
    /// Names of suite/experiments/*.toml, or paths of such files
    #[arg(value_name = "EXPERIMENT", default_value = "crossover")]
    pub experiments: Vec<String>,
    /// `all`, or a list of ENGINE and ENGINE/VARIANT; default: what the experiment is about, mostly all
    #[arg(long, value_name = "LIST")]
    pub engine: Option<String>,
    /// How long to look: quick, standard, full, or what else the experiment has
    #[arg(long, value_name = "NAME", default_value = "quick")]
    pub profile: String,
    /// Look at these counts of connections instead of the experiment's, such as 10000,1000000
    #[arg(long, value_name = "N[,N...]", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: Option<Vec<u32>>,
    /// The time that all of it may take, such as 20m: fewer cells and blocks, or more blocks, to spend it best; what is
    /// given up is printed. Default: the profile's, if it has one
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub budget: Option<Duration>,
    /// Place crossovers better: measure further cells where the records ask for them, within the budget, or for half as
    /// long again
    #[arg(long)]
    pub bisect: bool,
    /// Seed of the order and of the clients; drawn and recorded when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub seed: Option<u64>,
}

/// What to compare.
#[derive(Debug, Clone, ClapArgs)]
pub struct CompareArgs {
    /// The folder of the run before
    pub run_a: PathBuf,
    /// The folder of the run after
    pub run_b: PathBuf,
    /// Exit with code 3 on a regression: `any`, or a list of metrics, and perhaps the least percentage: any:5
    #[arg(long, value_name = "METRICS[:PERCENT]")]
    pub fail_on: Option<String>,
    /// List every comparison, not only the changes
    #[arg(long)]
    pub all: bool,
    /// Compare runs of different experiments or hosts, with a warning
    #[arg(long)]
    pub anyway: bool,
    /// Write a page with both runs side by side, too
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What to verify.
#[derive(Debug, Clone, ClapArgs)]
pub struct VerifyArgs {
    /// `all`, or a list of ENGINE (all its variants, controls too) and ENGINE/VARIANT
    #[arg(long, value_name = "LIST", default_value = "all")]
    pub engine: String,
    /// Only cases whose name contains this
    #[arg(long, value_name = "PATTERN")]
    pub case: Option<String>,
    /// The long set: a stream of 1 GiB, 100 drains under load, 10 000 refusals
    #[arg(long)]
    pub long: bool,
    /// Cases at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,
    /// Put the table into engines/README.md, between its markers
    #[arg(long, conflicts_with = "case")]
    pub publish: bool,
    /// Only the table
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}
