//! The runner's parts, in the order the data flows: plan → run → record → analyse → report.

pub mod analyse;
pub mod catalog;
pub mod cli;
pub mod compare;
pub mod conclude;
pub mod doctor;
pub mod experiment;
pub mod export;
pub mod extend;
pub mod measure;
pub mod plan;
pub mod precedent;
pub mod progress;
pub mod publish;
pub mod record;
pub mod report;
pub mod run;
pub mod schema;
pub mod search;
pub mod verify;
