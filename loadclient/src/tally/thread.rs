//! The counts of one load thread. Which request counts, and as what, is decided here and nowhere else.

use std::collections::BTreeMap;

use super::{ChurnTally, Latencies, PhaseTally, SlowTally, StreamTally};
use crate::clock::NANOS_PER_SECOND;
use crate::ledger::Flight;
use crate::payload::Payload;
use crate::report::{PARTS, Part};
use crate::schedule::Phase;

/// Frames are counted from `begin_ns` on and before `end_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub begin_ns: u64,
    pub end_ns: u64,
}

impl Window {
    /// Where nothing falls in: before the load has its times.
    pub const NEVER: Self = Self { begin_ns: u64::MAX, end_ns: u64::MAX };

    #[inline]
    #[must_use]
    pub const fn contains(&self, at_ns: u64) -> bool {
        self.begin_ns <= at_ns && at_ns < self.end_ns
    }
}

/// What decides whether a frame belongs to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// Its intended time (open, hold): late frames stay in, however late they are.
    Intended,
    /// The time of its reply (saturate), as there is no intended time.
    Completed,
}

/// What one thread measured.
#[derive(Debug, Clone)]
pub struct Tally {
    pub attribution: Attribution,
    pub window: Window,
    pub response: Latencies,
    pub service: Latencies,
    pub lag: Latencies,
    pub lag_by_quarter: [Latencies; 4],
    pub connect: Latencies,
    /// Of a load whose rate changes, in order; empty of others.
    pub phases: Vec<PhaseTally>,
    /// Replies in the window, by second of the window.
    pub completed_by_second: Vec<u64>,
    /// The same by equal parts of the window, with their service times.
    pub parts: [Part; PARTS],
    pub intended: u64,
    pub ok: u64,
    pub wrong: u64,
    pub unsent: u64,
    pub unanswered: u64,
    /// Intended times that found a full queue; each is in `unsent` too if it falls in the window.
    pub overflows: u64,
    pub writes: u64,
    pub frames_written: u64,
    pub bytes_out: u64,
    pub bytes_in: u64,
    pub errors: BTreeMap<String, u64>,
    /// Frames and payload bytes encoded in the window, by part of a mix; empty without one.
    pub drawn: Vec<(u64, u64)>,
    /// Churn's own counts; absent in other modes.
    pub churn: Option<Box<ChurnTally>>,
    /// Bulk data's own counts; absent in other modes.
    pub stream: Option<Box<StreamTally>>,
    /// Slow readers' own counts; absent in other modes.
    pub slow: Option<Box<SlowTally>>,
}

impl Tally {
    #[must_use]
    pub fn new(attribution: Attribution) -> Self {
        Self {
            attribution,
            window: Window::NEVER,
            response: Latencies::new(),
            service: Latencies::new(),
            lag: Latencies::new(),
            lag_by_quarter: std::array::from_fn(|_| Latencies::new()),
            connect: Latencies::new(),
            phases: Vec::new(),
            completed_by_second: Vec::new(),
            parts: [Part::default(); PARTS],
            intended: 0,
            ok: 0,
            wrong: 0,
            unsent: 0,
            unanswered: 0,
            overflows: 0,
            writes: 0,
            frames_written: 0,
            bytes_out: 0,
            bytes_in: 0,
            errors: BTreeMap::new(),
            drawn: Vec::new(),
            churn: None,
            stream: None,
            slow: None,
        }
    }

    /// Sets the window, and reserves what counting in it needs, so that the load allocates nothing.
    pub fn open_window(&mut self, window: Window) {
        self.window = window;
        let seconds = (window.end_ns - window.begin_ns).div_ceil(NANOS_PER_SECOND);
        self.completed_by_second = vec![0; seconds as usize];
    }

    /// Tells the phases of the window apart, which together are as long.
    pub fn open_phases(&mut self, phases: &[Phase]) {
        self.phases = PhaseTally::of(phases, self.window.begin_ns);
    }

    /// The phase of a frame, if there are any.
    #[inline]
    fn phase(&mut self, intended_ns: u64) -> Option<&mut PhaseTally> {
        self.phases.iter_mut().find(|phase| phase.window.contains(intended_ns))
    }

    /// Makes room to count what is drawn of a mix.
    pub fn open_mix(&mut self, payload: &Payload) {
        if let Payload::Mix(mix) = payload {
            self.drawn = vec![(0, 0); mix.parts().len()];
        }
    }

    /// This request was encoded.
    #[inline]
    pub fn drawn(&mut self, payload: &Payload, number: u32, sequence: u64, now_ns: u64) {
        if let Payload::Mix(mix) = payload
            && self.window.contains(now_ns)
        {
            let (part, length) = mix.draw(number, sequence);
            let (frames, bytes) = &mut self.drawn[part];
            *frames += 1;
            *bytes += u64::from(length);
        }
    }

    /// A frame became due (open), or a free slot was filled (saturate), at `at_ns`.
    #[inline]
    pub fn intended(&mut self, at_ns: u64) {
        self.intended += u64::from(self.window.contains(at_ns));
        if let Some(phase) = self.phase(at_ns) {
            phase.intended += 1;
        }
    }

