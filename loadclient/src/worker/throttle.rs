//! Reading slowly: each connection takes its replies at a fixed rate, and what the server makes of it is noted.

use rustix::io::{Errno, ioctl_fionread};
use rustix::net::{RecvFlags, recv, sockopt};

use super::failure;
use super::fleet::{Fleet, READ_BYTES};
use crate::clock::{NANOS_PER_SECOND, now_ns};
use crate::link::{State, Wire};
use crate::poller::Ready;
use crate::socket::unsent_bytes;
use crate::tally::SlowTally;

/// How often connections are read from: a rate is kept in steps of a hundredth of a second.
const TICK_NS: u64 = 10_000_000;

/// The slow readers of one thread.
#[derive(Debug)]
pub(super) struct Throttle {
    rate_bytes_per_s: u64,
    start_ns: u64,
    next_ns: u64,
    /// Per connection: bytes read, or forgone, since the start.
    used: Vec<u64>,
    /// Connections that were open when last looked at.
    live: u64,
    backlog_noted: bool,
    tally: SlowTally,
}

impl Throttle {
    pub(super) fn new(fleet: &Fleet<'_>, rate_bytes_per_s: u64, start_ns: u64) -> Self {
        // All are asked for the same, and some may be gone in the end.
        let socket = fleet.links.iter().find_map(|link| link.fd.as_ref());
        let rcvbuf_bytes = socket.and_then(|fd| sockopt::socket_recv_buffer_size(fd).ok()).unwrap_or(0) as u64;
        Self {
            rate_bytes_per_s,
            start_ns,
            next_ns: start_ns,
            used: vec![0; fleet.links.len()],
            live: fleet.live,
            backlog_noted: false,
            tally: SlowTally { rcvbuf_bytes, ..SlowTally::default() },
        }
    }

    /// When [`Throttle::tick`] must be called next.
    pub(super) const fn next_ns(&self) -> u64 {
        self.next_ns
    }

    /// Reads what every one of `slots` may have by now.
    pub(super) fn tick(&mut self, fleet: &mut Fleet<'_>, slots: &[u32], now: u64) {
        if now < self.next_ns {
            return;
        }
        self.next_ns = now + TICK_NS;
        let allowed = allowed_bytes(self.rate_bytes_per_s, now.saturating_sub(self.start_ns));
        for &k in slots {
            let used = &mut self.used[k as usize];
            let allowance = allowance(self.rate_bytes_per_s, allowed, used);
            let read = read_some(fleet, k, allowance.min(READ_BYTES as u64) as usize);
            *used += read;
            self.tally.bytes_read += read;
        }
        self.note_drops(fleet, now);
    }

    /// Readability waits for its tick; a full socket that takes more is written to, and an end is noted at once,
    /// with replies still unread: the server has given this client up.
    pub(super) fn on_ready(&mut self, fleet: &mut Fleet<'_>, ready: Ready) -> u64 {
        if ready.writable {
            fleet.flush(ready.token);
        }
        let link = &fleet.links[ready.token as usize];
        if ready.closing && link.state == State::Open {
            let fd = link.fd.as_ref().expect("an open connection has a socket");
            let kind = match sockopt::socket_error(fd) {
                Ok(Err(error)) | Err(error) => failure::of_errno(error),
                Ok(Ok(())) => "eof".into(),
            };
            fleet.fail(ready.token, &kind);
        }
        let now = now_ns();
        self.note_drops(fleet, now);
        now
    }

    fn note_drops(&mut self, fleet: &Fleet<'_>, now: u64) {
        if fleet.live < self.live {
            self.tally.conns_dropped += self.live - fleet.live;
            self.tally.first_drop_ns.get_or_insert(now.saturating_sub(self.start_ns));
            self.live = fleet.live;
        }
    }

