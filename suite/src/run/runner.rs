//! Runs the trials of a plan that have no record yet, one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use loadclient::calibrate::{Calibration, client_bound};

use super::trial::{Drive, Stop};
use super::{Interrupt, Ports, command_lines};
use crate::catalog::Program;
use crate::measure::settle;
use crate::plan::{Plan, PlannedTrial, planned_ms, rungs, trials, with_rungs};
use crate::progress::Progress;
use crate::record::{Failure, Rung, SCHEMA, Trial, Writer, read};

/// After a trial with so many connections the kernel is given time to free what they took.
const SETTLE_FROM_CONNECTIONS: u32 = 4096;
/// How long at most.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);

/// Everything that running takes.
#[derive(Debug)]
pub struct Runner<'a> {
    pub plan: &'a Plan,
    /// The workspace: records name programs relative to it.
    pub root: &'a Path,
    /// Programs by engine name.
    pub programs: &'a BTreeMap<String, Program>,
    /// The load client's path.
    pub client: &'a str,
    /// What the client itself reaches on this host; empty if that is not known.
    pub calibrations: &'a [Calibration],
    pub interrupt: &'a Interrupt,
    pub progress: &'a Progress,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ending {
    /// Trials that failed, in this session.
    pub failed: u32,
    pub interrupted: bool,
}

impl Ending {
    /// The user ended it before the first trial.
    pub const INTERRUPTED: Self = Self { failed: 0, interrupted: true };
}

impl Runner<'_> {
    /// Runs every trial that is not in `done`, and writes each to `writer` as it ends.
    ///
    /// # Errors
    /// When records cannot be written. A trial that fails is no error, but a record.
    pub fn run(&self, done: &BTreeSet<u32>, writer: &mut Writer) -> anyhow::Result<Ending> {
        let mut ending = Ending::default();
        let mut ports = Ports::new(super::ephemeral_ports(), std::process::id())?;
        let all = trials(self.plan);
        let ahead: Vec<&PlannedTrial> = all.iter().filter(|trial| !done.contains(&trial.trial)).collect();
        let ahead_ms = ahead.iter().map(|trial| planned_ms(self.plan, trial)).sum();
        self.progress.begin(all.len() as u64, done.len() as u64, ahead_ms);
        let mut closed_connections = 0;
        let mut searched: Option<Vec<Trial>> = None;
        for trial in ahead {
            if closed_connections >= SETTLE_FROM_CONNECTIONS {
                settle(SETTLE_PATIENCE, || !self.interrupt.asked());
            }
            closed_connections = trial.cell.connections;
            self.progress.starts(self.plan, trial);
            if trial.ladder && searched.is_none() {
                // All of the first phase is recorded by now.
                searched = Some(read(writer.path())?.trials);
            }
            let Some(record) = self.one(trial, searched.as_deref().unwrap_or_default(), &mut ports)? else {
                ending.interrupted = true;
                break;
            };
            ending.failed += u32::from(record.failure.is_some());
            writer.append(&record)?;
            self.progress.ended(&record, planned_ms(self.plan, trial));
        }
        self.progress.finish();
        Ok(ending)
    }

    /// Runs one trial; `None` when the user wants to end. Its rates follow from `searched`, if it is of the second phase.
    fn one(&self, trial: &PlannedTrial, searched: &[Trial], ports: &mut Ports) -> anyhow::Result<Option<Trial>> {
        let started = Instant::now();
        let rungs = if trial.ladder { rungs(self.plan, searched, trial) } else { Vec::new() };
        let plan = if trial.ladder { with_rungs(self.plan, &rungs) } else { self.plan.clone() };
        let variant = &self.plan.variant[trial.variant];
        let mut record = Trial {
            schema: SCHEMA,
            trial: trial.trial,
            block: trial.block,
            experiment: self.plan.experiment.clone(),
            engine: variant.engine.clone(),
            variant: variant.variant.clone(),
            twin: trial.twin,
            cell: trial.cell,
            seed: trial.seed,
            started_unix_ms: unix_ms(),
            elapsed_ms: 0,
            commands: Vec::new(),
            ready: None,
            memory: Vec::new(),
            loads: Vec::new(),
            search: None,
            ladder: Vec::new(),
            drained: None,
            failure: None,
        };
        match self.programs(trial, ports)? {
            Err(failure) => record.failure = Some(failure),
            Ok((program, addresses)) => {
                let lines = |plan: &Plan, step: u64| {
                    let trial = PlannedTrial { seed: trial.seed.wrapping_add(step * SEEDS_A_STEP), ..*trial };
                    command_lines(plan, &trial, &program, self.client, &addresses)
                };
                let commands = lines(&plan, 0);
                record.commands = commands.recorded(self.root);
                let (cell, interrupt) = (trial.cell, self.interrupt);
                let drive = Drive { plan: &plan, cell, commands: &commands, interrupt, lines: &lines };
                let ended = drive.run(&mut record);
                if trial.ladder {
                    let loads = std::mem::take(&mut record.loads);
                    record.ladder = rungs.iter().zip(loads).map(|(rung, load)| Rung { at: rung.at, load }).collect();
                }
                match ended {
                    Ok(()) => {}
                    Err(Stop::Failed(failure)) => record.failure = Some(failure),
                    Err(Stop::Interrupted) => return Ok(None),
                }
            }
        }
        for load in &mut record.loads {
            load.gates.extend(client_bound(self.calibrations, &load.client));
        }
        record.elapsed_ms = started.elapsed().as_millis() as u64;
        if self.interrupt.asked() {
            // Processes that ended because the user ended them are no failure of the engine.
            return Ok(None);
        }
        Ok(Some(record))
    }

    /// The trial's program and the addresses of its servers; a failure when its engine was not built.
    fn programs(
        &self,
        trial: &PlannedTrial,
        ports: &mut Ports,
    ) -> anyhow::Result<Result<(String, Vec<String>), Failure>> {
        let engine = &self.plan.variant[trial.variant].engine;
        let program = match self.programs.get(engine).context("every planned engine has an outcome of its build")? {
            Program::Built { path, .. } => path,
            Program::Failed { error, tail } => {
                return Ok(Err(Failure { stage: "build".into(), error: error.clone(), stderr_tail: tail.clone() }));
            }
        };
        let servers = self.plan.processes_of(&self.plan.variant[trial.variant], trial.cell.connections);
        let addresses: anyhow::Result<Vec<String>> = (0..servers).map(|_| ports.take(trial.cell.transport)).collect();
        Ok(Ok((program.to_string_lossy().into_owned(), addresses?)))
    }
}

/// Seeds that a step of a search has for its clients.
const SEEDS_A_STEP: u64 = 1009;

/// Milliseconds since 1970.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}
