//! Servers that stand still at times known to the nanosecond: the response quantiles follow by arithmetic, and must be
//! what the client reports, within 2 %. One at a time, and apart from the other tests, so that none disturbs another.

mod arithmetic;
#[path = "../known_answers/client.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod client;
mod delays;
mod echo;
mod freezes;
mod quiet;
mod simulated;
mod stalls;
