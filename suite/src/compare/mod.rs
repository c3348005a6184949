//! Two runs side by side: what changed beyond noise. Pure functions of records.

mod change;
mod comparison;
mod conditions;
mod holm;

pub use change::{Change, Direction, Seen};
pub use comparison::{Comparison, Counts, MetricChanges, RunSide, VariantChanges, compare};
pub use conditions::{Refusal, conditions, refusals};
pub use holm::holm;
