//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

const EXAMPLES: &str = "Examples:
  suite run --engine all                       the whole comparison, quick profile
  suite run --engine mio,tokio/per-core        two of them
  suite run --profile standard                 longer, with narrower intervals
  suite run --resume runs/2026-01-31-host-crossover
  suite plan --profile full                    what that would take
  suite verify --engine may --case drain       conformance: the cases about draining
  suite serve --engine may -- --addr tcp://127.0.0.1:7000
  suite show runs/2026-01-31-host-crossover 17

Exit codes:
  0    done
  1    done, but a trial or a case failed (it is in the records or the table, with its reason)
  2    the request cannot be met: wrong input, or nothing to measure with
  130  interrupted; what was recorded is whole, and --resume goes on";

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
    Engines {
        /// Only look, build nothing
        #[arg(long)]
        no_build: bool,
    },
    /// Run experiments, and report
    Run(RunArgs),
    /// Print what a run would do: its cells, trials and duration
    Plan(PlanArgs),
    /// Conformance and torture: every case against every variant, and a table; exit code 1 when one fails
    Verify(VerifyArgs),
    /// Run one engine in the foreground, with its own options behind `--`
    Serve {
        /// ENGINE or ENGINE/VARIANT
        #[arg(long, value_name = "NAME")]
        engine: String,
        /// The engine's options, such as --addr tcp://127.0.0.1:7000; its --help lists them
        #[arg(last = true)]
        options: Vec<String>,
    },
    /// Print the command lines that repeat one trial by hand, and what it left
    Show {
        /// The run's folder
        run: PathBuf,
        /// The trial's number
        trial: u32,
    },
    /// Rebuild the report of a run from its records, and print its tables
    Report {
        /// The run's folder
        run: PathBuf,
    },
    /// Copy a complete run of a clean tree into results/, and update the index and the README's table
    Publish {
        /// The run's folder
        run: PathBuf,
    },
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
    #[arg(long, value_name = "DIR", conflicts_with_all = ["experiments", "engine", "profile", "conns", "seed"])]
    pub resume: Option<PathBuf>,
    /// No progress, only the tables
    #[arg(short, long)]
    pub quiet: bool,
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
    /// Seed of the order and of the clients; drawn and recorded when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub seed: Option<u64>,
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
}