    /// What is owed to the connections that are left, the first time it is called: as the window ends.
    pub(super) fn note_backlog(&mut self, fleet: &Fleet<'_>, slots: &[u32]) {
        if std::mem::replace(&mut self.backlog_noted, true) {
            return;
        }
        for &k in slots {
            let link = &fleet.links[k as usize];
            let (Wire::Stream(exchange), Some(fd)) = (&link.wire, &link.fd) else { continue };
            self.tally.frames_held_back += u64::from(link.waiting);
            let requested = fleet.bytes_in_flight(k).saturating_sub(exchange.partial_bytes() as u64);
            let unwritten = fleet.outbox_bytes(k);
            let unsent = (unwritten + unsent_bytes(fd)).min(requested);
            let received = ioctl_fionread(fd).unwrap_or(0).min(requested - unsent);
            self.tally.backlog_bytes += requested;
            self.tally.backlog_unsent_bytes += unsent;
            self.tally.backlog_received_bytes += received;
        }
    }

    pub(super) fn into_tally(self) -> SlowTally {
        self.tally
    }
}

/// Bytes that a reader of this rate may have read after so long.
fn allowed_bytes(rate_bytes_per_s: u64, elapsed_ns: u64) -> u64 {
    (u128::from(rate_bytes_per_s) * u128::from(elapsed_ns) / u128::from(NANOS_PER_SECOND)) as u64
}

/// What may be read now, of `allowed` since the start. What was not used is forgone, but for two ticks' worth: a
/// reader that found nothing must not make up for it.
fn allowance(rate_bytes_per_s: u64, allowed: u64, used: &mut u64) -> u64 {
    let burst = allowed_bytes(rate_bytes_per_s, 2 * TICK_NS).max(1);
    *used = (*used).max(allowed.saturating_sub(burst));
    allowed.saturating_sub(*used)
}

/// One read of at most `max_bytes`; returns how many came.
fn read_some(fleet: &mut Fleet<'_>, k: u32, max_bytes: usize) -> u64 {
    let link = &mut fleet.links[k as usize];
    let Wire::Stream(exchange) = &mut link.wire else { unreachable!("datagrams are refused for slow readers") };
    let Some(fd) = link.fd.as_ref().filter(|_| link.state == State::Open && max_bytes > 0) else { return 0 };
    let n = match recv(fd, &mut fleet.read_buffer[..max_bytes], RecvFlags::empty()) {
        Ok((0, _)) => {
            fleet.fail(k, "eof");
            return 0;
        }
        Ok((n, _)) => n,
        Err(Errno::AGAIN | Errno::INTR) => return 0,
        Err(error) => {
            fleet.fail(k, &failure::of_errno(error));
            return 0;
        }
    };
    let now = now_ns();
    let (tally, ledger, queue) = (&mut fleet.tally, &mut fleet.ledger, &mut link.queue);
    tally.read(now, n as u64);
    let verdict = exchange.receive(&fleet.read_buffer[..n], |_| {
        let flight = ledger.pop(queue).expect("a right reply has a request in flight");
        tally.answered(flight, now);
    });
    if let Err(error) = verdict {
        fleet.wrong(k, error);
    }
    n as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Reads greedily at every tick for a while; returns the total.
    fn greedy(rate: u64, ticks: u64) -> u64 {
        let mut used = 0;
        for tick in 0..=ticks {
            used += allowance(rate, allowed_bytes(rate, tick * TICK_NS), &mut used);
        }
        used
    }

    #[test]
    fn the_rate_is_kept_to_the_byte() {
        for rate in [1, 3, 99, 4096, 1 << 30] {
            assert_eq!(greedy(rate, 1000), rate * 10, "{rate}");
        }
    }

    #[test]
    fn what_was_not_used_is_forgone() {
        let mut used = 0;
        assert_eq!(allowance(4096, allowed_bytes(4096, 60 * SECOND), &mut used), 81, "two ticks of 4096 B/s");
        let mut used = 0;
        assert_eq!(allowance(1, allowed_bytes(1, 60 * SECOND), &mut used), 1);
    }
}
