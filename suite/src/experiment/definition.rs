//! What an experiment file says: a question, the cells to ask it in, and how long to look.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use protocol::MAX_PAYLOAD_BYTES;
use serde::{Deserialize, Serialize};

use super::Ladder;
use crate::record::{Cell, Mode, Transport};
use crate::search::SearchSpec;

/// One experiment. It names no engines: all that exist are asked, save those in `skip`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What the run answers, in a sentence.
    pub question: String,
    /// Which variants are asked when the command line does not say.
    #[serde(default)]
    pub scope: Scope,
    pub grid: Vec<Grid>,
    /// The loads of every trial, in order, on the same server process.
    pub load: Vec<LoadSpec>,
    /// Cells in which every block repeats one trial: the A/A pairs that show the noise floor.
    pub twin: Vec<Cell>,
    pub profile: BTreeMap<String, Profile>,
    #[serde(default)]
    pub skip: Vec<Skip>,
    /// TCP congestion control of both sides; absent leaves the host's.
    pub congestion: Option<String>,
    /// Arguments for every engine, as the harness spells them.
    #[serde(default)]
    pub engine_args: Vec<String>,
    /// Several ways to run every variant: each runs once in each arm, side by side in every block.
    #[serde(default)]
    pub arm: Vec<Arm>,
    /// A second phase, at rates that follow from the peaks of a search.
    pub ladder: Option<Ladder>,
}

/// One setting of the knob that an experiment turns.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// What tells it from the others; a variant in it is called `VARIANT:ARM`.
    pub name: String,
    /// Arguments for the engine, after those of the experiment.
    #[serde(default)]
    pub engine_args: Vec<String>,
}

/// Which variants an experiment is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Every variant that is not a control.
    #[default]
    All,
    /// Engines that have a control variant: that one, and the variant it is the control of (the engine's first).
    Controls,
}

/// A cross of axes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    pub transport: Transport,
    pub connections: Vec<u32>,
    pub payload_bytes: Vec<u32>,
    /// The profiles that look at these cells; absent means all.
    pub profiles: Option<Vec<String>>,
}

/// A load to apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadSpec {
    pub mode: Mode,
    /// Open: frames per second over all connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_rate_per_s: Option<f64>,
    /// Open: lowers the rate for payloads with which it would be more than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_s_max: Option<u64>,
    /// Open: the client waits actively for the last microseconds before a due time, so that it sends in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spin_us: Option<u32>,
    /// Saturate: requests in flight on each connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// Share of the connections that carry the load, above 0; the others stay idle. Absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_frac: Option<f64>,
    /// Hold: the period at which each active connection sends a frame; absent means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_ms: Option<u64>,
    /// The measured window; absent means the profile's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<u64>,
    /// Open: how long the client waits for replies after the window; absent means as long as it does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
    /// Search: the goals, and within which limits to look for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchSpec>,
    /// Slow reader: bytes that each connection reads per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_rate_bytes_per_s: Option<u64>,
}

/// How long to look, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub blocks: u32,
    pub warmup_ms: u64,
    pub window_ms: u64,
    pub connect_rate_per_s: u32,
    /// How long a process may stay silent beyond what its work takes, before it counts as hung.
    #[serde(default = "default_patience_ms")]
    pub patience_ms: u64,
    /// The whole run may take so long: cells and blocks are left out where it would not. Absent: as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<u64>,
    /// Crossovers are placed better by further cells, once the planned ones are done.
    #[serde(default)]
    pub bisect: bool,
}

/// An engine that an experiment leaves out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// `engine` or `engine/variant`.
    pub engine: String,
    pub reason: String,
}

const fn default_patience_ms() -> u64 {
    10_000
}

