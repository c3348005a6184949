//! The cases, by what they are about.

pub(super) mod backpressure;
pub(super) mod closing;
pub(super) mod control;
pub(super) mod datagrams;
pub(super) mod drain;
pub(super) mod ending;
pub(super) mod errors;
pub(super) mod framing;
pub(super) mod hostile;
pub(super) mod limits;
pub(super) mod memory;
pub(super) mod neighbours;
pub(super) mod refusals;
pub(super) mod streams;
