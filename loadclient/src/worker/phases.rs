//! The times of one load, and what a thread notes as it passes them.

use std::io;

use super::fleet::Fleet;
use super::usage::Usage;
use crate::tally::Window;

/// When what happens, on the monotonic clock; the same for all threads.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    /// Every active connection is used once, spread until `load_ns`, so that none is measured that never worked.
    pub start_ns: u64,
    /// The schedule begins: warm-up.
    pub load_ns: u64,
    /// What is measured. Load ends with it.
    pub window: Window,
    /// Replies are waited for until then.
    pub grace_end_ns: u64,
}

/// Where a thread is on its [`Timeline`].
#[derive(Debug)]
pub(super) struct Phases {
    pub(super) timeline: Timeline,
    begin: Option<Mark>,
    end: Option<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    usage: Usage,
    spin_ns: u64,
    conns_live: u64,
}

/// What a thread used in the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct WindowUsage {
    pub(super) usage: Usage,
    pub(super) spin_ns: u64,
    pub(super) conns_live: u64,
}

impl Phases {
    pub(super) const fn new(timeline: Timeline) -> Self {
        Self { timeline, begin: None, end: None }
    }

    /// The next time that [`Phases::pass`] must be called at; the end of the grace time once load is over.
    #[inline]
    pub(super) const fn next_ns(&self) -> u64 {
        match (&self.begin, &self.end) {
            (None, _) => self.timeline.window.begin_ns,
            (Some(_), None) => self.timeline.window.end_ns,
            (Some(_), Some(_)) => self.timeline.grace_end_ns,
        }
    }

    /// Notes the boundary that `now_ns` has passed, if it has. `spin_ns` is the thread's total of active waiting.
    #[inline]
    pub(super) fn pass(&mut self, now_ns: u64, fleet: &Fleet<'_>, spin_ns: u64) -> io::Result<()> {
        while now_ns >= self.next_ns() && self.end.is_none() {
            let mark = Mark { usage: Usage::now()?, spin_ns, conns_live: fleet.live };
            if self.begin.is_none() { self.begin = Some(mark) } else { self.end = Some(mark) }
        }
        Ok(())
    }

    /// Whether load is to be applied at `now_ns`.
    #[inline]
    pub(super) const fn loading(&self, now_ns: u64) -> bool {
        now_ns < self.timeline.window.end_ns
    }

    /// Whether the window is over and noted.
    #[inline]
    pub(super) const fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether all is done: load is over, and nothing is awaited any more.
    #[inline]
    pub(super) fn over(&self, now_ns: u64, fleet: &Fleet<'_>) -> bool {
        self.end.is_some() && (fleet.ledger.used() == 0 || now_ns >= self.timeline.grace_end_ns)
    }

    /// What was used between the boundaries.
    pub(super) fn used(&self) -> WindowUsage {
        let (begin, end) = self.begin.zip(self.end).expect("the load is over, so both boundaries were passed");
        WindowUsage {
            usage: end.usage.since(begin.usage),
            spin_ns: end.spin_ns - begin.spin_ns,
            conns_live: end.conns_live,
        }
    }
}
