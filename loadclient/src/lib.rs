//! The load client's parts, in the order data takes: [`spec`] (what is asked) → [`preflight`] (can it be) →
//! [`run`] (threads of [`worker`]s driving [`link`]s on a [`schedule`]) → [`tally`] → [`report`].

pub mod calibrate;
pub mod clock;
pub mod control;
mod gates;
pub mod ledger;
pub mod link;
mod merge;
pub mod payload;
mod poller;
pub mod preflight;
pub mod report;
pub mod run;
pub mod schedule;
mod socket;
pub mod spec;
mod summary;
pub mod tally;
pub mod worker;

pub use merge::MergeError;
