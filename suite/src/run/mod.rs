//! Runs a plan: starts servers and clients, drives one trial after the other, and records each as it ends.

mod address;
mod ceiling;
mod client;
mod commands;
mod crew;
mod interrupt;
mod probe;
mod process;
mod runner;
mod search;
mod server;
mod trial;

pub use address::{Ports, ephemeral_ports};
pub use ceiling::calibrate;
pub use commands::{CommandLines, command_lines};
pub use interrupt::Interrupt;
pub use probe::{Probe, probe};
pub use process::{Process, Trouble};
pub use runner::{Ending, Runner, unix_ms};
pub use server::Server;
