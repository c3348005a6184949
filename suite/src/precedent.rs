//! What earlier runs of this host say about its noise, and what a plan will therefore be able to tell apart.

use std::collections::BTreeMap;
use std::path::Path;

use crate::analyse::{Design, Metric, NOISE_ASSUMED, POWER, Samples, noise_of};
use crate::conclude::Run;
use crate::measure::environment;
use crate::plan::Plan;
use crate::record::RunFolder;

/// Folders of runs, below the workspace.
const FOLDERS: [&str; 2] = ["results", "runs"];

/// Runs that are looked at, the latest first: reading all of a long history takes longer than it teaches.
const RUNS_MAX: usize = 4;

/// The metrics whose resolution is foretold, if the plan measures them.
const FORETOLD: [Metric; 4] = [Metric::ServerCpuOpen, Metric::ResponseP99, Metric::Throughput, Metric::MemoryUser];

/// A/A pairs of earlier runs of one host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Precedent {
    /// The runs, by name.
    pub runs: Vec<String>,
    /// Log ratios of all their A/A pairs.
    pub pairs: BTreeMap<Metric, Vec<f64>>,
}

/// The A/A pairs of the latest runs of this host: of the same experiment and profile if there are any, else of the
/// same experiment, else of whatever was run. A folder that cannot be read is none.
#[must_use]
pub fn precedent(root: &Path, plan: &Plan) -> Precedent {
    let here = environment(root, 0);
    let same_host = |run: &Run| {
        run.sessions.sessions.first().is_some_and(|session| {
            let there = &session.before;
            (&there.hostname, &there.cpu_model, there.cpus) == (&here.hostname, &here.cpu_model, here.cpus)
        })
    };
    let comparable = |run: &Run| run.plan.cargo_profile == plan.cargo_profile && same_host(run);
    let runs: Vec<(String, Run)> = folders(root)
        .into_iter()
        .filter_map(|folder| Some((folder.name(), Run::load(&folder).ok()?)))
        .filter(|(_, run)| comparable(run))
        .take(RUNS_MAX)
        .collect();
    let closeness = |run: &Run| {
        let experiment = run.plan.experiment == plan.experiment;
        u8::from(experiment) + u8::from(experiment && run.plan.timing.window_ms == plan.timing.window_ms)
    };
    let closest = runs.iter().map(|(_, run)| closeness(run)).max().unwrap_or_default();
    let mut precedent = Precedent::default();
    for (name, run) in runs.iter().filter(|(_, run)| closeness(run) == closest) {
        precedent.add(name, run);
    }
    precedent
}

/// Run folders, the latest first by name, which begins with the day.
fn folders(root: &Path) -> Vec<RunFolder> {
    let entries = FOLDERS.iter().filter_map(|folder| root.join(folder).read_dir().ok()).flatten().flatten();
    let mut folders: Vec<RunFolder> = entries.filter_map(|entry| RunFolder::open(&entry.path()).ok()).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.name()));
    folders
}

impl Precedent {
    /// Adds the A/A pairs of a run.
    pub fn add(&mut self, name: &str, run: &Run) {
        let context = run.context(name);
        self.runs.push(name.to_owned());
        for metric in Metric::ALL {
            let ratios = Samples::collect(metric, &run.trials, &context).twin_log_ratios();
            self.pairs.entry(metric).or_default().extend(ratios);
        }
    }

    /// The noise of a metric, and whether it was measured.
    #[must_use]
    pub fn noise(&self, metric: Metric) -> (f64, bool) {
        match self.pairs.get(&metric).and_then(|pairs| noise_of(pairs)) {
            Some(noise) => (noise, true),
            None => (NOISE_ASSUMED, false),
        }
    }

    /// The comparison that `plan` will make of a metric.
    #[must_use]
    pub fn design(&self, metric: Metric, plan: &Plan) -> Design {
        let variants = plan.variant.len();
        Design { noise: self.noise(metric).0, pairs: variants * variants.saturating_sub(1) / 2, twins: plan.twin.len() }
    }

    /// What `plan` will be able to tell apart, for people.
    #[must_use]
    pub fn describe(&self, plan: &Plan) -> String {
        let measured =
            |metric: &Metric| metric.mode().is_none_or(|mode| plan.load.iter().any(|load| load.mode == mode));
        let source = match self.runs.len() {
            0 => "no earlier run of this host: noise is assumed".to_owned(),
            _ => format!("noise from the A/A pairs of {}", self.runs.join(", ")),
        };
        let pairs = self.design(Metric::ServerCpuOpen, plan).pairs;
        let mut text = format!(
            "  resolves  differences that {} blocks call with a chance of {:.0} %, {pairs} pairs of variants together\n",
            plan.timing.blocks,
            POWER * 100.0
        );
        text += &format!("            {source}\n");
        for metric in FORETOLD.into_iter().filter(measured) {
            let design = self.design(metric, plan);
            let found = match design.resolution(plan.timing.blocks) {
                Some(ratio) if ratio < 10_f64.ln() => format!("{:.1} %", ratio.exp_m1() * 100.0),
                Some(_) => "only factors above 10".into(),
                None => "nothing, blocks are too few".into(),
            };
            let needed = match design.blocks_for(1.05) {
                Some(blocks) => format!("5 % would take {blocks} blocks"),
                None => "5 % is out of reach".into(),
            };
            let (noise, measured) = self.noise(metric);
            let assumed = if measured { "" } else { " (assumed)" };
            let noise = noise.exp_m1() * 100.0;
            text += &format!("            {}: {found}; {needed}; noise {noise:.1} %{assumed}\n", metric.title());
        }
        text
    }
}
