//! The life of a load thread: connect, wait for the start, load, hand in what was measured, wait for the end.

use std::io;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::thread;

use protocol::{Exchange, Probe};
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};

use super::churn::{self, Churner};
use super::connect::connect_all;
use super::fleet::Fleet;
use super::open::OpenLoop;
use super::phases::{Timeline, WindowUsage};
use super::{saturate, stream};
use crate::link::{Link, Wire};
use crate::schedule::{Phase, Profile, Schedule};
use crate::socket::SocketOptions;
use crate::spec::{Churn, Mode, Spec};
use crate::tally::{Attribution, Tally};

/// What all threads of a client see.
#[derive(Debug)]
pub struct Shared {
    pub spec: Spec,
    pub(crate) socket_options: SocketOptions,
    /// Set once, when the load is to begin.
    pub timeline: OnceLock<Timeline>,
    /// Connections open now, of all threads.
    pub live: AtomicU64,
    /// Per target, whether any connection ever reached it.
    pub(super) reached: Vec<AtomicBool>,
    /// The connections are not needed any more.
    pub closing: AtomicBool,
}

impl Shared {
    #[must_use]
    pub fn new(spec: Spec) -> Self {
        Self {
            socket_options: SocketOptions {
                nodelay: spec.nodelay,
                congestion: spec.congestion.clone(),
                source_ports: spec.source_ports,
                rcvbuf_bytes: if let Mode::SlowReader(slow) = &spec.mode { slow.rcvbuf_bytes } else { None },
            },
            timeline: OnceLock::new(),
            live: AtomicU64::new(0),
            reached: spec.targets.iter().map(|_| AtomicBool::new(false)).collect(),
            closing: AtomicBool::new(false),
            spec,
        }
    }

    /// The client-wide number of the `k`-th connection of `thread`.
    pub(super) fn number(&self, thread: u32, k: u32) -> u32 {
        k * self.spec.threads + thread
    }

    /// Target and source address of a connection: both in turn.
    pub(super) fn route(&self, number: u32) -> (usize, Option<IpAddr>) {
        let targets = self.spec.targets.len();
        let sources = &self.spec.source_addresses;
        let source = (!sources.is_empty()).then(|| sources[number as usize / targets % sources.len()]);
        (number as usize % targets, source)
    }

    fn link(&self, number: u32) -> Link {
        let (target, _) = self.route(number);
        let Spec { targets, payload, verify, .. } = &self.spec;
        Link::new(if targets[target].is_datagram() {
            Wire::Datagram(Probe::new(number, payload.bounds().1, *verify), 0)
        } else {
            Wire::Stream(Exchange::new(number, *verify))
        })
    }

    /// Whether a connection carries load: exactly `active` do, spread evenly.
    pub(super) fn is_active(&self, number: u32) -> bool {
        let (number, active, conns) = (u64::from(number), u64::from(self.spec.active), u64::from(self.spec.conns));
        number * active / conns != (number + 1) * active / conns
    }
}

/// What a thread says to the one that started it.
#[derive(Debug)]
pub enum Message {
    /// Its connections are up, as far as they come up; wake it with this.
    Connected(Arc<OwnedFd>),
    /// Its load is over; the connections are still open.
    Done(Box<Outcome>),
    /// It cannot go on, for a reason that the user can read.
    Failed(String),
}

/// What a thread measured.
#[derive(Debug)]
pub struct Outcome {
    pub tally: Tally,
    pub cpu_ns: u64,
    pub run_delay_ns: u64,
    pub spin_ns: u64,
    /// Open at the end of the window.
    pub conns_live: u64,
    pub conns_active: u64,
    /// Active connections that got at least one reply.
    pub conns_answered: u64,
}

impl Outcome {
    /// Productive share of the thread's time in a window of this length, 0..=1.
    #[must_use]
    pub fn busy(&self, window_ns: u64) -> f64 {
        self.cpu_ns.saturating_sub(self.spin_ns) as f64 / window_ns as f64
    }
}

/// Says that its thread panicked: the others keep the channel open, and nobody would ever hear of it.
#[derive(Debug)]
struct PanicGuard<'a>(&'a Sender<Message>);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send(Message::Failed("a load thread panicked".into()));
        }
    }
}

/// One load thread, not running yet.
#[derive(Debug)]
pub struct Worker {
    pub shared: Arc<Shared>,
    pub thread: u32,
    pub messages: Sender<Message>,
}

impl Worker {
    /// Runs to the end; what goes wrong is said as a [`Message::Failed`]. Nobody listening any more is the end too.
    pub fn run(self) {
        let _guard = PanicGuard(&self.messages);
        if let Err(reason) = self.live() {
            let _ = self.messages.send(Message::Failed(reason));
        }
    }

