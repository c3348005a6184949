//! One connection, as small as it can be: an idle one costs its entry here and nothing else in user memory.

use std::os::fd::OwnedFd;

use protocol::{Exchange, Probe, Request};

use crate::ledger::Queue;

/// No outbox: the usual case.
pub const NO_OUTBOX: u32 = u32::MAX;

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not begun, or to be begun again.
    Unopened,
    Connecting,
    Open,
    Closed,
}

/// The protocol on one connection.
#[derive(Debug)]
pub enum Wire {
    /// Bytes in order: TCP and Unix sockets.
    Stream(Exchange),
    /// Datagrams that may be lost, and the replies that came.
    Datagram(Probe, u64),
}

impl Wire {
    /// Appends the next request, an ECHO of `length` bytes, to `output`.
    #[inline]
    pub fn send(&mut self, length: u16, output: &mut Vec<u8>) {
        match self {
            Self::Stream(exchange) => exchange.send(Request::Echo { length }, output),
            Self::Datagram(probe, _) => probe.send_sized(length, output),
        };
    }

    /// Requests encoded so far: the sequence number of the next.
    #[inline]
    #[must_use]
    pub const fn sent(&self) -> u64 {
        match self {
            Self::Stream(exchange) => exchange.sent(),
            Self::Datagram(probe, _) => probe.sent(),
        }
    }

    /// Right replies so far.
    #[must_use]
    pub const fn answered(&self) -> u64 {
        match self {
            Self::Stream(exchange) => exchange.answered(),
            Self::Datagram(_, answered) => *answered,
        }
    }

    #[inline]
    #[must_use]
    pub const fn is_datagram(&self) -> bool {
        matches!(self, Self::Datagram(..))
    }
}

/// One connection.
#[derive(Debug)]
pub struct Link {
    pub wire: Wire,
    pub queue: Queue,
    /// The newest of `queue`: due, and not encoded yet.
    pub waiting: u32,
    /// What the socket did not take of the last write, in the thread's outboxes.
    pub outbox: u32,
    pub fd: Option<OwnedFd>,
    pub state: State,
    /// The socket is full; writability will be announced.
    pub blocked: bool,
}

/// What is promised for an idle connection. Its slot among the active ones adds four bytes.
const _: () = assert!(size_of::<Link>() <= 96);

impl Link {
    #[must_use]
    pub const fn new(wire: Wire) -> Self {
        Self {
            wire,
            queue: Queue::new(),
            waiting: 0,
            outbox: NO_OUTBOX,
            fd: None,
            state: State::Unopened,
            blocked: false,
        }
    }
}

/// Bytes that full sockets did not take: buffers that wander between the connections that need one.
#[derive(Debug, Default)]
pub struct Outboxes {
    boxes: Vec<Outbox>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outboxes {
    /// Keeps `bytes`; returns where.
    #[must_use]
    pub fn keep(&mut self, bytes: &[u8]) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.boxes.push(Outbox::default());
            (self.boxes.len() - 1) as u32
        });
        let outbox = &mut self.boxes[index as usize];
        outbox.bytes.clear();
        outbox.bytes.extend_from_slice(bytes);
        outbox.sent = 0;
        index
    }

    /// What still waits in `index`.
    #[must_use]
    pub fn pending(&self, index: u32) -> &[u8] {
        let Outbox { bytes, sent } = &self.boxes[index as usize];
        &bytes[*sent..]
    }

    /// The socket took `n` bytes of `index`. Returns whether it is empty, and if so gives it up.
    pub fn flushed(&mut self, index: u32, n: usize) -> bool {
        let outbox = &mut self.boxes[index as usize];
        outbox.sent += n;
        let empty = outbox.sent == outbox.bytes.len();
        if empty {
            self.free.push(index);
        }
        empty
    }

    /// Gives up `index`; returns how many bytes are lost with it.
    pub fn discard(&mut self, index: u32) -> usize {
        let left = self.pending(index).len();
        self.free.push(index);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        // With the descriptor's four-byte slot among the active connections.
        assert!(size_of::<Link>() + size_of::<u32>() <= 100, "{}", size_of::<Link>());
    }

    #[test]
    fn outboxes_are_used_again() {
        let mut outboxes = Outboxes::default();
        let a = outboxes.keep(b"hello");
        let b = outboxes.keep(b"world");
        assert!(!outboxes.flushed(a, 2));
        assert_eq!(outboxes.pending(a), b"llo");
        assert!(outboxes.flushed(a, 3));
        assert_eq!(outboxes.keep(b"again"), a);
        assert_eq!(outboxes.discard(b), 5);
        assert_eq!(outboxes.boxes.len(), 2);
    }
}
