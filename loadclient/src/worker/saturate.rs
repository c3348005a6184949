//! Closed loop: every active connection keeps a number of requests in flight. Yields throughput, and nothing else.

use std::io;

use super::fleet::Fleet;
use super::phases::{Phases, Timeline, WindowUsage};
use crate::clock::now_ns;

/// Connections filled for the first time before replies are looked at.
const FILL_CONNS: usize = 64;

/// Keeps `in_flight` requests on each of `slots` until the window ends, and then waits for the replies.
pub(super) fn run(fleet: &mut Fleet<'_>, timeline: Timeline, slots: &[u32], in_flight: u32) -> io::Result<WindowUsage> {
    let mut phases = Phases::new(timeline);
    let mut unfilled = slots;
    let mut lost = Vec::new();
    loop {
        let now = now_ns();
        phases.pass(now, fleet, 0)?;
        if phases.over(now, fleet) {
            return Ok(phases.used());
        }
        fleet.sweep(now, &mut lost);
        for (k, count) in lost.drain(..).filter(|_| phases.loading(now)) {
            fleet.refill(k, count, now);
        }
        let timeout = if now < timeline.start_ns {
            timeline.start_ns - now
        } else if unfilled.is_empty() || !phases.loading(now) {
            phases.next_ns().min(fleet.sweep_ns).saturating_sub(now)
        } else {
            let (fill, rest) = unfilled.split_at(FILL_CONNS.min(unfilled.len()));
            unfilled = rest;
            for &k in fill {
                fleet.refill(k, u64::from(in_flight), now_ns());
            }
            0
        };
        let events = fleet.poller.wait(Some(timeout))?;
        for index in 0..events {
            let Some(ready) = fleet.poller.ready(index) else { continue };
            let (replies, now) = fleet.on_ready(ready);
            if replies > 0 && phases.loading(now) {
                fleet.refill(ready.token, replies, now);
            }
        }
    }
}