    /// The client got to a frame that was due at `intended_ns`.
    #[inline]
    pub fn attempted(&mut self, intended_ns: u64, now_ns: u64) {
        if self.attribution == Attribution::Intended && self.window.contains(intended_ns) {
            let lag_ns = now_ns.saturating_sub(intended_ns);
            self.lag.record(lag_ns);
            let Window { begin_ns, end_ns } = self.window;
            let quarter = (intended_ns - begin_ns) * 4 / (end_ns - begin_ns);
            self.lag_by_quarter[quarter as usize].record(lag_ns);
            if let Some(phase) = self.phase(intended_ns) {
                phase.lag.record(lag_ns);
            }
        }
    }

    /// A right reply came at `now_ns`.
    #[inline]
    pub fn answered(&mut self, flight: Flight, now_ns: u64) {
        let completed_inside = self.window.contains(now_ns);
        if completed_inside {
            let second = (now_ns - self.window.begin_ns) / NANOS_PER_SECOND;
            self.completed_by_second[second as usize] += 1;
            let Window { begin_ns, end_ns } = self.window;
            let part = (now_ns - begin_ns) * PARTS as u64 / (end_ns - begin_ns);
            self.parts[part as usize].add(now_ns.saturating_sub(flight.attempted_ns));
        }
        let counts = match self.attribution {
            Attribution::Intended => self.window.contains(flight.intended_ns),
            Attribution::Completed => completed_inside,
        };
        if counts {
            self.ok += 1;
            self.service.record(now_ns.saturating_sub(flight.attempted_ns));
            if self.attribution == Attribution::Intended {
                self.response.record(now_ns.saturating_sub(flight.intended_ns));
                if let Some(phase) = self.phase(flight.intended_ns) {
                    phase.answered(flight, now_ns);
                }
            }
        }
    }

    /// A frame will never be written.
    pub fn unsent(&mut self, flight: Flight) {
        if !self.belongs(flight) {
            return;
        }
        self.unsent += 1;
        if self.attribution == Attribution::Intended {
            self.response.record_infinite(1);
            if flight.attempted_ns == 0 {
                self.lag.record_infinite(1);
            }
            if let Some(phase) = self.phase(flight.intended_ns) {
                phase.unsent(flight);
            }
        }
    }

    /// A written frame got no right reply in time.
    pub fn unanswered(&mut self, flight: Flight) {
        if !self.belongs(flight) {
            return;
        }
        self.unanswered += 1;
        self.service.record_infinite(1);
        if self.attribution == Attribution::Intended {
            self.response.record_infinite(1);
            if let Some(phase) = self.phase(flight.intended_ns) {
                phase.unanswered();
            }
        }
    }

    /// A write took `frames` whole frames, the last of them perhaps begun by an earlier write.
    #[inline]
    pub fn wrote(&mut self, now_ns: u64, frames: u64, bytes: u64) {
        if self.window.contains(now_ns) {
            self.writes += 1;
            self.frames_written += frames;
            self.bytes_out += bytes;
        }
    }

    #[inline]
    pub fn read(&mut self, now_ns: u64, bytes: u64) {
        if self.window.contains(now_ns) {
            self.bytes_in += bytes;
        }
    }

    pub fn error(&mut self, kind: &str) {
        *self.errors.entry(kind.to_owned()).or_default() += 1;
    }

    /// Adds what another thread measured in the same window.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!((self.attribution, self.window), (other.attribution, other.window));
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.lag.merge(&other.lag);
        self.connect.merge(&other.connect);
        assert_eq!(self.phases.len(), other.phases.len());
        for (own, other) in self.phases.iter_mut().zip(&other.phases) {
            own.merge(other);
        }
        for (own, other) in self.lag_by_quarter.iter_mut().zip(&other.lag_by_quarter) {
            own.merge(other);
        }
        for (own, other) in self.completed_by_second.iter_mut().zip(&other.completed_by_second) {
            *own += other;
        }
        for (own, other) in self.parts.iter_mut().zip(&other.parts) {
            own.merge(*other);
        }
        self.intended += other.intended;
        self.ok += other.ok;
        self.wrong += other.wrong;
        self.unsent += other.unsent;
        self.unanswered += other.unanswered;
        self.overflows += other.overflows;
        self.writes += other.writes;
        self.frames_written += other.frames_written;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        for (own, other) in self.drawn.iter_mut().zip(&other.drawn) {
            *own = (own.0 + other.0, own.1 + other.1);
        }
        if let (Some(own), Some(other)) = (&mut self.churn, &other.churn) {
            own.merge(other);
        }
        if let (Some(own), Some(other)) = (&mut self.stream, &other.stream) {
            own.merge(other);
        }
        if let (Some(own), Some(other)) = (&mut self.slow, &other.slow) {
            own.merge(other);
        }
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
    }

    /// In a closed loop an unfinished request belongs where it was begun.
    fn belongs(&self, flight: Flight) -> bool {
        self.window.contains(match self.attribution {
            Attribution::Intended => flight.intended_ns,
            Attribution::Completed => flight.attempted_ns,
        })
    }
}
