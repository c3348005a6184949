//! Peak search by RFC 9971 (MLRsearch): a pure controller. Which load to try next, and what all tries together say.

mod blame;
mod bounds;
mod classify;
mod controller;
mod goal;
mod loss;
mod step;

pub use blame::blame;
pub use bounds::{Bounds, GoalResult, Irregular, result};
pub use classify::{Class, classify, conditional_throughput};
pub use controller::{Decision, decide};
pub use goal::{Goal, SearchSpec};
pub use loss::{HistogramError, Responses};
pub use step::{Ask, Blame, Loss, Role, Search, Seen, Step};
