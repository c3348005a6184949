//! Conformance and torture: one list of cases, run against any engine's running binary.

mod case;
mod cases;
mod client;
mod datagram;
mod outcome;
mod process;
mod run;
mod script;
mod server;
mod subject;
mod table;

pub use case::{Case, Scope, cases};
pub use outcome::{Finding, Outcome, Verdict};
pub use run::{Options, Selection, Target, verify};
pub use table::{SpliceError, splice};
