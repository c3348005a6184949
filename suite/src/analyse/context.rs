//! What the analysis must know that is in no trial: what was asked, of what, and where.

use serde::{Deserialize, Serialize};

use crate::record::Cell;

/// One run as it was asked for. Everything else comes from the trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Name of the run's folder.
    pub run: String,
    /// The day it began, `YYYY-MM-DD`.
    pub date: String,
    pub experiment: String,
    /// The question that the experiment answers, one sentence.
    pub question: String,
    pub profile: String,
    /// Blocks asked for: each is every cell of every variant once.
    pub blocks_asked: u32,
    /// The cells asked for, in the order in which tables show them.
    pub cells: Vec<Cell>,
    /// The variants asked for, in the order in which tables show them, those that cannot run included.
    pub variants: Vec<VariantAsked>,
    /// What was left out on purpose.
    pub skips: Vec<Skip>,
    /// Every engine of the tree, sorted: an engine keeps its colour whichever others are in a run.
    pub engines_known: Vec<String>,
    pub host: Host,
    /// CPUs that the servers may use.
    #[serde(default)]
    pub server_cpus: u32,
    /// Revision of the tree that was run.
    pub revision: String,
    /// The tree had changes that were not committed.
    pub dirty: bool,
    /// Built without optimisation.
    pub debug: bool,
    /// The command that made the run.
    pub command: String,
    /// Seed of the run; the bootstrap derives its own from it.
    pub seed: u64,
    /// What a reader must know beside the numbers, one sentence each: that the run was resumed, what changed under it.
    #[serde(default)]
    pub remarks: Vec<String>,
}

/// One way to run one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantAsked {
    pub engine: String,
    pub variant: String,
    /// Version of the framework, where it is known.
    pub version: Option<String>,
    /// Why it did not take part at all: it does not build, the kernel refuses it. `None`: it took part.
    pub absent: Option<String>,
}

/// Cells that were left out, and why. `None` means any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    pub engine: String,
    pub variant: Option<String>,
    pub cell: Option<Cell>,
    /// Any cell of this transport, where `cell` is not given.
    pub transport: Option<crate::record::Transport>,
    /// Any cell with so many connections, where `cell` is not given.
    #[serde(default)]
    pub connections: Option<u32>,
    pub reason: String,
}

/// The machine, as far as a reader needs it beside a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    pub kernel: String,
    pub cpu: String,
    /// CPUs that the run could use.
    pub cores: u32,
    pub memory_bytes: u64,
    /// Server and client ran on this one machine, over loopback.
    pub loopback: bool,
}

impl Skip {
    /// Whether this skip leaves out `cell` of this variant.
    #[must_use]
    pub fn covers(&self, engine: &str, variant: &str, cell: Cell) -> bool {
        self.engine == engine
            && self.variant.as_deref().is_none_or(|name| name == variant)
            && self.cell.is_none_or(|skipped| skipped == cell)
            && self.transport.is_none_or(|transport| transport == cell.transport)
            && self.connections.is_none_or(|connections| connections == cell.connections)
    }
}

impl Context {
    /// Short names of the variants, in order: the engine alone where it has one variant in the run.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let several = |engine: &str| self.variants.iter().filter(|other| other.engine == engine).count() > 1;
        let name = |asked: &VariantAsked| match several(&asked.engine) {
            true => format!("{}/{}", asked.engine, asked.variant),
            false => asked.engine.clone(),
        };
        self.variants.iter().map(name).collect()
    }
}
