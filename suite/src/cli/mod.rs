//! The command line: what can be asked, and one file for each answer.

mod args;
mod compare;
mod completions;
mod doctor;
mod engines;
mod examples;
mod export;
mod main;
mod man;
mod output;
mod plan;
mod publish;
mod report;
mod run;
mod serve;
mod sheet;
mod show;
mod verify;
mod workspace;

pub use args::{Args, Ask};
pub use main::main;
