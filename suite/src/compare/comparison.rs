//! The whole comparison of two runs: everything that is shown of it, and nothing left to compute.

use serde::{Deserialize, Serialize};

use super::change::{Change, Direction, Rule, TwoSamples};
use super::holm;
use crate::analyse::{Better, Context, Floor, Host, Metric, Resampler, Samples, Unit};
use crate::record::{Cell, Mode, Trial};

/// Version of [`Comparison`]. Fields are only ever added.
const SCHEMA: u32 = 1;

/// What changed from run A to run B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub schema: u32,
    pub a: RunSide,
    pub b: RunSide,
    /// What differs beside the programs, or makes either run doubtful: one sentence each.
    pub warnings: Vec<String>,
    /// One per metric that both runs measured, in the order of [`Metric::ALL`].
    pub metrics: Vec<MetricChanges>,
    /// Variants (`engine/variant`) that are in one of the runs only, and are not compared.
    pub variants_only_a: Vec<String>,
    pub variants_only_b: Vec<String>,
    /// Cells that are in one of the runs only, and are not compared.
    pub cells_only_a: Vec<Cell>,
    pub cells_only_b: Vec<Cell>,
    /// Over all metrics.
    pub counts: Counts,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSide {
    /// Name of the run's folder.
    pub run: String,
    pub date: String,
    pub experiment: String,
    pub profile: String,
    pub revision: String,
    /// The tree had uncommitted changes.
    pub dirty: bool,
    /// Built without optimisation.
    pub debug: bool,
    pub blocks: u32,
    pub trials: u32,
    pub host: Host,
}

/// One metric in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricChanges {
    /// Its name in files and URLs, unit last.
    pub key: String,
    pub title: String,
    pub unit: Unit,
    pub better: Better,
    /// The load that it is measured under; `None` for memory.
    pub mode: Option<Mode>,
    /// Noise of each run by its own A/A pairs.
    pub floor_a: Floor,
    pub floor_b: Floor,
    /// The larger of both floors and 2 %, as a log ratio: smaller changes are never called.
    pub delta: f64,
    /// Comparisons over which p-values are adjusted.
    pub family: u32,
    /// The median ratio B ÷ A over all comparisons: what is common to all variants, such as another host state.
    pub shift: Option<f64>,
    pub columns: Vec<Cell>,
    /// One per variant that is in both runs.
    pub rows: Vec<VariantChanges>,
    pub counts: Counts,
}

/// One variant in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantChanges {
    pub engine: String,
    pub variant: String,
    /// Versions of the framework, where they are known.
    pub version_a: Option<String>,
    pub version_b: Option<String>,
    /// One per column.
    pub changes: Vec<Change>,
}

/// How many comparisons ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub regressions: u32,
    pub improvements: u32,
    pub unchanged: u32,
    pub undetermined: u32,
    pub missing: u32,
}

/// Compares two runs. Each is its context and its trials; `warnings` are passed through.
/// The same input gives the same output, to the bit.
#[must_use]
pub fn compare(a: (&Context, &[Trial]), b: (&Context, &[Trial]), warnings: Vec<String>) -> Comparison {
    let mut samples = TwoSamples::new(a.0.seed ^ b.0.seed.rotate_left(32));
    let columns: Vec<Cell> = a.0.cells.iter().copied().filter(|cell| b.0.cells.contains(cell)).collect();
    let metrics: Vec<MetricChanges> =
        Metric::ALL.into_iter().filter_map(|metric| MetricChanges::of(metric, a, b, &columns, &mut samples)).collect();
    let only = |of: &Context, not: &Context| -> Vec<String> {
        let taking_part = of.variants.iter().filter(|asked| asked.absent.is_none());
        let own = taking_part.filter(|asked| place(not, &asked.engine, &asked.variant).is_none());
        own.map(|asked| format!("{}/{}", asked.engine, asked.variant)).collect()
    };
    let cells_only = |of: &Context| of.cells.iter().copied().filter(|cell| !columns.contains(cell)).collect();
    Comparison {
        schema: SCHEMA,
        a: RunSide::of(a.0, a.1),
        b: RunSide::of(b.0, b.1),
        warnings,
        variants_only_a: only(a.0, b.0),
        variants_only_b: only(b.0, a.0),
        cells_only_a: cells_only(a.0),
        cells_only_b: cells_only(b.0),
        counts: metrics.iter().map(|metric| metric.counts).fold(Counts::default(), Counts::plus),
        metrics,
    }
}

