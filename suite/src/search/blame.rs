//! Who may be to blame for a step's losses, from what client and suite saw of it.

use loadclient::report::Gate;

use super::step::Blame;

/// Share of a deadline that the client's own lateness may take: the validity rule of latencies, with the deadline in place
/// of the response.
const LAG_OF_DEADLINE_MAX: f64 = 0.10;

/// Gates that say that the client was short of CPU.
const CLIENT: [&str; 2] = ["client_busy", "run_delay"];
/// Gates that say that others took CPU time.
const OTHERS: [&str; 2] = ["steal", "foreign"];

/// Who may have kept frames from being answered within the deadline: the client, if it was short of CPU, or so late itself
/// that it matters beside the deadline; then others; else the server. The client's p99 of lag is `None` when it never
/// wrote so many frames.
#[must_use]
pub fn blame(deadline_ns: u64, lag_ns_p99: Option<u64>, gates: &[Gate]) -> Blame {
    let tripped = |names: &[&str]| gates.iter().any(|gate| names.contains(&gate.gate.as_str()));
    let late = lag_ns_p99.is_none_or(|lag| lag as f64 > LAG_OF_DEADLINE_MAX * deadline_ns as f64);
    if late || tripped(&CLIENT) {
        Blame::Client
    } else if tripped(&OTHERS) {
        Blame::Others
    } else {
        Blame::Server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_blamed_before_others_and_the_server_last() {
        let gate = |name: &str| Gate { gate: name.into(), detail: String::new() };
        let check = |lag, gates: &[&str], expected| {
            let gates: Vec<Gate> = gates.iter().map(|name| gate(name)).collect();
            assert_eq!(blame(1_000_000, lag, &gates), expected, "{lag:?} {gates:?}");
        };
        check(Some(100_000), &[], Blame::Server);
        check(Some(100_001), &[], Blame::Client);
        check(None, &[], Blame::Client);
        // The client's own rule for latencies is about the response, not about this deadline.
        check(Some(50_000), &["lag", "rate"], Blame::Server);
        check(Some(1), &["foreign"], Blame::Others);
        check(Some(1), &["foreign", "client_busy"], Blame::Client);
        check(Some(1), &["run_delay"], Blame::Client);
        check(Some(1), &["steal"], Blame::Others);
    }
}
