//! The gates that the suite can see from outside: reasons not to trust a load.

use loadclient::report::Gate;

use super::steady::unsteady;
use crate::record::{Cell, Load, Mode, Transport};

/// Stolen share of the host's CPU time above which a window says nothing.
const STEAL_MAX: f64 = 0.01;
/// Share of the host's CPU time that others may use.
const FOREIGN_MAX: f64 = 0.02;
/// Share by which the server's count of frames may differ from the client's: the two are not read at one moment.
const FRAMES_TOLERANCE: f64 = 0.05;
/// Resolution of `/proc/stat`: one tick is no evidence.
const TICK_NS: u64 = 10_000_000;

/// What was asked, against which a load is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub cell: Cell,
    /// Requests in flight on each connection in a closed loop.
    pub in_flight: u32,
    /// Connections open on the servers when the window began; `None` where there are none (UDP).
    pub server_conns: Option<u64>,
    /// Connects are what the experiment is about: then overflows of the accept queue are a result.
    pub accepts_matter: bool,
}

/// The gates that tripped: the client's own, then the suite's. Empty means valid.
#[must_use]
pub fn gates(load: &Load, expected: &Expected) -> Vec<Gate> {
    let mut gates = load.client.gates.clone();
    let mut trip = |gate: &str, detail: String| {
        if !gates.iter().any(|known| known.gate == gate) {
            gates.push(Gate { gate: gate.into(), detail });
        }
    };
    // What a server does to slow readers, and how much it answers them, is the result.
    let slow = load.mode == Mode::SlowReader;
    if let Some(detail) = live(load, expected).filter(|_| !slow) {
        trip("live", detail);
    }
    if load.client.frames_wrong > 0 {
        trip("wrong_reply", format!("{} replies were wrong", load.client.frames_wrong));
    }
    let host = &load.host;
    if let Some(share) = above(host.cpus, host.window_ns, host.steal_ns, STEAL_MAX) {
        trip("steal", format!("{:.1} % of the host's CPU time was stolen, 1 % is allowed", share * 100.0));
    }
    if let Some(share) = above(host.cpus, host.foreign_window_ns, host.foreign_ns, FOREIGN_MAX) {
        trip("foreign", format!("others used {:.1} % of the host's CPU time, 2 % is allowed", share * 100.0));
    }
    let refused = host.listen_overflows + host.listen_drops;
    if refused > 0 && !expected.accepts_matter {
        trip("listen", format!("the accept queue overflowed or dropped {refused} times"));
    }
    if let Some(detail) = frames(load, expected).filter(|_| !slow) {
        trip("frames", detail);
    }
    if let Some(detail) = unsteady(load) {
        trip("unsteady", detail);
    }
    gates
}

fn live(load: &Load, expected: &Expected) -> Option<String> {
    let asked = u64::from(expected.cell.connections);
    let client = &load.client;
    if client.conns_live != asked {
        return Some(format!("{} of {asked} connections were up on the client", client.conns_live));
    }
    expected
        .server_conns
        .filter(|conns| *conns != asked)
        .map(|conns| format!("{conns} of {asked} connections were up on the server"))
}

/// The share of all CPU time in the window, if that is too much.
fn above(cpus: u32, window_ns: u64, used_ns: u64, share_max: f64) -> Option<f64> {
    let all_ns = (window_ns * u64::from(cpus)) as f64;
    let share = used_ns.saturating_sub(TICK_NS) as f64 / all_ns.max(1.0);
    (share > share_max).then_some(used_ns as f64 / all_ns.max(1.0))
}

