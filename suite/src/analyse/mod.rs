//! Conclusions from records alone: pure functions, no clock, no environment, no I/O; seeds are arguments.

mod analysis;
mod bootstrap;
mod compare;
mod context;
mod contrast;
mod crossover;
mod family;
mod lines;
mod metric;
mod noise;
mod peak;
mod power;
mod rates;
mod sample;
mod slope;
mod student;
mod table;
mod validity;

pub use analysis::{Analysis, FOLLOWED, Failed, analyse};
pub use bootstrap::{Interval, RESAMPLES, Resampler};
pub use compare::{BLOCKS_MIN, DELTA_MIN, Standing, Verdict};
pub use context::{Context, Host, Skip, VariantAsked};
pub use contrast::{Contrast, ContrastEntry, ContrastRow};
pub use crossover::{Crossing, Finding, Lead, Point, Side, TIE_WIDTH};
pub use lines::{Along, Line, Lines, Pair};
pub use metric::{Better, Metric, Unit};
pub use noise::Floor;
pub use peak::{CurvePoint, PeakBounds, PeakTable, Peaks, RateCurve};
pub use power::{Design, NOISE_ASSUMED, POWER, noise_of};
pub use rates::RateColumn;
pub use sample::{Outcome, Reason, Samples};
pub use slope::{COUNTS_MIN, Part, SlopeColumn, slopes};
pub(crate) use student::two_sided;
pub use table::{Entry, Exclusion, Row, Status, Table};
pub use validity::judge;