impl LoadSpec {
    /// A load of which nothing but the mode is said.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self {
            mode,
            total_rate_per_s: None,
            bytes_per_s_max: None,
            spin_us: None,
            in_flight: None,
            active_frac: None,
            heartbeat_ms: None,
            read_rate_bytes_per_s: None,
            window_ms: None,
            grace_ms: None,
            search: None,
        }
    }

    /// Frames per second that this load offers with such payloads, over all connections; `None` in a closed loop.
    #[must_use]
    pub fn rate_per_s(&self, payload_bytes: u32) -> Option<f64> {
        // A search begins at its smallest load.
        let begin = self.search.as_ref().map(|search| search.min_load_per_s as f64);
        let rate = self.total_rate_per_s.or(begin)?;
        let cap = self.bytes_per_s_max.map_or(f64::INFINITY, |bytes| bytes as f64 / f64::from(payload_bytes.max(1)));
        Some(rate.min(cap))
    }

    /// How many of so many connections carry the load: at least one.
    #[must_use]
    pub fn active(&self, connections: u32) -> u32 {
        let share = self.active_frac.unwrap_or(1.0);
        ((f64::from(connections) * share).round() as u32).clamp(1, connections.max(1))
    }

    /// How many connections are used once each, at the rate they were opened at, before the warm-up.
    #[must_use]
    pub fn touched(&self, connections: u32) -> u32 {
        match self.mode {
            Mode::Hold if self.heartbeat_ms.is_none() => 0,
            Mode::Open | Mode::Hold | Mode::Search => self.active(connections),
            Mode::Saturate | Mode::SlowReader => 0,
        }
    }

    /// The load for people: `open 5000/s on 1 % of the connections`.
    #[must_use]
    pub fn describe(&self, payload_bytes: u32) -> String {
        let load = match (self.mode, self.rate_per_s(payload_bytes), self.heartbeat_ms) {
            (Mode::Open, rate, _) => format!("open {:.0}/s", rate.unwrap_or(0.0)),
            (Mode::Saturate, ..) => format!("saturate {} deep", self.in_flight.unwrap_or(1)),
            (Mode::Search, ..) => self.search.as_ref().map_or_else(String::new, SearchSpec::describe),
            (Mode::SlowReader, rate, _) => {
                let read_rate = self.read_rate_bytes_per_s.unwrap_or(0);
                format!("slow readers of {read_rate} B/s, {:.0}/s", rate.unwrap_or(0.0))
            }
            (Mode::Hold, _, Some(period_ms)) => format!("hold, a frame every {} s on each", period_ms as f64 / 1e3),
            (Mode::Hold, _, None) => "hold, silent".into(),
        };
        match self.active_frac {
            Some(share) => format!("{load} on {} % of the connections", share * 100.0),
            None => load,
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        match (self.mode, self.total_rate_per_s, self.in_flight, self.heartbeat_ms) {
            (Mode::Open, Some(rate), None, None) if rate > 0.0 && rate.is_finite() => {}
            (Mode::Open, Some(rate), None, None) => bail!("[[load]] total_rate_per_s {rate}: must be more than 0"),
            (Mode::Open, ..) => bail!("[[load]] open takes total_rate_per_s, and no in_flight or heartbeat_ms"),
            (Mode::Saturate, None, Some(in_flight), None) if in_flight > 0 => {}
            (Mode::Saturate, None, Some(_), None) => bail!("[[load]] in_flight 0: at least one is needed"),
            (Mode::Saturate, ..) => bail!("[[load]] saturate takes in_flight, and no total_rate_per_s or heartbeat_ms"),
            (Mode::Search, None, None, None) if self.search.is_some() => {}
            (Mode::Search, ..) => bail!("[[load]] search takes [load.search], and no rate, in_flight or heartbeat_ms"),
            (Mode::SlowReader, Some(rate), None, None) if rate > 0.0 && rate.is_finite() => {}
            (Mode::SlowReader, ..) => bail!("[[load]] slow-reader takes total_rate_per_s and read_rate_bytes_per_s"),
            (Mode::Hold, None, None, Some(0)) => bail!("[[load]] heartbeat_ms 0: leave it out for silent connections"),
            (Mode::Hold, None, None, _) => {}
            (Mode::Hold, ..) => bail!("[[load]] hold takes heartbeat_ms, and no total_rate_per_s or in_flight"),
        }
        ensure!(
            matches!(self.mode, Mode::Open | Mode::Search) || self.spin_us.is_none(),
            "[[load]] spin_us is for open and search: saturate never waits, and hold is to be idle"
        );
        ensure!(self.bytes_per_s_max != Some(0), "[[load]] bytes_per_s_max 0: must be more than 0");
        ensure!(self.mode == Mode::Search || self.search.is_none(), "[load.search] needs mode = \"search\"");
        if let Some(search) = &self.search {
            search.check()?;
        }
        ensure!(
            (self.mode == Mode::SlowReader) == self.read_rate_bytes_per_s.is_some_and(|rate| rate > 0),
            "[[load]] read_rate_bytes_per_s is for slow-reader, which needs it: at least 1"
        );
        let share = self.active_frac.unwrap_or(1.0);
        ensure!(share > 0.0 && share <= 1.0, "[[load]] active_frac {share}: a share above 0, up to 1");
        Ok(())
    }
}

