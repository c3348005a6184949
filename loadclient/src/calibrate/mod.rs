//! The client's own cost and ceiling, measured against a server that does next to nothing.

mod command;
mod null_server;
mod pinning;

pub use command::NullServerArgs;
pub use null_server::{Ready, serve};

use pinning::pin;
