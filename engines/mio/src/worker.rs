//! The loop of one core: sockets in a slab, edge-triggered events, one scratch buffer for all.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use harness::{AcceptNext, Limits, accept_failed};
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::datagrams::Probe;
use crate::socket::{Incoming, Stream};

const EVENTS: usize = 1024;
/// Turns that one connection may take in a row while others wait.
pub(crate) const TURNS_MAX: usize = 16;

/// What the loop needs of a connection.
pub(crate) trait Connection: Sized {
    /// Takes an accepted socket, or refuses it.
    fn admit(stream: &Stream, limits: &Limits) -> Option<Self>;

    /// Reads, answers and writes until the socket would block. Edge-triggered: what is left unread is
    /// not announced again, so `ready` remembers it.
    fn drive(&mut self, stream: &mut Stream, ready: &mut Ready) -> Next;
}

/// What is known of a socket between events.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ready {
    /// A read might bring something.
    pub(crate) read: bool,
    /// The last write would have blocked, and no event has come since.
    pub(crate) write_blocked: bool,
    /// The peer has shut down its side: from here on a short read proves nothing, and only a read of 0 does.
    pub(crate) read_closed: bool,
}

/// What the loop does after a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait for an event.
    Wait,
    /// There is more to do, but it was others' turn.
    Again,
    Close,
}

/// Serves one worker's share; ends only with an error.
pub(crate) fn run<C: Connection>(mut share: harness::Worker, limits: Limits) -> Result<()> {
    share.pin()?;
    let poll = Poll::new().context("cannot create an epoll instance")?;
    let incoming: Vec<Incoming> = share.listeners.drain(..).map(Incoming::new).collect();
    let probes: Vec<Probe> = share.datagrams.drain(..).map(Probe::new).collect();
    let mut core =
        Core::<C> { poll, limits, incoming, paused: Vec::new(), probes, links: Slab::new(), again: Vec::new() };
    core.register()?;
    share.ready()?;
    core.serve()
}

struct Core<C> {
    poll: Poll,
    limits: Limits,
    incoming: Vec<Incoming>,
    /// Listeners that failed for want of descriptors or memory, and when to try again.
    paused: Vec<(usize, Instant)>,
    probes: Vec<Probe>,
    links: Slab<Link<C>>,
    /// Connections whose turn was up before their work was.
    again: Vec<usize>,
}

struct Link<C> {
    // Fields drop in order: the harness must hear of the end before the descriptor is closed.
    connection: C,
    stream: Stream,
    ready: Ready,
    /// Whether EPOLLOUT is asked for.
    watches_write: bool,
}

impl<C: Connection> Core<C> {
    /// Tokens: listeners, then probes, then connections.
    fn register(&mut self) -> Result<()> {
        let registry = self.poll.registry();
        for (index, incoming) in self.incoming.iter_mut().enumerate() {
            registry.register(incoming.source(), Token(index), Interest::READABLE)?;
        }
        for (index, probe) in self.probes.iter_mut().enumerate() {
            registry.register(probe.source(), Token(self.incoming.len() + index), Interest::READABLE)?;
        }
        Ok(())
    }

    fn serve(&mut self) -> Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.context("cannot wait for events")?,
            }
            for event in &events {
                self.handle(event);
            }
            for id in std::mem::take(&mut self.again) {
                self.drive(id);
            }
            self.retry_paused();
        }
    }

    fn patience(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let earliest = self.paused.iter().map(|(_, until)| *until).min();
        earliest.map(|until| until.saturating_duration_since(Instant::now()))
    }

    fn handle(&mut self, event: &Event) {
        let index = event.token().0;
        let first_probe = self.incoming.len();
        let first_link = first_probe + self.probes.len();
        if index < first_probe {
            self.accept(index);
        } else if index < first_link {
            self.probes[index - first_probe].answer();
        } else if let Some(link) = self.links.get_mut(index - first_link) {
            link.ready.read_closed |= event.is_read_closed() || event.is_error();
            link.ready.read |= event.is_readable() || link.ready.read_closed;
            // A Unix socket that was shut down while full hangs up without ever being writable.
            link.ready.write_blocked &= !(event.is_writable() || event.is_write_closed() || event.is_error());
            self.drive(index - first_link);
        }
    }

    fn accept(&mut self, index: usize) {
        // Every connection that comes to a paused listener is an edge: none of them shortens its pause, or makes another.
        if self.paused.iter().any(|(paused, _)| *paused == index) {
            return;
        }
        loop {
            match self.incoming[index].accept() {
                Ok(stream) => self.admit(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => match accept_failed(&error) {
                    AcceptNext::Again => {}
                    AcceptNext::Pause(pause) => {
                        // Edge-triggered: nothing would announce the queue again.
                        self.paused.push((index, Instant::now() + pause));
                        return;
                    }
                    AcceptNext::Stop => {
                        let _ = self.poll.registry().deregister(self.incoming[index].source());
                        return;
                    }
                },
            }
        }
    }

    fn retry_paused(&mut self) {
        if self.paused.is_empty() {
            return;
        }
        let now = Instant::now();
        for (index, until) in std::mem::take(&mut self.paused) {
            if until <= now {
                self.accept(index);
            } else {
                self.paused.push((index, until));
            }
        }
    }

    fn admit(&mut self, mut stream: Stream) {
        let Some(connection) = C::admit(&stream, &self.limits) else { return };
        let slot = self.links.vacant_entry();
        let token = Token(self.incoming.len() + self.probes.len() + slot.key());
        if stream.register(self.poll.registry(), token).is_ok() {
            slot.insert(Link { connection, stream, ready: Ready::default(), watches_write: false });
        }
    }

    fn drive(&mut self, id: usize) {
        let token = Token(self.incoming.len() + self.probes.len() + id);
        let Some(link) = self.links.get_mut(id) else { return };
        match link.connection.drive(&mut link.stream, &mut link.ready) {
            Next::Close => drop(self.links.remove(id)),
            Next::Again => self.again.push(id),
            Next::Wait if link.ready.write_blocked != link.watches_write => {
                link.watches_write = link.ready.write_blocked;
                let interest =
                    if link.watches_write { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
                if link.stream.reregister(self.poll.registry(), token, interest).is_err() {
                    self.links.remove(id);
                }
            }
            Next::Wait => {}
        }
    }
}
