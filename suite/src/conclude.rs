//! From a run's folder to its conclusions: what is read, and what is said about it.

use std::collections::BTreeSet;

use anyhow::Context as _;

use crate::analyse::{Analysis, Context, Host, Skip, VariantAsked, analyse};
use crate::experiment::parse_toml;
use crate::measure::{Environment, Sessions, drift};
use crate::plan::{Plan, SCHEMA};
use crate::record::{RunFolder, Trial, read, read_json};

/// Everything that a run's folder holds.
#[derive(Debug)]
pub struct Run {
    pub plan: Plan,
    pub sessions: Sessions,
    pub trials: Vec<Trial>,
    /// Remarks for people about what was left out.
    pub warning: Option<String>,
}

impl Run {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// Names the file that is missing or wrong.
    pub fn load(folder: &RunFolder) -> anyhow::Result<Self> {
        let plan = load_plan(folder)?;
        let sessions = read_json(&folder.environment())?;
        let records = read(&folder.records())?;
        Ok(Self { plan, sessions, trials: records.trials, warning: records.warning })
    }

    /// The analysis of the run, by its folder's name.
    #[must_use]
    pub fn analysis(&self, run: &str) -> Analysis {
        analyse(&self.trials, &self.context(run))
    }

    /// What the analysis must know beside the trials.
    #[must_use]
    pub fn context(&self, run: &str) -> Context {
        let plan = &self.plan;
        let version = |engine: &str, variant: &str| {
            let mut own = self.trials.iter().filter(|trial| trial.engine == engine && trial.variant == variant);
            own.find_map(|trial| trial.ready.as_ref()).map(|ready| ready.version.clone())
        };
        let running = plan.variant.iter().map(|planned| VariantAsked {
            engine: planned.engine.clone(),
            variant: planned.variant.clone(),
            version: version(&planned.engine, &planned.variant),
            absent: self.never_started(&planned.engine, &planned.variant),
        });
        let absent = plan.absent.iter().filter(|absent| absent.is_whole()).map(|absent| VariantAsked {
            engine: absent.engine.clone(),
            variant: absent.variant.clone(),
            version: None,
            absent: Some(absent.reason.clone()),
        });
        let skips = plan.absent.iter().filter(|absent| !absent.is_whole()).map(|absent| Skip {
            engine: absent.engine.clone(),
            variant: Some(absent.variant.clone()),
            cell: None,
            connections: absent.connections,
            transport: absent.transport,
            reason: absent.reason.clone(),
        });
        Context {
            run: run.to_owned(),
            date: plan.date.clone(),
            experiment: plan.experiment.clone(),
            question: plan.question.clone(),
            profile: plan.profile.clone(),
            blocks_asked: plan.timing.blocks,
            cells: plan.cells(),
            variants: running.chain(absent).collect(),
            skips: skips.collect(),
            engines_known: plan.engines_known.clone(),
            host: self.host(),
            server_cpus: plan.cpus.server.len() as u32,
            revision: plan.revision.clone().unwrap_or_else(|| "unknown".into()),
            dirty: plan.dirty,
            debug: plan.cargo_profile != "release",
            command: plan.command.clone(),
            seed: plan.seed,
            remarks: self.remarks(),
        }
    }

    /// What a reader must know beside the numbers: how the run came about, and what changed under it.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let sessions = &self.sessions.sessions;
        if sessions.len() > 1 {
            let times = sessions.len() - 1;
            let times = if times == 1 { "once".into() } else { format!("{times} times") };
            remarks
                .push(format!("The run was interrupted and resumed {times} (--resume): not all blocks ran in one go."));
        }
        if self.plan.dirty {
            remarks.push("The tree had uncommitted changes: these numbers cannot be made again.".into());
        }
        if self.plan.cargo_profile != "release" {
            remarks.push(format!("Built with profile {}: these numbers are no measurement.", self.plan.cargo_profile));
        }
        let mut told = BTreeSet::new();
        let mut changed = |when: &str, before: &Environment, after: &Environment| {
            let drifts: Vec<String> = drift(before, after)
                .into_iter()
                .map(|drift| format!("{} ({} → {})", drift.what, brief(&drift.before), brief(&drift.after)))
                .collect();
            let remark = format!("Changed {when}: {}.", drifts.join(", "));
            if !drifts.is_empty() && told.insert(remark.clone()) {
                remarks.push(remark);
            }
        };
        for (place, session) in sessions.iter().enumerate() {
            if place > 0 {
                changed("between the run's sessions", &sessions[0].before, &session.before);
            }
            if let Some(after) = &session.after {
                changed("on the host during the run", &session.before, after);
            }
        }
        remarks
    }

    /// Why this variant never got as far as its ready line, if it never did.
    fn never_started(&self, engine: &str, variant: &str) -> Option<String> {
        let mut own = self.trials.iter().filter(|trial| trial.engine == engine && trial.variant == variant).peekable();
        own.peek()?;
        let mut reason = None;
        for trial in own {
            match &trial.failure {
                Some(failure) if trial.ready.is_none() => {
                    let said = failure.stderr_tail.iter().rev().find(|line| !line.trim().is_empty());
                    reason = Some(format!("{}: {}", failure.stage, said.unwrap_or(&failure.error)));
                }
                _ => return None,
            }
        }
        reason
    }

    fn host(&self) -> Host {
        let cores = self.plan.cpus.server.iter().chain(&self.plan.cpus.client);
        let cores = cores.collect::<BTreeSet<_>>().len() as u32;
        let first = self.sessions.sessions.first().map(|session| &session.before);
        Host {
            name: first.map_or_else(String::new, |host| host.hostname.clone()),
            // The release alone: `Linux 6.18.5`.
            kernel: first.map_or_else(String::new, |host| host.kernel.split(' ').take(2).collect::<Vec<_>>().join(" ")),
            cpu: first.and_then(|host| host.cpu_model.clone()).unwrap_or_else(|| "unknown CPU".into()),
            cores,
            memory_bytes: first.map_or(0, |host| host.memory_bytes),
            loopback: true,
        }
    }
}

/// A value short enough for a sentence.
fn brief(value: &str) -> String {
    const CHARS_MAX: usize = 48;
    if value.chars().count() <= CHARS_MAX {
        value.into()
    } else {
        value.chars().take(CHARS_MAX).chain(['…']).collect()
    }
}

/// Reads a run's plan.
///
/// # Errors
/// When it cannot be read, or was made by a newer suite.
pub fn load_plan(folder: &RunFolder) -> anyhow::Result<Plan> {
    let path = folder.plan();
    let plan: Plan = parse_toml(&path)?;
    if plan.schema > SCHEMA {
        anyhow::bail!(
            "{} has schema {}, this suite knows up to {SCHEMA}: use a newer suite",
            path.display(),
            plan.schema
        );
    }
    Ok(plan)
}

/// Writes a run's plan.
///
/// # Errors
/// When the file system refuses.
pub fn save_plan(folder: &RunFolder, plan: &Plan) -> anyhow::Result<()> {
    let text = toml::to_string(plan).context("failed to encode the plan")?;
    crate::record::write_whole(&folder.plan(), &text)
}
