//! What was measured: histograms with a place for what never came, and the counts of one thread.

mod histogram;
mod phase;
mod thread;

pub use histogram::{DecodeError, Latencies};
pub use phase::PhaseTally;
pub use thread::{Attribution, Tally, Window};
