//! Datagrams: replies in any order, and requests that are lost. Nothing is ever sent a second time.

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::failure;
use super::fleet::Fleet;
use crate::clock::now_ns;
use crate::link::{State, Wire};

/// Lost datagrams are looked for this many times in the time after which they count as lost.
const SWEEPS_PER_TIMEOUT: u64 = 4;

impl Fleet<'_> {
    /// [`Fleet::read`] for a UDP socket, a datagram a read. A wrong reply is counted and answers nothing: the next
    /// datagram can be trusted all the same.
    pub(super) fn read_datagrams(&mut self, k: u32) -> (u64, u64) {
        let (payload, number) = (&self.shared.spec.payload, self.shared.number(self.thread, k));
        let mut replies = 0;
        let mut now = 0;
        loop {
            let link = &mut self.links[k as usize];
            let Some(fd) = link.fd.as_ref().filter(|_| link.state == State::Open) else { break };
            let n = match recv(fd, &mut self.read_buffer[..], RecvFlags::empty()) {
                Ok((n, _)) => n,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => {
                    self.fail(k, &failure::of_errno(error));
                    break;
                }
            };
            now = now_ns();
            self.tally.read(now, n as u64);
            let Wire::Datagram(probe, answered) = &mut link.wire else { unreachable!("called for datagrams only") };
            let in_flight = link.queue.len() - link.waiting;
            let oldest = probe.sent() - u64::from(in_flight);
            let flight =
                match probe.check_sized(&self.read_buffer[..n], oldest, |sequence| payload.length(number, sequence)) {
                    Ok(Some(sequence)) => self.ledger.take(&mut link.queue, (sequence - oldest) as u32),
                    Ok(None) => None,
                    Err(error) => {
                        let kind = failure::of_exchange(error);
                        self.tally.wrong += u64::from(failure::is_wrong_reply(&kind));
                        self.tally.error(&kind);
                        continue;
                    }
                };
            match flight {
                Some(flight) => {
                    *answered += 1;
                    replies += 1;
                    self.tally.answered(flight, now);
                }
                None => self.tally.error("late_or_repeated"),
            }
            // With nothing in flight another read would only say that there is nothing.
            if link.queue.len() == link.waiting {
                break;
            }
        }
        (replies, if now == 0 { now_ns() } else { now })
    }

    /// Gives up what was not answered in time, if it is time to look: `lost` gets each connection and how many.
    pub(super) fn sweep(&mut self, now: u64, lost: &mut Vec<(u32, u64)>) {
        if now < self.sweep_ns {
            return;
        }
        let timeout_ns = self.shared.spec.timeout_ns;
        self.sweep_ns = now + (timeout_ns / SWEEPS_PER_TIMEOUT).max(1);
        for (k, link) in self.links.iter_mut().enumerate() {
            let mut count = 0;
            while link.wire.is_datagram()
                && link.queue.len() > link.waiting
                && let Some(oldest) = self.ledger.peek(&link.queue)
                && now.saturating_sub(oldest.attempted_ns) > timeout_ns
            {
                let flight = self.ledger.take(&mut link.queue, 0).expect("the oldest is never one taken already");
                self.tally.unanswered(flight);
                count += 1;
            }
            if count > 0 {
                lost.push((k as u32, count));
            }
        }
    }
}
