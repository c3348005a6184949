//! The plan as `plan.toml` keeps it: everything that the trials follow from.

use anyhow::bail;
use harness::manifest::{PerConnection, Variant};
use serde::{Deserialize, Serialize};

use super::fit::connections_each;
use super::{CpuSplit, HostLimits, Need};
use crate::catalog::{Choice, Engine};
use crate::experiment::{Arm, Experiment, Ladder, LoadSpec, Profile, Skip};
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
    /// What the host had of the things that connections use up.
    #[serde(default)]
    pub limits: HostLimits,
    /// TCP congestion control of both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub congestion: Option<String>,
    pub engine_args: Vec<String>,
    /// SHA-256 of the load client.
    pub client_sha256: String,
    /// Every engine of the tree, sorted.
    pub engines_known: Vec<String>,
    /// How long bisection may go on after the planned trials, in milliseconds; `None`: it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bisect_ms: Option<u64>,
    /// What was left out to stay within a budget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<String>,
    pub timing: Profile,
    pub cpus: CpuSplit,
    pub load: Vec<LoadSpec>,
    /// The rates of the second phase, after a peak search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Ladder>,
    pub cell: Vec<Cell>,
    pub twin: Vec<Cell>,
    pub variant: Vec<PlannedVariant>,
    /// What is left out, and why: every engine is in every cell, or here.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// What bisection added once the trials before it were done, round by round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<Extension>,
}

/// One round of bisection: cells that every block gets besides the planned ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    pub cell: Vec<Cell>,
}

/// One way to run one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedVariant {
    pub engine: String,
    pub variant: String,
    /// The engine's own name for it, where `variant` is that of one arm: `default` of `default:metrics-on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Arguments of its arm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engine_args: Vec<String>,
    /// What a connection takes of the host, as the engine states it.
    #[serde(default)]
    pub per_connection: PerConnection,
    pub transports: Vec<Transport>,
    /// SHA-256 of the program: a run is finished with the very programs it began with. `None` when it did not build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_sha256: Option<String>,
}

impl PlannedVariant {
    /// The name that the engine knows it by.
    #[must_use]
    pub fn own_name(&self) -> &str {
        self.base.as_deref().unwrap_or(&self.variant)
    }
}

/// A variant that is not measured, as a whole, over one transport, or in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    pub engine: String,
    pub variant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// The count of connections that does not fit this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    pub reason: String,
}

impl Absent {
    /// Whether all of the variant is left out, and not some cells.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.transport.is_none() && self.connections.is_none()
    }
}