impl Experiment {
    /// Looks at so many connections instead of those of the grids.
    pub fn set_connections(&mut self, counts: &[u32]) {
        for grid in &mut self.grid {
            grid.connections = counts.to_vec();
        }
    }

    /// The cells that `profile` looks at, each once, in the file's order.
    #[must_use]
    pub fn cells(&self, profile: &str) -> Vec<Cell> {
        let mut cells = Vec::new();
        for grid in &self.grid {
            if grid.profiles.as_ref().is_some_and(|profiles| !profiles.iter().any(|name| name == profile)) {
                continue;
            }
            for &connections in &grid.connections {
                for &payload_bytes in &grid.payload_bytes {
                    let cell = Cell { transport: grid.transport, connections, payload_bytes };
                    if !cells.contains(&cell) {
                        cells.push(cell);
                    }
                }
            }
        }
        cells
    }

    /// Whether all values make sense together.
    ///
    /// # Errors
    /// Names the first value that does not, and what would.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.load.is_empty(), "no [[load]]: nothing would be measured");
        ensure!(!self.profile.is_empty(), "no [profile.…]: nothing says how long to look");
        for grid in &self.grid {
            for &connections in &grid.connections {
                ensure!(connections > 0, "[[grid]] connections 0: at least one is needed");
            }
            for &payload in &grid.payload_bytes {
                let most = if grid.transport == Transport::Udp { UDP_PAYLOAD_BYTES_MAX } else { MAX_PAYLOAD_BYTES };
                ensure!(payload as usize <= most, "[[grid]] payload_bytes {payload}: a frame takes at most {most}");
            }
        }
        for load in &self.load {
            load.check()?;
            ensure!(load.mode != Mode::Search || self.load.len() == 1, "[[load]] search: must be the only load");
        }
        if let Some(ladder) = &self.ladder {
            ladder.check(
                self.load.iter().filter_map(|load| load.search.as_ref()).map(|search| search.goal.len()).sum(),
            )?;
        }
        for (index, arm) in self.arm.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let name = &arm.name;
            ensure!(!name.is_empty() && name.chars().all(plain), "[[arm]] name {name:?}: letters, digits, - _ .");
            ensure!(self.arm[..index].iter().all(|other| other.name != *name), "[[arm]] name {name:?} is there twice");
        }
        for (name, profile) in &self.profile {
            ensure!(profile.blocks > 0, "[profile.{name}] blocks 0: at least one is needed");
            ensure!(profile.window_ms > 0, "[profile.{name}] window_ms 0: nothing would be measured");
            ensure!(profile.connect_rate_per_s > 0, "[profile.{name}] connect_rate_per_s 0: must be more than 0");
            let cells = self.cells(name);
            ensure!(!cells.is_empty(), "[profile.{name}] no [[grid]] has a cell for it");
            ensure!(
                self.twin.iter().any(|twin| cells.contains(twin)),
                "[profile.{name}] no [[twin]] is one of its cells: there would be no noise floor"
            );
        }
        let named = self.grid.iter().flat_map(|grid| grid.profiles.iter().flatten());
        for name in named {
            ensure!(
                self.profile.contains_key(name),
                "[[grid]] profiles names {name:?}, but there is no [profile.{name}]"
            );
        }
        Ok(())
    }
}

/// What fits into an IPv4 datagram, less the frame's header.
const UDP_PAYLOAD_BYTES_MAX: usize = 65_507 - protocol::HEADER_BYTES;
