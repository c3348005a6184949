//! The runner's parts, in the order the data flows: plan → run → record → analyse → report.

pub mod analyse;
pub mod record;
pub mod report;
