//! The side port: numbers and profiles for people who watch an engine. Nothing of it runs unless it is asked for.

mod flame;
mod heap;
mod http;
mod metrics;
mod perf;
mod port;
mod pprof;
mod profile;
mod ring;
mod stacks;
mod symbols;

pub(crate) use port::start;
