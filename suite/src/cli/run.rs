//! `suite run`: builds, runs what was planned, and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use loadclient::calibrate::Calibration;

use super::args::{RunArgs, WorkspaceArgs};
use super::doctor;
use super::output::{Format, say};
use super::report::print_report;
use super::workspace::{Workspace, raise_open_files};
use crate::catalog::Program;
use crate::conclude::{Run, load_plan, save_plan};
use crate::extend::extension;
use crate::measure::{Session, Sessions, environment};
use crate::plan::{Plan, trials};
use crate::progress::Progress;
use crate::record::{RunFolder, Writer, read, read_json, write_json};
use crate::run::{Ending, Interrupt, Runner, Trouble, calibrate, unix_ms};

/// Where runs go when the command line does not say.
const RUNS: &str = "runs";

pub(super) fn run(workspace: &WorkspaceArgs, asked: &RunArgs) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::open(workspace)?;
    let interrupt = Interrupt::install()?;
    let mut outcome = Outcome::default();
    // Once the request is known to be sound: what is wrong with it is all that is said of it.
    let examine = || {
        if !asked.quiet {
            eprint!("{}", doctor::summary(&workspace.root, workspace.cargo_profile()));
        }
    };
    if let Some(path) = &asked.resume {
        let folder = RunFolder::open(path)?;
        let plan = load_plan(&folder)?;
        examine();
        outcome = resume(&workspace, &folder, &plan, &interrupt, asked)?;
    } else {
        let plans = workspace.plans(&asked.what)?;
        let several = plans.len() > 1;
        if let Some(out) = &asked.out {
            // Before the build: a mistake should not cost minutes.
            let taken = if several { out.join(&plans[0].experiment) } else { out.clone() };
            refuse_taken(&taken)?;
        }
        examine();
        for plan in plans {
            let out = asked.out.as_ref().map(|out| if several { out.join(&plan.experiment) } else { out.clone() });
            let this = fresh(&workspace, plan, out.as_deref(), &interrupt, asked)?;
            outcome = outcome.and(this);
            if outcome.interrupted {
                break;
            }
        }
    }
    Ok(match outcome {
        Outcome { interrupted: true, .. } => ExitCode::from(Interrupt::EXIT_CODE),
        // A run that ended, and answers nothing, is no success.
        Outcome { failed: 0, nothing_valid: false, .. } => ExitCode::SUCCESS,
        Outcome { .. } => ExitCode::FAILURE,
    })
}

/// How the runs of one request ended.
#[derive(Debug, Clone, Copy, Default)]
struct Outcome {
    failed: u32,
    /// One of the runs has no value that counts.
    nothing_valid: bool,
    interrupted: bool,
}

impl Outcome {
    /// The user ended it before the first trial.
    const INTERRUPTED: Self = Self { failed: 0, nothing_valid: false, interrupted: true };

    const fn and(self, other: Self) -> Self {
        Self {
            failed: self.failed + other.failed,
            nothing_valid: self.nothing_valid || other.nothing_valid,
            interrupted: self.interrupted || other.interrupted,
        }
    }
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
    asked: &RunArgs,
) -> anyhow::Result<Outcome> {
    let Some(built) = Built::of(workspace, &plan, interrupt, asked.quiet)? else { return Ok(Outcome::INTERRUPTED) };
    built.seal(&mut plan);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let folder = match out {
        Some(out) => RunFolder::create(out)?,
        None => RunFolder::create_named(&workspace.root.join(RUNS), &plan.date, &host, &plan.experiment)?,
    };
    save_plan(&folder, &plan)?;
    let progress = Progress::new(asked.quiet);
    let Built { client, programs, .. } = &built;
    let runner = Runner {
        plan: &plan,
        root: &workspace.root,
        programs,
        client,
        calibrations: &[],
        interrupt,
        progress: &progress,
    };
    work(workspace, &folder, &runner, asked)
}

fn resume(
    workspace: &Workspace,
    folder: &RunFolder,
    plan: &Plan,
    interrupt: &Interrupt,
    asked: &RunArgs,
) -> anyhow::Result<Outcome> {
    if raise_open_files() != plan.open_files_max {
        bail!("the limit on open files was {} when this run began: set `ulimit -n` so again", plan.open_files_max);
    }
    let Some(built) = Built::of(workspace, plan, interrupt, asked.quiet)? else { return Ok(Outcome::INTERRUPTED) };
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
    let progress = Progress::new(asked.quiet);
    let Built { client, programs, .. } = &built;
    let runner =
        Runner { plan, root: &workspace.root, programs, client, calibrations: &[], interrupt, progress: &progress };
    work(workspace, folder, &runner, asked)
}

