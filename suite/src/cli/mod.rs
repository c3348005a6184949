//! The command line: what can be asked, and one file for each answer.

mod args;
mod engines;
mod main;
mod plan;
mod publish;
mod report;
mod run;
mod serve;
mod show;
mod verify;
mod workspace;

pub use args::{Args, Ask};
pub use main::main;
