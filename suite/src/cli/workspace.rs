//! What most requests begin with: the workspace, its engines, and programs built from it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::args::{PlanArgs, WorkspaceArgs};
use crate::catalog::{Builder, Choice, Engine, Program, engines, select, workspace_root};
use crate::experiment;
use crate::measure::{cores, host_limits, revision};
use crate::plan::{HostShape, Occasion, Plan, estimate_ms, split};
use crate::run::{Interrupt, unix_ms};

/// The workspace and its engines.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    pub(super) engines: Vec<Engine>,
    args: WorkspaceArgs,
}

impl Workspace {
    pub(super) fn open(args: &WorkspaceArgs) -> anyhow::Result<Self> {
        let root = workspace_root(args.root.as_deref())?;
        let folder = args.engines.clone().unwrap_or_else(|| root.join("engines"));
        Ok(Self { engines: engines(&folder)?, root, args: args.clone() })
    }

    pub(super) fn builder(&self, quiet: bool) -> Builder {
        Builder { root: self.root.clone(), cargo_profile: self.args.cargo_profile.clone(), quiet }
    }

    /// Cargo profile of engines and load client.
    pub(super) fn cargo_profile(&self) -> &str {
        &self.args.cargo_profile
    }

    /// The plans that were asked for, one for each experiment. Nothing is built or written yet.
    pub(super) fn plans(&self, asked: &PlanArgs) -> anyhow::Result<Vec<Plan>> {
        let open_files_max = raise_open_files();
        let (revision, dirty) = revision(&self.root);
        let now_ms = unix_ms();
        let seed = asked.seed.unwrap_or((now_ms ^ u64::from(std::process::id()) << 32) & ((1 << 53) - 1));
        let mut plans = Vec::new();
        for wanted in &asked.experiments {
            let (name, mut experiment) = experiment::find(&self.root, wanted)?;
            if let Some(counts) = &asked.conns {
                experiment.set_connections(counts);
            }
            let chosen: Vec<Choice> = select(&self.engines, asked.engine.as_deref(), experiment.scope)?;
            let occasion = Occasion {
                date: today(),
                command: command(),
                seed,
                revision: revision.clone(),
                dirty,
                cargo_profile: self.args.cargo_profile.clone(),
            };
            let host = HostShape { cpus: split(&cores()), open_files_max, limits: host_limits() };
            let mut plan = Plan::draft((&name, &experiment), &asked.profile, &self.engines, &chosen, host, occasion)?;
            if asked.bisect || plan.timing.bisect {
                plan.bisect_ms = Some(estimate_ms(&plan) / 2);
            }
            match (asked.budget, plan.timing.budget_s) {
                // Several experiments share what the command line gives.
                (Some(budget), _) => plan.fit(budget.as_millis() as u64 / asked.experiments.len() as u64, true)?,
                (None, Some(budget_s)) => plan.fit(budget_s * 1000, false)?,
                (None, None) => {}
            }
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Builds the load client.
    pub(super) fn client(&self, quiet: bool) -> anyhow::Result<(PathBuf, String)> {
        let program = match &self.args.client {
            Some(path) => Program::existing(path).context("--client")?,
            None => self.builder(quiet).client(),
        };
        match program {
            Program::Built { path, sha256 } => Ok((path, sha256)),
            Program::Failed { error, tail } => bail!("the load client does not build: {error}\n{}", tail.join("\n")),
        }
    }

    /// Builds every engine that `plan` needs. What fails is in the map, with its reason.
    /// Stops early when the user wants to end.
    pub(super) fn programs(
        &self,
        plan: &Plan,
        interrupt: &Interrupt,
        quiet: bool,
    ) -> anyhow::Result<BTreeMap<String, Program>> {
        let builder = self.builder(quiet);
        let mut programs = BTreeMap::new();
        for variant in &plan.variant {
            if programs.contains_key(&variant.engine) {
                continue;
            }
            if interrupt.asked() {
                break;
            }
            let engine = self.engines.iter().find(|engine| engine.name() == variant.engine);
            let Some(engine) = engine else { bail!("the plan needs engine {}, which is gone", variant.engine) };
            let program = builder.engine(engine);
            if let (Program::Failed { error, .. }, false) = (&program, interrupt.asked()) {
                eprintln!("suite: engine {} is out: {error}", variant.engine);
            }
            programs.insert(variant.engine.clone(), program);
        }
        Ok(programs)
    }
}

/// Raises the limit on open files as far as it goes; children inherit it. Returns what it is then.
pub(super) fn raise_open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Beyond this the kernel's own bookkeeping costs, and nothing here needs it.
    const ENOUGH: u64 = 1 << 20;
    let wanted = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    if raised.is_ok() { wanted } else { limit.current.unwrap_or(ENOUGH) }
}

/// Today, `YYYY-MM-DD`, in UTC.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The command as it was typed, without the path of the program.
fn command() -> String {
    std::iter::once("suite".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" ")
}
