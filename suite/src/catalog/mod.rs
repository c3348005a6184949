//! The catalog: which engines there are, how they are built, and whether they run here.

mod build;
mod engine;
mod nearest;
mod root;
mod select;

pub use build::{Builder, Program};
pub use engine::{Engine, engines};
pub use nearest::nearest;
pub use root::workspace_root;
pub use select::{Choice, select};
