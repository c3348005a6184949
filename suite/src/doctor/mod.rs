//! `suite doctor`: is this host fit for measurements, and what would make it so?

mod check;
mod checks;
mod facts;
mod sysctls;

pub use check::{Finding, Level, Setting};
pub use checks::examine;
pub use facts::{Facts, collect};
pub use sysctls::{Saved, apply, restore};
