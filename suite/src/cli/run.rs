//! `suite run`: builds, runs what was planned, and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::args::{RunArgs, WorkspaceArgs};
use super::report::print_report;
use super::workspace::{Workspace, raise_open_files};
use crate::catalog::Program;
use crate::conclude::{load_plan, save_plan};
use crate::measure::{Session, Sessions, environment};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::record::{RunFolder, Writer, read, read_json, write_json};
use crate::run::{Ending, Interrupt, Runner, unix_ms};

/// Where runs go when the command line does not say.
const RUNS: &str = "runs";

pub(super) fn run(workspace: &WorkspaceArgs, asked: &RunArgs) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    let interrupt = Interrupt::install()?;
    let mut ending = Ending::default();
    if let Some(path) = &asked.resume {
        let folder = RunFolder::open(path)?;
        let plan = load_plan(&folder)?;
        ending = resume(&workspace, &folder, &plan, &interrupt, asked.quiet)?;
    } else {
        let plans = workspace.plans(&asked.what)?;
        let several = plans.len() > 1;
        if let Some(out) = &asked.out {
            // Before the build: a mistake should not cost minutes.
            let taken = if several { out.join(&plans[0].experiment) } else { out.clone() };
            refuse_taken(&taken)?;
        }
        for plan in plans {
            let out = asked.out.as_ref().map(|out| if several { out.join(&plan.experiment) } else { out.clone() });
            let this = fresh(&workspace, plan, out.as_deref(), &interrupt, asked.quiet)?;
            ending = Ending { failed: ending.failed + this.failed, interrupted: this.interrupted };
            if ending.interrupted {
                break;
            }
        }
    }
    Ok(match ending {
        Ending { interrupted: true, .. } => ExitCode::from(Interrupt::EXIT_CODE),
        Ending { failed: 0, .. } => ExitCode::SUCCESS,
        Ending { .. } => ExitCode::FAILURE,
    })
}

/// The programs of a run.
struct Built {
    client: String,
    client_sha256: String,
    programs: BTreeMap<String, Program>,
}

impl Built {
    /// Builds what `plan` needs; `None` when the user ended that: a build that was cut short has not failed.
    fn of(workspace: &Workspace, plan: &Plan, interrupt: &Interrupt, quiet: bool) -> anyhow::Result<Option<Self>> {
        let client = workspace.client(quiet);
        if interrupt.asked() {
            return Ok(None);
        }
        let (client, client_sha256) = client?;
        let programs = workspace.programs(plan, interrupt, quiet)?;
        let client = client.to_string_lossy().into_owned();
        Ok((!interrupt.asked()).then_some(Self { client, client_sha256, programs }))
    }

    fn seal(&self, plan: &mut Plan) {
        plan.seal(self.client_sha256.clone(), |engine| self.programs.get(engine)?.sha256());
    }
}

fn refuse_taken(out: &Path) -> anyhow::Result<()> {
    if out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || out.is_file() {
        bail!("{} is there already: name another --out, or finish that run with --resume", out.display());
    }
    Ok(())
}

fn fresh(
    workspace: &Workspace,
    mut plan: Plan,
    out: Option<&Path>,
    interrupt: &Interrupt,
    quiet: bool,
) -> anyhow::Result<Ending> {
    let Some(built) = Built::of(workspace, &plan, interrupt, quiet)? else { return Ok(Ending::INTERRUPTED) };
    built.seal(&mut plan);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let folder = match out {
        Some(out) => RunFolder::create(out)?,
        None => RunFolder::create_named(&workspace.root.join(RUNS), &plan.date, &host, &plan.experiment)?,
    };
    save_plan(&folder, &plan)?;
    let progress = Progress::new(quiet);
    let Built { client, programs, .. } = &built;
    work(workspace, &folder, &Runner { plan: &plan, programs, client, interrupt, progress: &progress })
}

fn resume(
    workspace: &Workspace,
    folder: &RunFolder,
    plan: &Plan,
    interrupt: &Interrupt,
    quiet: bool,
) -> anyhow::Result<Ending> {
    if raise_open_files() != plan.open_files_max {
        bail!("the limit on open files was {} when this run began: set `ulimit -n` so again", plan.open_files_max);
    }
    let Some(built) = Built::of(workspace, plan, interrupt, quiet)? else { return Ok(Ending::INTERRUPTED) };
    let mut now = plan.clone();
    built.seal(&mut now);
    if now.client_sha256 != plan.client_sha256 {
        bail!("the load client is not the one this run began with: check out its revision, or start a new run");
    }
    for (before, now) in plan.variant.iter().zip(&now.variant) {
        if before.binary_sha256 != now.binary_sha256 {
            bail!(
                "engine {} is not the program this run began with: check out its revision, or start a new run",
                before.engine
            );
        }
    }
    let progress = Progress::new(quiet);
    let Built { client, programs, .. } = &built;
    work(workspace, folder, &Runner { plan, programs, client, interrupt, progress: &progress })
}

/// Runs what has no record yet, between two looks at the environment, and reports.
fn work(workspace: &Workspace, folder: &RunFolder, runner: &Runner<'_>) -> anyhow::Result<Ending> {
    let records = folder.records();
    let done: BTreeSet<u32> = if records.exists() {
        read(&records)?.trials.iter().map(|trial| trial.trial).collect()
    } else {
        BTreeSet::new()
    };
    let mut sessions: Sessions = if folder.environment().exists() {
        read_json(&folder.environment())?
    } else {
        Sessions { schema: 1, sessions: Vec::new() }
    };
    let before = environment(&workspace.root, unix_ms());
    sessions.sessions.push(Session { before, after: None });
    write_json(&folder.environment(), &sessions)?;

    let mut writer = Writer::open(&records)?;
    let mut ending = runner.run(&done, &mut writer)?;

    if let Some(last) = sessions.sessions.last_mut() {
        last.after = Some(environment(&workspace.root, unix_ms()));
    }
    write_json(&folder.environment(), &sessions)?;
    ending.failed = print_report(folder).context("the run is recorded, but its report failed")?;
    let path = folder.path().display();
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\nRun folder: {path}")?;
    if ending.interrupted {
        writeln!(stdout, "Interrupted. Go on with: suite run --resume {path}")?;
    } else {
        writeln!(stdout, "Look closer with: suite show {path} TRIAL")?;
    }
    Ok(ending)
}
