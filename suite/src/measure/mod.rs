//! Samples processes and host from outside, through `/proc`, and judges what was seen.

mod drift;
mod environment;
mod foreign;
mod gates;
mod host;
mod kernel;
mod limits;
mod memory;
mod processes;
mod steady;

pub use drift::{Drift, Kind, drift};
pub use environment::{Environment, Session, Sessions, cores, environment, revision};
pub use foreign::{Foreign, ForeignSample, foreign};
pub use gates::{Expected, gates};
pub use host::{HostSample, host};
pub use kernel::settle;
pub use limits::host_limits;
pub use memory::memory;
pub use processes::{ProcessSample, processes};