/// The host's part of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostShape {
    pub cpus: CpuSplit,
    pub open_files_max: u64,
    pub limits: HostLimits,
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
            limits: host.limits,
            congestion: experiment.congestion.clone(),
            engine_args: experiment.engine_args.clone(),
            client_sha256: String::new(),
            engines_known: engines.iter().map(|engine| engine.name().to_owned()).collect(),
            bisect_ms: None,
            given_up: Vec::new(),
            timing: *timing,
            cpus: host.cpus,
            load: experiment.load.clone(),
            ladder: experiment.ladder.clone(),
            twin: experiment.twin.iter().filter(|twin| cells.contains(twin)).copied().collect(),
            cell: cells,
            variant: Vec::new(),
            absent: Vec::new(),
            extension: Vec::new(),
        };
        for choice in chosen {
            let engine = &engines[choice.engine];
            let variant = &engine.manifest.variant[choice.variant];
            if experiment.arm.is_empty() {
                plan.admit(engine, variant, None, &experiment.skip);
            }
            for arm in &experiment.arm {
                plan.admit(engine, variant, Some(arm), &experiment.skip);
            }
        }
        if plan.variant.is_empty() {
            let reasons: Vec<&str> = plan.absent.iter().map(|absent| absent.reason.as_str()).collect();
            bail!("experiment {name} skips every engine that was asked for: {}", reasons.join("; "));
        }
        if super::trials(&plan).is_empty() {
            let reasons: Vec<&str> = plan.absent.iter().map(|absent| absent.reason.as_str()).collect();
            bail!("experiment {name} has no cell that fits this host: {}", reasons.join("; "));
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

    /// All cells, those of the extensions last.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let added = self.extension.iter().flat_map(|extension| &extension.cell);
        self.cell.iter().chain(added).copied().collect()
    }

    fn admit(&mut self, engine: &Engine, variant: &Variant, arm: Option<&Arm>, skips: &[Skip]) {
        let name = engine.name().to_owned();
        let variant_name = arm.map_or_else(|| variant.name.clone(), |arm| format!("{}:{}", variant.name, arm.name));
        let full = format!("{name}/{}", variant.name);
        let skip = skips.iter().find(|skip| skip.engine == name || skip.engine == full);
        let refused = || arm.and_then(|arm| refusal(engine, variant, &arm.engine_args));
        if let Some(reason) = skip.map(|skip| skip.reason.clone()).or_else(refused) {
            let (transport, connections) = (None, None);
            self.absent.push(Absent { engine: name, variant: variant_name, transport, connections, reason });
            return;
        }
        let transports = engine.transports(variant);
        for transport in [Transport::Tcp, Transport::Unix, Transport::Udp] {
            if self.cell.iter().any(|cell| cell.transport == transport) && !transports.contains(&transport) {
                let (engine_name, variant_name) = (name.clone(), variant_name.clone());
                let reason = engine.refusal(variant, transport);
                let transport = Some(transport);
                let connections = None;
                self.absent.push(Absent { engine: engine_name, variant: variant_name, transport, connections, reason });
            }
        }
        let planned = PlannedVariant {
            engine: name,
            variant: variant_name,
            base: arm.map(|_| variant.name.clone()),
            engine_args: arm.map_or_else(Vec::new, |arm| arm.engine_args.clone()),
            per_connection: engine.manifest.per_connection(variant),
            transports,
            binary_sha256: None,
        };
        self.leave_out_what_does_not_fit(&planned);
        self.variant.push(planned);
    }

    fn leave_out_what_does_not_fit(&mut self, planned: &PlannedVariant) {
        let cells: Vec<Cell> =
            self.cell.iter().copied().filter(|c| planned.transports.contains(&c.transport)).collect();
        for cell in cells {
            let need = Need {
                server: planned.per_connection,
                transport: cell.transport,
                connections: cell.connections,
                processes: self.processes_of(planned, cell.connections),
            };
            let Some(reason) = need.obstacle(&self.limits) else { continue };
            let (engine, variant) = (planned.engine.clone(), planned.variant.clone());
            let (transport, connections) = (Some(cell.transport), Some(cell.connections));
            let absent = Absent { engine, variant, transport, connections, reason };
            // Cells that differ in their payload alone have one reason.
            if !self.absent.contains(&absent) {
                self.absent.push(absent);
            }
        }
    }

    /// Whether this variant is measured in `cell`.
    #[must_use]
    pub fn takes(&self, planned: &PlannedVariant, cell: Cell) -> bool {
        let left_out = |absent: &Absent| {
            absent.engine == planned.engine
                && absent.variant == planned.variant
                && absent.connections == Some(cell.connections)
                && absent.transport == Some(cell.transport)
        };
        planned.transports.contains(&cell.transport) && !self.absent.iter().any(left_out)
    }

    /// Processes on each side that so many connections take at least, under the limit on open files.
    #[must_use]
    pub fn processes(&self, connections: u32) -> u32 {
        let any = PerConnection { maps: 0, ..PerConnection::default() };
        u64::from(connections).div_ceil(connections_each(self.open_files_max, &self.limits, any)).max(1) as u32
    }

    /// Processes on each side that so many connections of this variant take.
    #[must_use]
    pub fn processes_of(&self, planned: &PlannedVariant, connections: u32) -> u32 {
        let each = connections_each(self.open_files_max, &self.limits, planned.per_connection);
        u64::from(connections).div_ceil(each).max(1) as u32
    }
}

/// Why the engine says that it cannot honour one of `args`, if it does.
fn refusal(engine: &Engine, variant: &Variant, args: &[String]) -> Option<String> {
    let option = |pair: &[String]| {
        let name = pair[0].strip_prefix("--")?;
        engine.manifest.refusal(variant, name, &pair[1]).map(str::to_owned)
    };
    args.windows(2).find_map(option)
}
