//! Records: the versioned schema of what a run leaves, its writer and its reader.

mod command;
mod folder;
mod reader;
mod rung;
mod trial;
mod usage;
mod writer;

pub use command::CommandLine;
pub use folder::{RunFolder, read_json, write_json, write_whole};
pub use reader::{Records, read};
pub use rung::{RateOf, Rung};
pub use trial::{Cell, Failure, HostUsage, Load, Mode, SCHEMA, Transport, Trial};
pub use usage::{KernelMemory, Memory, ProcessMemory, State, Usage};
pub use writer::Writer;
