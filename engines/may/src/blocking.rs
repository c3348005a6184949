//! The default connection: straight-line code that parks where a thread would block.

use std::io;

use harness::Step;

use crate::link::{Link, Stream};

/// Serves the connection to its end, an error included.
pub(crate) fn serve<S: Stream>(mut link: Link<S>, pool: bool) {
    while link.peer.step() != Step::Close {
        if turn(&mut link, pool).is_err() {
            return;
        }
    }
}

/// One write or one read.
fn turn<S: Stream>(link: &mut Link<S>, pool: bool) -> io::Result<()> {
    let Link { peer, stream } = link;
    if peer.step() == Step::Write {
        let n = stream.write(peer.pending())?;
        peer.flushed(n);
    } else if pool {
        read_without_holding(link)?;
    } else {
        let n = stream.read(peer.spare())?;
        peer.filled(n);
    }
    Ok(())
}

/// Parks without a buffer, and reads into the worker's.
///
/// `Read` takes the same two steps, but wants its buffer before it parks; and the worker's buffer is not
/// for a coroutine to hold while parked, as it may resume on another worker. The read comes first:
/// a write takes the socket's events too, and to wait first could be to wait for what has come already.
fn read_without_holding<S: Stream>(link: &mut Link<S>) -> io::Result<()> {
    let Link { peer, stream } = link;
    loop {
        match peer.read_with(|buffer| stream.read_now(buffer)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.wait_io(),
            other => return other.map(drop),
        };
    }
}
