//! Records: the versioned schema of what a run leaves, its writer and its reader.

mod trial;
mod usage;

pub use trial::{Cell, CommandLine, Failure, HostUsage, Load, Mode, SCHEMA, Transport, Trial};
pub use usage::{KernelMemory, Memory, State, Usage};
