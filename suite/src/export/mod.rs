//! A run's records in the formats of other programs.

mod bmf;
mod cells;
mod go;
mod long;
mod sqlite;

pub use bmf::bmf;
pub use go::go;
pub use long::long;
pub use sqlite::sqlite;
