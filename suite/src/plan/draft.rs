//! The plan as `plan.toml` keeps it: everything that the trials follow from.

use anyhow::bail;
use harness::manifest::Variant;
use serde::{Deserialize, Serialize};

use super::CpuSplit;
use crate::catalog::{Choice, Engine};
use crate::experiment::{Experiment, LoadSpec, Profile, Skip};
use crate::record::{Cell, Transport};

/// Version of [`Plan`]; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// Everything a run's trials follow from: the same plan gives the same trials, which is what `--resume` builds on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub schema: u32,
    /// The experiment's name.
    pub experiment: String,
    pub question: String,
    /// `quick`, `standard`, `full`, or what else the experiment calls it.
    pub profile: String,
    /// The day it began, `YYYY-MM-DD`.
    pub date: String,
    /// The command that made it.
    pub command: String,
    pub seed: u64,
    /// Revision of the source tree; `None` outside git.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Whether that tree had uncommitted changes.
    pub dirty: bool,
    /// `release`, or `dev` in tests: numbers of the latter mean nothing.
    pub cargo_profile: String,
    /// Open files that a process of this host may have, after the suite raised what it could.
    pub open_files_max: u64,
    /// TCP congestion control of both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub congestion: Option<String>,
    pub engine_args: Vec<String>,
    /// SHA-256 of the load client.
    pub client_sha256: String,
    /// Every engine of the tree, sorted.
    pub engines_known: Vec<String>,
    pub timing: Profile,
    pub cpus: CpuSplit,
    pub load: Vec<LoadSpec>,
    pub cell: Vec<Cell>,
    pub twin: Vec<Cell>,
    pub variant: Vec<PlannedVariant>,
    /// What is left out, and why: every engine is in every cell, or here.
    #[serde(default)]
    pub absent: Vec<Absent>,
}

/// One way to run one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedVariant {
    pub engine: String,
    pub variant: String,
    pub transports: Vec<Transport>,
    /// SHA-256 of the program: a run is finished with the very programs it began with. `None` when it did not build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_sha256: Option<String>,
}

/// A variant that is not measured, as a whole or over one transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    pub engine: String,
    pub variant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    pub reason: String,
}

/// The host's part of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostShape {
    pub cpus: CpuSplit,
    pub open_files_max: u64,
}

/// The occasion of a plan: who asks for it, when, on which tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    pub date: String,
    pub command: String,
    pub seed: u64,
    pub revision: Option<String>,
    pub dirty: bool,
    pub cargo_profile: String,
}

impl Plan {
    /// The plan of `experiment` in `profile` for the `chosen` variants. The programs are not built yet:
    /// their sums are filled in by [`Plan::seal`].
    ///
    /// # Errors
    /// When the experiment has no such profile, or nothing is left to run.
    pub fn draft(
        (name, experiment): (&str, &Experiment),
        profile: &str,
        engines: &[Engine],
        chosen: &[Choice],
        host: HostShape,
        occasion: Occasion,
    ) -> anyhow::Result<Self> {
        let Some(timing) = experiment.profile.get(profile) else {
            let known: Vec<&str> = experiment.profile.keys().map(String::as_str).collect();
            bail!("experiment {name} has no profile {profile:?} (known: {})", known.join(", "));
        };
        let cells = experiment.cells(profile);
        let mut plan = Self {
            schema: SCHEMA,
            experiment: name.to_owned(),
            question: experiment.question.clone(),
            profile: profile.to_owned(),
            date: occasion.date,
            command: occasion.command,
            seed: occasion.seed,
            revision: occasion.revision,
            dirty: occasion.dirty,
            cargo_profile: occasion.cargo_profile,
            open_files_max: host.open_files_max,
            congestion: experiment.congestion.clone(),
            engine_args: experiment.engine_args.clone(),
            client_sha256: String::new(),
            engines_known: engines.iter().map(|engine| engine.name().to_owned()).collect(),
            timing: *timing,
            cpus: host.cpus,
            load: experiment.load.clone(),
            twin: experiment.twin.iter().filter(|twin| cells.contains(twin)).copied().collect(),
            cell: cells,
            variant: Vec::new(),
            absent: Vec::new(),
        };
        for choice in chosen {
            let engine = &engines[choice.engine];
            plan.admit(engine, &engine.manifest.variant[choice.variant], &experiment.skip);
        }
        if plan.variant.is_empty() {
            bail!("experiment {name} skips every engine that was asked for");
        }
        Ok(plan)
    }

    /// Fills in the sums of the programs, by engine, and of the load client.
    pub fn seal(&mut self, client_sha256: String, program_sha256: impl Fn(&str) -> Option<String>) {
        self.client_sha256 = client_sha256;
        for variant in &mut self.variant {
            variant.binary_sha256 = program_sha256(&variant.engine);
        }
    }

    fn admit(&mut self, engine: &Engine, variant: &Variant, skips: &[Skip]) {
        let (name, variant_name) = (engine.name().to_owned(), variant.name.clone());
        let full = format!("{name}/{variant_name}");
        if let Some(skip) = skips.iter().find(|skip| skip.engine == name || skip.engine == full) {
            let reason = skip.reason.clone();
            self.absent.push(Absent { engine: name, variant: variant_name, transport: None, reason });
            return;
        }
        let transports = engine.transports(variant);
        for transport in [Transport::Tcp, Transport::Unix, Transport::Udp] {
            if self.cell.iter().any(|cell| cell.transport == transport) && !transports.contains(&transport) {
                let (engine_name, variant_name) = (name.clone(), variant_name.clone());
                let reason = engine.refusal(variant, transport);
                let transport = Some(transport);
                self.absent.push(Absent { engine: engine_name, variant: variant_name, transport, reason });
            }
        }
        self.variant.push(PlannedVariant { engine: name, variant: variant_name, transports, binary_sha256: None });
    }

    /// Processes on each side that so many connections take under the limit on open files.
    #[must_use]
    pub fn processes(&self, connections: u32) -> u32 {
        /// Descriptors of a process that are no connections: standard streams, listeners, pollers, the framework's own.
        const RESERVED: u64 = 256;
        let each = self.open_files_max.saturating_sub(RESERVED).max(1);
        u64::from(connections).div_ceil(each).max(1) as u32
    }
}