/// Both sides counted frames in nearly the same window. They differ by what was in flight at its edges.
fn frames(load: &Load, expected: &Expected) -> Option<String> {
    if expected.cell.transport == Transport::Udp {
        return None;
    }
    let client = load.client.frames_ok as f64 * load.host.window_ns as f64 / load.client.duration_ns.max(1) as f64;
    let server = load.server_frames as f64;
    let in_flight = f64::from(expected.cell.connections) * f64::from(expected.in_flight);
    let allowed = client * FRAMES_TOLERANCE + in_flight + 100.0;
    ((server - client).abs() > allowed)
        .then(|| format!("the server counted {server:.0} frames where the client's replies make {client:.0}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::record::{HostUsage, Usage};
    use loadclient::report::{Histograms, Quantiles, Report};
    use std::collections::BTreeMap;

    pub(in crate::measure) fn load() -> Load {
        Load {
            mode: Mode::Open,
            client: report(),
            server: Usage::default(),
            client_usage: Usage::default(),
            host: HostUsage {
                window_ns: 1_000_000_000,
                foreign_window_ns: 1_000_000_000,
                cpus: 2,
                ..HostUsage::default()
            },
            server_frames: 10_000,
            server_allocs: 0,
            connect_elapsed_ns: 0,
            gates: Vec::new(),
        }
    }

    fn report() -> Report {
        Report {
            schema: loadclient::report::SCHEMA,
            version: String::new(),
            mode: "open".into(),
            targets: Vec::new(),
            seed: 0,
            processes: 1,
            threads: 1,
            payload_bytes: 64,
            in_flight: 0,
            conns_asked: 10,
            conns_live: 10,
            conns_active: 10,
            conns_answered: 10,
            duration_ns: 1_000_000_000,
            frames_intended: 10_000,
            frames_sent: 10_000,
            frames_ok: 10_000,
            frames_wrong: 0,
            frames_unsent: 0,
            frames_unanswered: 0,
            errors: BTreeMap::new(),
            rate_intended_per_s: 10_000.0,
            rate_achieved_per_s: 10_000.0,
            response_ns: Quantiles::default(),
            service_ns: Quantiles::default(),
            lag_ns: Quantiles::default(),
            connect_ns: Quantiles::default(),
            lag_p99_ns_by_quarter: Vec::new(),
            phases: Vec::new(),
            frames_per_write: 1.0,
            bytes_out: 0,
            bytes_in: 0,
            cpu_ns: 0,
            spin_ns: 0,
            run_delay_ns: 0,
            thread_busy_max: 0.0,
            frames_ok_by_second: Vec::new(),
            parts: Vec::new(),
            hdr: Histograms::default(),
            gates: Vec::new(),
            ..Report::default()
        }
    }

    fn check(change: impl FnOnce(&mut Load, &mut Expected), expected_gates: &[&str]) {
        let mut load = load();
        let cell = Cell { transport: Transport::Tcp, connections: 10, payload_bytes: 64 };
        let mut expected = Expected { cell, in_flight: 1, server_conns: Some(10), accepts_matter: false };
        change(&mut load, &mut expected);
        let tripped: Vec<String> = gates(&load, &expected).into_iter().map(|gate| gate.gate).collect();
        assert_eq!(tripped, expected_gates);
    }

    #[test]
    fn each_gate_trips_on_its_own_reason() {
        check(|_, _| {}, &[]);
        check(|load, _| load.client.conns_live = 9, &["live"]);
        check(|_, expected| expected.server_conns = Some(9), &["live"]);
        check(|load, _| load.client.frames_wrong = 1, &["wrong_reply"]);
        check(|load, _| load.host.steal_ns = 31_000_000, &["steal"]);
        check(|load, _| load.host.steal_ns = 29_000_000, &[]);
        check(|load, _| load.host.foreign_ns = 51_000_000, &["foreign"]);
        check(|load, _| load.host.foreign_ns = 49_000_000, &[]);
        check(|load, _| load.host.listen_drops = 1, &["listen"]);
        check(|load, expected| (load.host.listen_drops, expected.accepts_matter) = (1, true), &[]);
        check(|load, _| load.server_frames = 9_000, &["frames"]);
        check(|load, _| load.server_frames = 9_500, &[]);
        check(|load, _| (load.server_frames, load.mode) = (9_000, Mode::SlowReader), &[]);
        check(|load, expected| (load.server_frames, expected.cell.transport) = (1, Transport::Udp), &[]);
    }

    #[test]
    fn the_clients_gates_come_first_and_only_once() {
        let own = Gate { gate: "live".into(), detail: "the client's words".into() };
        let mut load = load();
        load.client.gates.push(own.clone());
        load.client.conns_live = 1;
        let cell = Cell { transport: Transport::Tcp, connections: 10, payload_bytes: 64 };
        let expected = Expected { cell, in_flight: 1, server_conns: Some(10), accepts_matter: false };
        assert_eq!(gates(&load, &expected), [own]);
    }
}
