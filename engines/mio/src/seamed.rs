//! A connection on the shared seam: the harness's `Peer` decides, the loop obeys.

use std::io;

use harness::{Limits, Peer, Step};

use crate::socket::Stream;
use crate::worker::{Connection, Next, Ready, TURNS_MAX};

/// The default variant's connection.
pub(crate) struct Seamed {
    peer: Peer,
}

impl Connection for Seamed {
    fn admit(stream: &Stream, _: &Limits) -> Option<Self> {
        Peer::admit(stream).map(|peer| Self { peer })
    }

    fn drive(&mut self, stream: &mut Stream, ready: &mut Ready) -> Next {
        for _ in 0..TURNS_MAX {
            let turn = match self.peer.step() {
                Step::Close => return Next::Close,
                Step::Write if !ready.write_blocked => self.write(stream, ready),
                // Replies wait for the peer: read on beside them as long as the write limit allows.
                Step::Write | Step::Read if ready.read && self.peer.wants_input() => self.read(stream, ready),
                Step::Write | Step::Read => return Next::Wait,
            };
            match turn {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Next::Close,
            }
        }
        Next::Again
    }
}

impl Seamed {
    fn write(&mut self, stream: &mut Stream, ready: &mut Ready) -> io::Result<()> {
        match self.peer.write_with(|bytes| stream.write(bytes)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready.write_blocked = true;
                Ok(())
            }
            other => other.map(drop),
        }
    }

    fn read(&mut self, stream: &mut Stream, ready: &mut Ready) -> io::Result<()> {
        let mut short = false;
        let read = self.peer.read_with(|buffer| {
            let n = stream.read(buffer)?;
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
}
