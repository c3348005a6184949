//! The client against servers whose answers are known: what it reports must follow from them by arithmetic.

mod bulk;
mod calibration;
mod churn;
mod client;
mod datagrams;
mod honesty;
mod manners;
mod mixes;
mod phases;
mod server;
mod slow;
