//! Open loop: frames go out when the schedule says, whatever the replies do. Heartbeats of held connections too.

use std::io;

use super::fleet::Fleet;
use super::phases::{Phases, Timeline, WindowUsage};
use super::throttle::Throttle;
use crate::clock::now_ns;
use crate::ledger::Flight;
use crate::schedule::Schedule;

/// Due frames taken before replies are looked at again, when the client is behind.
const BATCH_FRAMES: usize = 64;

/// Longer than one look for events ever takes: the rest the thread was not running, so it spent no CPU time on it.
const POLL_NS_MAX: u64 = 20_000;

/// The load of one thread.
#[derive(Debug)]
pub(super) struct OpenLoop<'f, 'a> {
    fleet: &'f mut Fleet<'a>,
    phases: Phases,
    /// `None` where nothing is ever sent.
    schedule: Option<Schedule>,
    /// The connection of each of the schedule's slots.
    slots: Vec<u32>,
    /// How many of them had their first use.
    touched: usize,
    /// Connections that have due frames to write.
    dirty: Vec<u32>,
    /// When the next frame is due; `u64::MAX` after the last.
    due_ns: u64,
    spun_ns: u64,
    /// Scratch: connections that lost datagrams, and how many.
    lost: Vec<(u32, u64)>,
    /// Who reads slowly, and how; `None` reads all there is at once.
    throttle: Option<Throttle>,
}

impl<'f, 'a> OpenLoop<'f, 'a> {
    pub(super) fn new(
        fleet: &'f mut Fleet<'a>,
        timeline: Timeline,
        schedule: Option<Schedule>,
        slots: Vec<u32>,
    ) -> Self {
        let mut own = Self {
            fleet,
            phases: Phases::new(timeline),
            schedule,
            touched: if timeline.load_ns > timeline.start_ns { 0 } else { slots.len() },
            slots,
            dirty: Vec::with_capacity(BATCH_FRAMES),
            due_ns: u64::MAX,
            spun_ns: 0,
            lost: Vec::new(),
            throttle: None,
        };
        own.due_ns = own.next_due_ns();
        own
    }

    /// The same, with replies read at a rate only.
    pub(super) fn throttled(mut self, read_rate_bytes_per_s: u64) -> Self {
        self.throttle = Some(Throttle::new(self.fleet, read_rate_bytes_per_s, self.phases.timeline.load_ns));
        self
    }

    /// Applies the load until all is answered, or the grace time is over.
    pub(super) fn run(mut self) -> io::Result<WindowUsage> {
        loop {
            let now = now_ns();
            self.phases.pass(now, self.fleet, self.spun_ns)?;
            // Being late at the end forgives nothing: what was due in the window is sent first, or counted as unsent.
            if self.phases.over(now, self.fleet)
                && (self.due_ns == u64::MAX || now >= self.phases.timeline.grace_end_ns)
            {
                self.give_up();
                self.fleet.tally.slow = self.throttle.take().map(|throttle| Box::new(throttle.into_tally()));
                return Ok(self.phases.used());
            }
            self.fleet.sweep(now, &mut self.lost);
            while let Some((k, _)) = self.lost.pop() {
                self.release(k);
            }
            if let Some(throttle) = &mut self.throttle {
                throttle.tick(self.fleet, &self.slots, now);
                if self.phases.ended() {
                    throttle.note_backlog(self.fleet, &self.slots);
                }
            }
            self.fire(now);
            let events = self.wait()?;
            for index in 0..events {
                let Some(ready) = self.fleet.poller.ready(index) else { continue };
                let now = match &mut self.throttle {
                    Some(throttle) => throttle.on_ready(self.fleet, ready),
                    None => self.fleet.on_ready(ready).1,
                };
                self.release(ready.token);
                // A full batch of events must not make the schedule wait.
                self.fire(now);
            }
        }
    }

    /// Sends what is due at `now`: one write per connection, however many of its frames are.
    #[inline]
    fn fire(&mut self, now: u64) {
        if now < self.due_ns {
            return;
        }
        for _ in 0..BATCH_FRAMES {
            if now < self.due_ns {
                break;
            }
            let due_ns = self.due_ns;
            let k = self.take_due();
            if self.fleet.due(k, due_ns, now) {
                self.dirty.push(k);
            }
        }
        while let Some(k) = self.dirty.pop() {
            self.fleet.flush(k);
        }
    }

    /// Something of `k` was answered or lost: what was held back for it can go.
    #[inline]
    fn release(&mut self, k: u32) {
        if self.fleet.in_flight_max != u32::MAX {
            self.fleet.flush(k);
        }
    }

    /// Counts what is still due when the grace time is over.
    fn give_up(&mut self) {
        while self.due_ns != u64::MAX {
            self.fleet.tally.intended(self.due_ns);
            self.fleet.tally.unsent(Flight { intended_ns: self.due_ns, attempted_ns: 0 });
            self.take_due();
        }
    }

    /// Waits for events until the next frame is due or a boundary is reached.
    fn wait(&mut self) -> io::Result<usize> {
        let mut until = self.due_ns.min(self.phases.next_ns()).min(self.fleet.sweep_ns);
        if let Some(throttle) = &self.throttle {
            until = until.min(throttle.next_ns());
        }
        let now = now_ns();
        let left = until.saturating_sub(now);
        let spin_ns = self.fleet.shared.spec.spin_ns;
        // Without active waiting this is the one wait of a round; with it, the last stretch is polled.
        if left == 0 || left > spin_ns {
            return self.fleet.poller.wait(Some(left.saturating_sub(spin_ns)));
        }
        let mut before = now;
        loop {
            let events = self.fleet.poller.wait(Some(0))?;
            let after = now_ns();
            self.spun_ns += (after - before).min(POLL_NS_MAX);
            before = after;
            if events > 0 || after >= until {
                return Ok(events);
            }
        }
    }

    /// The connection that is due now; sets the time of the next.
    #[inline]
    fn take_due(&mut self) -> u32 {
        let slot = if self.touched < self.slots.len() {
            self.touched += 1;
            self.touched - 1
        } else {
            self.schedule.as_mut().expect("a due time comes from a schedule").take().slot as usize
        };
        self.due_ns = self.next_due_ns();
        self.slots[slot]
    }

    #[inline]
    fn next_due_ns(&self) -> u64 {
        let Timeline { start_ns, load_ns, .. } = self.phases.timeline;
        if self.touched < self.slots.len() {
            return start_ns + (load_ns - start_ns) * self.touched as u64 / self.slots.len() as u64;
        }
        let Some(schedule) = &self.schedule else { return u64::MAX };
        let at = load_ns.saturating_add(schedule.peek().at_ns);
        if at < self.phases.timeline.window.end_ns { at } else { u64::MAX }
    }
}
