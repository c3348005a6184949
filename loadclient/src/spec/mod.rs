//! What is asked of the client: the command line, parsed once into types that cannot be wrong.

mod args;
mod mode;
mod parse;
mod phases;
mod plan;
mod target;

pub use args::Args;
pub use mode::{Bulk, BulkFrame, BulkSource, Churn, Close, Mode, SlowReader};
pub use plan::{Shape, Spec, SpecError};
pub use target::Target;

pub(crate) use parse::{Cpus, cpus, duration_ns, rate};
