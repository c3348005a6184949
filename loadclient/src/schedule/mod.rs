//! When each frame is due: a pure function of seed, shape and rates, which may change over time.

mod profile;
mod sequence;

pub use profile::{Phase, Profile};
pub use sequence::{Due, Schedule};
