//! Conclusions from records alone: pure functions, no clock, no environment, no I/O; seeds are arguments.

mod analysis;
mod bootstrap;
mod compare;
mod context;
mod metric;
mod noise;
mod sample;
mod table;
mod validity;

pub use analysis::{Analysis, Failed, analyse};
pub use bootstrap::{Interval, RESAMPLES, Resampler};
pub use compare::{BLOCKS_MIN, DELTA_MIN, Standing, Verdict};
pub use context::{Context, Host, Skip, VariantAsked};
pub use metric::{Better, Metric, Unit};
pub use noise::Floor;
pub use sample::{Outcome, Reason, Samples};
pub use table::{Entry, Row, Status, Table};
pub use validity::judge;