/// What the client itself reaches, measured once a run. Without it nothing can be marked as bound by the client, and
/// nothing else is lost.
fn calibrations(folder: &RunFolder, runner: &Runner<'_>) -> anyhow::Result<Vec<Calibration>> {
    if folder.calibration().exists() {
        return read_json(&folder.calibration());
    }
    match calibrate(runner.plan, runner.client, runner.interrupt) {
        Ok(found) => {
            write_json(&folder.calibration(), &found)?;
            Ok(found)
        }
        // The trials will not begin either.
        Err(Trouble::Interrupted) => Ok(Vec::new()),
        Err(Trouble::Failed(why)) => {
            eprintln!("suite: the load client could not be calibrated, so no peak can be marked client_bound: {why}");
            Ok(Vec::new())
        }
    }
}

/// The trials that have a record.
fn done(folder: &RunFolder) -> anyhow::Result<BTreeSet<u32>> {
    let records = folder.records();
    if !records.exists() {
        return Ok(BTreeSet::new());
    }
    Ok(read(&records)?.trials.iter().map(|trial| trial.trial).collect())
}

/// Whether anything is left to run: of the plan, or of what its records ask for beyond it.
fn unfinished(folder: &RunFolder, plan: &Plan) -> anyhow::Result<bool> {
    let done = done(folder)?;
    let planned = trials(plan).iter().any(|trial| !done.contains(&trial.trial));
    Ok(planned || plan.bisect_ms.is_some() && extension(&Run::load(folder)?).is_some())
}

/// Runs what has no record yet, then what bisection asks for, until it asks no more.
fn whole(folder: &RunFolder, runner: &Runner<'_>) -> anyhow::Result<Ending> {
    let mut plan = runner.plan.clone();
    let mut ending = Ending::default();
    loop {
        let this = Runner { plan: &plan, ..*runner }.run(&done(folder)?, &mut Writer::open(&folder.records())?)?;
        ending = Ending { failed: ending.failed + this.failed, interrupted: this.interrupted };
        if ending.interrupted || plan.bisect_ms.is_none() {
            return Ok(ending);
        }
        match extension(&Run::load(folder)?) {
            None => return Ok(ending),
            Some(extension) => plan.extension.push(extension),
        }
        save_plan(folder, &plan)?;
    }
}

/// Runs what has no record yet, between two looks at the environment, and reports.
fn work(workspace: &Workspace, folder: &RunFolder, runner: &Runner<'_>, asked: &RunArgs) -> anyhow::Result<Outcome> {
    let mut sessions: Sessions = if folder.environment().exists() {
        read_json(&folder.environment())?
    } else {
        Sessions { schema: 1, sessions: Vec::new() }
    };
    // A run with nothing left to do is not worked on again: it is only reported.
    let unfinished = unfinished(folder, runner.plan)?;
    if unfinished {
        let before = environment(&workspace.root, unix_ms());
        sessions.sessions.push(Session { before, after: None });
        write_json(&folder.environment(), &sessions)?;
    }

    let calibrations = calibrations(folder, runner)?;
    let ending = whole(folder, &Runner { calibrations: &calibrations, ..*runner })?;

    if let Some(last) = sessions.sessions.last_mut().filter(|_| unfinished) {
        last.after = Some(environment(&workspace.root, unix_ms()));
    }
    write_json(&folder.environment(), &sessions)?;
    let tally = print_report(folder, false, asked.output).context("the run is recorded, but its report failed")?;
    let path = folder.path().display();
    // Where the tables are for programs, stdout is theirs alone.
    let say = |text: String| {
        if asked.output.format == Format::Text {
            return say(&text);
        }
        eprint!("{text}");
        Ok(())
    };
    say(format!("\nRun folder: {path}\n"))?;
    if ending.interrupted {
        say(format!("Interrupted. Go on with: suite run --resume {path}\n"))?;
    } else {
        say(format!("Look closer with: suite show {path} TRIAL\n"))?;
    }
    // Interrupted before it had anything to say, a run is not to blame for saying nothing.
    let nothing_valid = tally.nothing_valid && !ending.interrupted;
    Ok(Outcome { failed: tally.failed, nothing_valid, interrupted: ending.interrupted })
}
