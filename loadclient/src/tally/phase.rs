//! What was measured of one phase of a load whose rate changes. Frames belong to it by their intended time.

use super::{Latencies, Window};
use crate::ledger::Flight;
use crate::report::{PhaseHistograms, PhaseReport};
use crate::schedule::Phase;

/// The counts of one phase.
#[derive(Debug, Clone)]
pub struct PhaseTally {
    /// On the monotonic clock.
    pub window: Window,
    pub intended: u64,
    pub ok: u64,
    pub unsent: u64,
    pub unanswered: u64,
    pub response: Latencies,
    pub service: Latencies,
    pub lag: Latencies,
}

impl PhaseTally {
    /// Tallies for `phases`, one after the other from `begin_ns` on.
    pub(super) fn of(phases: &[Phase], mut begin_ns: u64) -> Vec<Self> {
        let next = |phase: &Phase| {
            let window = Window { begin_ns, end_ns: begin_ns + phase.length_ns };
            begin_ns = window.end_ns;
            Self::new(window)
        };
        phases.iter().map(next).collect()
    }

    fn new(window: Window) -> Self {
        let [response, service, lag] = std::array::from_fn(|_| Latencies::new());
        Self { window, intended: 0, ok: 0, unsent: 0, unanswered: 0, response, service, lag }
    }

    pub(super) fn answered(&mut self, flight: Flight, now_ns: u64) {
        self.ok += 1;
        self.response.record(now_ns.saturating_sub(flight.intended_ns));
        self.service.record(now_ns.saturating_sub(flight.attempted_ns));
    }

    pub(super) fn unsent(&mut self, flight: Flight) {
        self.unsent += 1;
        self.response.record_infinite(1);
        if flight.attempted_ns == 0 {
            self.lag.record_infinite(1);
        }
    }

    pub(super) fn unanswered(&mut self) {
        self.unanswered += 1;
        self.response.record_infinite(1);
        self.service.record_infinite(1);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        assert_eq!(self.window, other.window);
        self.intended += other.intended;
        self.ok += other.ok;
        self.unsent += other.unsent;
        self.unanswered += other.unanswered;
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.lag.merge(&other.lag);
    }

    /// As the report has it; `begin_ns` is the begin of the first phase.
    #[must_use]
    pub fn report(&self, phase: &Phase, begin_ns: u64) -> PhaseReport {
        PhaseReport {
            begin_ns: self.window.begin_ns - begin_ns,
            duration_ns: phase.length_ns,
            rate_begin_per_s: phase.begin_per_s,
            rate_end_per_s: phase.end_per_s,
            frames_intended: self.intended,
            frames_ok: self.ok,
            frames_unsent: self.unsent,
            frames_unanswered: self.unanswered,
            response_ns: self.response.quantiles(),
            service_ns: self.service.quantiles(),
            lag_ns: self.lag.quantiles(),
            hdr: PhaseHistograms {
                response: self.response.encode(),
                service: self.service.encode(),
                lag: self.lag.encode(),
            },
        }
    }
}
