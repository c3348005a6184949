//! Records: the versioned schema of what a run leaves, its writer and its reader.

mod folder;
mod reader;
mod trial;
mod usage;
mod writer;

pub use folder::{RunFolder, read_json, write_json, write_whole};
pub use reader::{Records, read};
pub use trial::{Cell, CommandLine, Failure, HostUsage, Load, Mode, SCHEMA, Transport, Trial};
pub use usage::{KernelMemory, Memory, State, Usage};
pub use writer::Writer;
