//! Readiness: one edge-triggered epoll set per thread, with nanosecond timeouts and a way to be woken.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

use crate::clock::timespec;

/// Most events taken from the kernel at a time; a schedule is looked at between any two of them.
const EVENTS_MAX: usize = 256;

/// What a connection wants to hear. Hang-ups and errors are always heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    Read,
    /// Writability too: only while a connect is pending or after the socket was full, since a Unix socket
    /// would otherwise announce every frame that its peer takes.
    ReadWrite,
}

impl Interest {
    fn flags(self) -> EventFlags {
        let read = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        match self {
            Self::Read => read,
            Self::ReadWrite => read | EventFlags::OUT,
        }
    }
}

/// Something happened on the connection `token`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) token: u32,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer will send no more, or the connection is broken: read until the end says which.
    pub(crate) closing: bool,
}

const WAKE: u64 = u64::MAX;

/// The epoll set of one thread.
pub(crate) struct Poller {
    epoll: OwnedFd,
    waker: Arc<OwnedFd>,
    events: Vec<Event>,
    ready: usize,
}

impl Poller {
    /// An empty set.
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let waker = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        epoll::add(&epoll, &waker, EventData::new_u64(WAKE), EventFlags::IN | EventFlags::ET)?;
        let empty = Event { flags: EventFlags::empty(), data: EventData::new_u64(WAKE) };
        Ok(Self { epoll, waker, events: vec![empty; EVENTS_MAX], ready: 0 })
    }

    /// What [`wake`] wakes this poller with, from any thread.
    pub(crate) fn waker(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.waker)
    }

    pub(crate) fn add(&self, fd: &OwnedFd, token: u32, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, EventData::new_u64(u64::from(token)), interest.flags())?)
    }

    /// Changes the interest. What is already true is announced again.
    pub(crate) fn change(&self, fd: &OwnedFd, token: u32, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, fd, EventData::new_u64(u64::from(token)), interest.flags())?)
    }

    /// Waits for events, for at most `timeout_ns` if given. Returns how many [`Poller::ready`] can be asked for.
    #[inline]
    pub(crate) fn wait(&mut self, timeout_ns: Option<u64>) -> io::Result<usize> {
        let timeout = timeout_ns.map(timespec);
        self.ready = match epoll::wait(&self.epoll, &mut self.events[..], timeout.as_ref()) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(self.ready)
    }

    /// The `index`-th event of the last wait; `None` for a wake-up, which has done its work by then.
    #[inline]
    pub(crate) fn ready(&self, index: usize) -> Option<Ready> {
        let Event { flags, data } = self.events[..self.ready][index];
        if data.u64() == WAKE {
            // Edge-triggered and never full: it need not be drained to be heard again.
            return None;
        }
        Some(Ready {
            token: data.u64() as u32,
            readable: flags.contains(EventFlags::IN),
            writable: flags.contains(EventFlags::OUT),
            closing: flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR),
        })
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").field("epoll", &self.epoll).field("ready", &self.ready).finish_non_exhaustive()
    }
}

/// Wakes the poller that `waker` came with.
pub(crate) fn wake(waker: &OwnedFd) -> io::Result<()> {
    rustix::io::write(waker, &1u64.to_ne_bytes())?;
    Ok(())
}
