//! The whole analysis of a run: everything a report shows, and nothing it would have to compute.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Resampler, median};
use super::context::Context;
use super::contrast::Contrast;
use super::limits::{Limits, limits};
use super::lines::{Along, Lines};
use super::metric::Metric;
use super::part::Part;
use super::peak::Peaks;
use super::sample::Samples;
use super::slope::{SlopeColumn, slopes};
use super::table::Table;
use crate::record::{Cell, Mode, Trial};

/// What a run says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub context: Context,
    /// Trials that the records hold, twins included.
    pub trials: u32,
    /// The rate that the open loop offered in each cell of the context, in frames/s; `None` where there was none.
    pub rates_per_s: Vec<Option<f64>>,
    /// One per metric, in the order of [`Metric::ALL`].
    pub tables: Vec<Table>,
    /// Memory per connection, one per part of the memory; none where no count varies.
    pub slopes: Vec<Table<SlopeColumn>>,
    /// Crossovers of the metrics of [`FOLLOWED`], along connections and along payload.
    pub lines: Vec<Lines>,
    /// What limits throughput at saturation.
    pub limits: Vec<Limits>,
    /// Unix sockets and UDP beside TCP.
    pub contrasts: Vec<Contrast>,
    /// Peaks, rate–latency curves and what was measured at rates that follow from the peaks; `None` without a search.
    #[serde(default)]
    pub peaks: Option<Peaks>,
    /// Trials that did not get to their end.
    pub failed: Vec<Failed>,
}

impl Analysis {
    /// There are trials, and nothing that was measured under a load counts, or, where there was no load, nothing of the
    /// memory: the run has answered nothing.
    #[must_use]
    pub fn nothing_counts(&self) -> bool {
        let blocks = |loaded: bool| {
            let tables = self.tables.iter().filter(|table| table.mode.is_some() == loaded);
            let entries = tables.flat_map(|table| &table.rows).flat_map(|row| &row.entries);
            entries.filter(|entry| entry.value.is_some()).map(|entry| entry.blocks).collect::<Vec<u32>>()
        };
        let measured = if blocks(true).is_empty() { blocks(false) } else { blocks(true) };
        self.trials > 0 && measured.iter().all(|blocks| *blocks == 0)
    }
}

/// A trial that did not get to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub trial: u32,
    pub variant: String,
    pub cell: Cell,
    pub block: u32,
    pub stage: String,
    pub error: String,
}

/// The metrics whose crossovers are looked for.
pub const FOLLOWED: [Metric; 5] =
    [Metric::ServerCpuOpen, Metric::ResponseP50, Metric::ResponseP99, Metric::Throughput, Metric::MemoryUser];

/// The metrics that are set beside TCP's.
const CONTRASTED: [Metric; 5] =
    [Metric::ServerCpuOpen, Metric::ResponseP50, Metric::ResponseP99, Metric::Throughput, Metric::SwitchesPerFrame];

/// Analyses a run from its trials. The same input gives the same output, to the bit.
#[must_use]
pub fn analyse(trials: &[Trial], context: &Context) -> Analysis {
    let mut resampler = Resampler::new(context.seed);
    let mut tables = Vec::new();
    let mut lines = Vec::new();
    let mut contrasts = Vec::new();
    for metric in Metric::ALL {
        let samples = Samples::collect(metric, trials, context);
        let table = Table::of(metric, &samples, context, &mut resampler);
        if FOLLOWED.contains(&metric) {
            let along = |along| Lines::of(metric, along, &samples, context, &mut resampler);
            lines.extend(Along::BOTH.into_iter().filter_map(along));
        }
        if CONTRASTED.contains(&metric) {
            contrasts.extend(Contrast::of(metric, &table, &samples, context, &mut resampler));
        }
        tables.push(table);
    }
    let slopes = Part::ALL.into_iter().filter_map(|part| slopes(part, trials, context, &mut resampler)).collect();
    Analysis {
        context: context.clone(),
        trials: trials.len() as u32,
        rates_per_s: context.cells.iter().map(|cell| rate(trials, *cell)).collect(),
        tables,
        slopes,
        limits: limits(trials, context, &mut resampler),
        lines,
        contrasts,
        peaks: Peaks::of(trials, context, &mut resampler),
        failed: failed(trials),
    }
}

/// The lines of the followed metrics alone, as [`analyse`] finds them.
pub(super) fn followed(trials: &[Trial], context: &Context) -> Vec<Lines> {
    let mut resampler = Resampler::new(context.seed);
    let of = |metric| {
        let samples = Samples::collect(metric, trials, context);
        Along::BOTH.map(|along| Lines::of(metric, along, &samples, context, &mut resampler))
    };
    FOLLOWED.into_iter().flat_map(of).flatten().collect()
}

fn rate(trials: &[Trial], cell: Cell) -> Option<f64> {
    let loads = trials.iter().filter(|trial| trial.cell == cell).flat_map(|trial| &trial.loads);
    let open = loads.filter(|load| load.mode == Mode::Open);
    median(&open.map(|load| load.client.rate_intended_per_s).collect::<Vec<f64>>())
}

fn failed(trials: &[Trial]) -> Vec<Failed> {
    let of = |trial: &Trial| {
        let failure = trial.failure.as_ref()?;
        Some(Failed {
            trial: trial.trial,
            variant: format!("{}/{}", trial.engine, trial.variant),
            cell: trial.cell,
            block: trial.block,
            stage: failure.stage.clone(),
            error: failure.error.clone(),
        })
    };
    trials.iter().filter_map(of).collect()
}
