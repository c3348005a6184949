//! Experiments: questions as data, in `suite/experiments/*.toml`.

mod definition;
mod find;
mod ladder;

pub use definition::{Arm, Experiment, Grid, LoadSpec, Profile, Scope, Skip};
pub use find::{find, known, parse_toml};
pub use ladder::Ladder;