impl MetricChanges {
    fn of(
        metric: Metric,
        (context_a, trials_a): (&Context, &[Trial]),
        (context_b, trials_b): (&Context, &[Trial]),
        columns: &[Cell],
        samples: &mut TwoSamples,
    ) -> Option<Self> {
        let of_a = Samples::collect(metric, trials_a, context_a);
        let of_b = Samples::collect(metric, trials_b, context_b);
        let floor = |samples: &Samples, context: &Context| {
            let blocks = context.blocks_asked as usize;
            Floor::of(&samples.twin_log_ratios(), blocks, &mut Resampler::new(context.seed))
        };
        let (floor_a, floor_b) = (floor(&of_a, context_a), floor(&of_b, context_b));
        let delta = floor_a.delta().max(floor_b.delta());
        let rule = Rule { better: metric.better(), delta, resolution: resolution(metric) };
        let mut rows = Vec::new();
        for (at_a, asked) in context_a.variants.iter().enumerate() {
            let Some(at_b) = place(context_b, &asked.engine, &asked.variant) else { continue };
            let change =
                |cell: &Cell| Change::measure(&of_a.outcomes(at_a, *cell), &of_b.outcomes(at_b, *cell), rule, samples);
            rows.push(VariantChanges {
                engine: asked.engine.clone(),
                variant: asked.variant.clone(),
                version_a: asked.version.clone(),
                version_b: context_b.variants[at_b].version.clone(),
                changes: columns.iter().map(change).collect(),
            });
        }
        if rows.iter().flat_map(|row| &row.changes).all(|change| change.a.value.is_none() && change.b.value.is_none()) {
            return None;
        }
        let family = judge(&mut rows, rule);
        let mut logs: Vec<f64> =
            rows.iter().flat_map(|row| &row.changes).filter_map(|change| Some(change.ratio?.ln())).collect();
        logs.sort_by(f64::total_cmp);
        Some(Self {
            key: metric.key().into(),
            title: metric.title().into(),
            unit: metric.unit(),
            better: metric.better(),
            mode: metric.mode(),
            floor_a,
            floor_b,
            delta,
            family,
            shift: logs.get(logs.len() / 2).map(|log| log.exp()),
            columns: columns.to_vec(),
            counts: rows.iter().flat_map(|row| &row.changes).fold(Counts::default(), Counts::and),
            rows,
        })
    }
}

/// Judges all changes of a metric as one family, and returns its size.
fn judge(rows: &mut [VariantChanges], rule: Rule) -> u32 {
    let changes = || rows.iter().flat_map(|row| &row.changes);
    let p_values: Vec<f64> = changes().filter_map(|change| change.p_value).collect();
    let adjusted = holm(&p_values);
    let judged = rows.iter_mut().flat_map(|row| &mut row.changes).filter(|change| change.p_value.is_some());
    for (change, p_adjusted) in judged.zip(adjusted) {
        change.judge(rule, p_adjusted, p_values.len());
    }
    p_values.len() as u32
}

/// The smallest difference that a metric resolves, in its base unit: near 0 a ratio says nothing.
const fn resolution(metric: Metric) -> f64 {
    match metric.unit() {
        // One event in a hundred frames.
        Unit::Count => 0.01,
        // One page.
        Unit::Bytes => 4096.0,
        Unit::Nanoseconds | Unit::FramesPerSecond => 0.0,
    }
}

fn place(context: &Context, engine: &str, variant: &str) -> Option<usize> {
    context.variants.iter().position(|asked| asked.engine == engine && asked.variant == variant)
}

impl RunSide {
    fn of(context: &Context, trials: &[Trial]) -> Self {
        Self {
            run: context.run.clone(),
            date: context.date.clone(),
            experiment: context.experiment.clone(),
            profile: context.profile.clone(),
            revision: context.revision.clone(),
            dirty: context.dirty,
            debug: context.debug,
            blocks: context.blocks_asked,
            trials: trials.len() as u32,
            host: context.host.clone(),
        }
    }
}

impl Counts {
    fn and(mut self, change: &Change) -> Self {
        match change.direction {
            Direction::Regression => self.regressions += 1,
            Direction::Improvement => self.improvements += 1,
            Direction::Unchanged => self.unchanged += 1,
            Direction::Undetermined => self.undetermined += 1,
            Direction::Missing => self.missing += 1,
        }
        self
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            regressions: self.regressions + other.regressions,
            improvements: self.improvements + other.improvements,
            unchanged: self.unchanged + other.unchanged,
            undetermined: self.undetermined + other.undetermined,
            missing: self.missing + other.missing,
        }
    }

    /// All comparisons.
    #[must_use]
    pub const fn all(self) -> u32 {
        self.regressions + self.improvements + self.unchanged + self.undetermined + self.missing
    }
}
