//! The authors' fast path: non-blocking calls while the socket allows, and one place to park.

use std::io;

use harness::{Peer, Step};
use rustix::event::epoll::EventFlags;

use crate::link::{Link, Stream};

/// Serves the connection to its end, an error included.
pub(crate) fn serve<S: Stream>(mut link: Link<S>) {
    let mut ready = Ready { read: true, write: true, read_closed: false };
    while link.peer.step() != Step::Close {
        if turn(&mut link, &mut ready).is_err() {
            return;
        }
    }
}

/// Replies first, and input beside blocked ones as long as the write limit allows.
fn turn<S: Stream>(link: &mut Link<S>, ready: &mut Ready) -> io::Result<()> {
    let Link { peer, stream } = link;
    let stream: &S = stream;
    if ready.write && peer.step() == Step::Write {
        write(peer, stream, ready)
    } else if ready.read && peer.wants_input() {
        read(peer, stream, ready)
    } else {
        ready.add(stream.wait_io());
        Ok(())
    }
}

/// What is known of the socket. Events are edges: what they said holds until a call disproves it.
#[derive(Debug, PartialEq)]
struct Ready {
    read: bool,
    write: bool,
    /// The peer has shut down its side: from here on a short read proves nothing, and only a read of 0 does.
    read_closed: bool,
}

impl Ready {
    /// `events` as `wait_io` gives them: epoll's bits, or none.
    fn add(&mut self, events: usize) {
        let any = |wanted: EventFlags| events & wanted.bits() as usize != 0;
        let broken = any(EventFlags::ERR | EventFlags::HUP);
        self.read_closed |= broken || any(EventFlags::RDHUP);
        self.read |= self.read_closed || any(EventFlags::IN);
        self.write |= broken || any(EventFlags::OUT);
    }
}

fn write<S: Stream>(peer: &mut Peer, stream: &S, ready: &mut Ready) -> io::Result<()> {
    match peer.write_with(|bytes| stream.write_now(bytes)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            ready.write = false;
            Ok(())
        }
        other => other.map(drop),
    }
}

fn read<S: Stream>(peer: &mut Peer, stream: &S, ready: &mut Ready) -> io::Result<()> {
    let mut short = false;
    let read = peer.read_with(|buffer| {
        let n = stream.read_now(buffer)?;
        short = n < buffer.len();
        Ok(n)
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            ready.read = false;
            Ok(())
        }
        // A short read drained the socket, unless the end of input waits behind it.
        other => {
            ready.read = !short || ready.read_closed;
            other.map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_end_of_input_outlives_its_event() {
        let mut ready = Ready { read: false, write: false, read_closed: false };
        for (events, expected) in [
            (0, (false, false, false)),
            (EventFlags::IN.bits(), (true, false, false)),
            (EventFlags::RDHUP.bits(), (true, false, true)),
            (EventFlags::OUT.bits(), (true, true, true)),
        ] {
            ready.add(events as usize);
            assert_eq!((ready.read, ready.write, ready.read_closed), expected, "after {events:#x}");
            ready.read = false;
        }
        let mut ready = Ready { read: false, write: false, read_closed: false };
        ready.add(EventFlags::ERR.bits() as usize);
        assert_eq!(ready, Ready { read: true, write: true, read_closed: true });
    }
}
