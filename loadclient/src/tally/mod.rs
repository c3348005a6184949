//! What was measured: histograms with a place for what never came, and the counts of one thread.

mod churn;
mod histogram;
mod phase;
mod slow;
mod stream;
mod thread;

pub use churn::ChurnTally;
pub use histogram::{DecodeError, Latencies};
pub use phase::PhaseTally;
pub use slow::SlowTally;
pub use stream::StreamTally;
pub use thread::{Attribution, Tally, Window};