    fn live(&self) -> Result<(), String> {
        let spec = &self.shared.spec;
        self.settle()?;
        let own = (spec.conns - self.thread).div_ceil(spec.threads);
        let churn = if let Mode::Churn(churn) = spec.mode { Some(churn) } else { None };
        // A churning client begins with nothing open.
        let standing = if churn.is_some() { 0 } else { own };
        let links = (0..standing).map(|k| self.shared.link(self.shared.number(self.thread, k))).collect();
        let attribution = match spec.mode {
            Mode::Saturate { .. } | Mode::Stream(_) | Mode::Churn(Churn { pace: None, .. }) => Attribution::Completed,
            _ => Attribution::Intended,
        };
        let internal = |error: io::Error| format!("load thread failed: {error}");
        let mut fleet = Fleet::new(&self.shared, self.thread, links, Tally::new(attribution)).map_err(internal)?;
        if churn.is_some() && self.thread == 0 {
            churn::reach(&fleet)?;
        }
        connect_all(&mut fleet, spec.connect_rate_per_s / f64::from(spec.threads))?;
        let _ = self.messages.send(Message::Connected(fleet.poller.waker()));

        park(&mut fleet, |shared| shared.timeline.get().is_some()).map_err(internal)?;
        let timeline = *self.shared.timeline.get().expect("parked until it was set");
        if let Some(churn) = churn {
            fleet.tally.open_window(timeline.window);
            fleet.tally.open_mix(&spec.payload);
            let (used, answered) = self.churn(&mut fleet, timeline, churn, own).map_err(internal)?;
            let outcome = outcome(&mut fleet, own.into(), answered, used);
            let _ = self.messages.send(Message::Done(Box::new(outcome)));
            return park(&mut fleet, |shared| shared.closing.load(Ordering::Acquire)).map_err(internal);
        }
        let slots: Vec<u32> = (0..own).filter(|&k| self.shared.is_active(self.shared.number(self.thread, k))).collect();
        fleet.tally.open_window(timeline.window);
        fleet.tally.open_mix(&spec.payload);
        fleet.tally.open_phases(&spec.phases);
        let active = slots.clone();
        let used = self.load(&mut fleet, timeline, slots).map_err(internal)?;
        fleet.abandon_all();
        let answered = active.iter().filter(|&&k| fleet.links[k as usize].wire.answered() > 0).count();
        let outcome = outcome(&mut fleet, active.len() as u64, answered as u64, used);
        let _ = self.messages.send(Message::Done(Box::new(outcome)));
        park(&mut fleet, |shared| shared.closing.load(Ordering::Acquire)).map_err(internal)
    }

    /// Pins the thread if asked to, and makes its timers as fine as the kernel has them.
    fn settle(&self) -> Result<(), String> {
        let cpus = &self.shared.spec.cpus;
        if !cpus.is_empty() {
            let cpu = cpus[self.thread as usize % cpus.len()];
            let mut set = CpuSet::new();
            set.set(cpu);
            sched_setaffinity(None, &set).map_err(|error| format!("cannot pin a load thread to CPU {cpu}: {error}"))?;
        }
        set_current_timer_slack(NonZeroU64::new(1)).map_err(|error| format!("cannot set the timer slack: {error}"))
    }

    /// Connections that come and go, at most `conns` at a time on this thread.
    fn churn(
        &self,
        fleet: &mut Fleet<'_>,
        timeline: Timeline,
        churn: Churn,
        conns: u32,
    ) -> io::Result<(WindowUsage, u64)> {
        let spec = &self.shared.spec;
        let schedule = churn.pace.map(|(total_rate_per_s, shape)| {
            Schedule::new(shape, total_rate_per_s / f64::from(spec.threads), 1, spec.seed, self.thread, spec.threads)
        });
        Churner::new(fleet, timeline, churn, schedule, conns).run()
    }

    fn load(&self, fleet: &mut Fleet<'_>, timeline: Timeline, slots: Vec<u32>) -> io::Result<WindowUsage> {
        let spec = &self.shared.spec;
        let (rate_per_s, shape) = match spec.mode {
            Mode::Saturate { in_flight } => return saturate::run(fleet, timeline, &slots, in_flight),
            Mode::Hold { heartbeat: None } => return OpenLoop::new(fleet, timeline, None, slots).run(),
            Mode::Open { total_rate_per_s, shape, .. } => (total_rate_per_s, shape),
            Mode::Hold { heartbeat: Some((period_ns, shape)) } => {
                (f64::from(spec.active) * 1e9 / period_ns as f64, shape)
            }
            Mode::Churn(_) => unreachable!("churn has no standing connections"),
            Mode::Stream(ref bulk) => return stream::run(fleet, timeline, &slots, bulk),
            Mode::SlowReader(slow) => (slow.total_rate_per_s, slow.shape),
        };
        let share = slots.len() as f64 / f64::from(spec.active);
        let profile = if spec.phases.is_empty() {
            Profile::constant(rate_per_s * share)
        } else {
            // The warm-up has the rate that the first phase begins with.
            let rate_per_s = spec.phases[0].begin_per_s;
            let warmup = Phase { length_ns: spec.warmup_ns, begin_per_s: rate_per_s, end_per_s: rate_per_s };
            Profile::new(&[&[warmup], &spec.phases[..]].concat(), share)
        };
        let schedule = (!slots.is_empty())
            .then(|| Schedule::along(profile, shape, slots.len() as u32, spec.seed, self.thread, spec.threads));
        let open = OpenLoop::new(fleet, timeline, schedule, slots);
        match spec.mode {
            Mode::SlowReader(slow) => open.throttled(slow.read_rate_bytes_per_s).run(),
            _ => open.run(),
        }
    }
}

/// Serves the connections, without load, until `done` holds. Every change of it comes with a wake-up.
fn park(fleet: &mut Fleet<'_>, done: impl Fn(&Shared) -> bool) -> io::Result<()> {
    while !done(fleet.shared) {
        let events = fleet.poller.wait(None)?;
        for index in 0..events {
            let Some(ready) = fleet.poller.ready(index) else { continue };
            fleet.on_ready(ready);
        }
    }
    Ok(())
}

fn outcome(fleet: &mut Fleet<'_>, conns_active: u64, conns_answered: u64, used: WindowUsage) -> Outcome {
    let attribution = fleet.tally.attribution;
    Outcome {
        // What happens from here on, while the connections linger, is nobody's business.
        tally: std::mem::replace(&mut fleet.tally, Tally::new(attribution)),
        cpu_ns: used.usage.cpu_ns,
        run_delay_ns: used.usage.run_delay_ns,
        spin_ns: used.spin_ns,
        conns_live: used.conns_live,
        conns_active,
        conns_answered,
    }
}
