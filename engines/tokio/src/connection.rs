//! One connection: a task that holds no buffer while it waits.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use harness::{Peer, Step};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Serves `peer` on `stream` to its end.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(peer: Peer, stream: S) {
    // Fields drop in order: the peer must go before its socket.
    let mut link = Link { peer, stream };
    while link.peer.step() != Step::Close {
        if poll_fn(|cx| link.poll_turn(cx)).await.is_err() {
            return;
        }
    }
}

struct Link<S> {
    peer: Peer,
    stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// One write or one read: replies first, and input beside them as long as the write limit allows.
    ///
    /// `poll_read`, not `readable` and `try_read`: it takes a short read as proof that the socket is
    /// drained, which saves the read that would only say `WouldBlock`.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { peer, stream } = self;
        if peer.step() == Step::Write {
            let written = peer.write_with(|bytes| now_or_would_block(Pin::new(&mut *stream).poll_write(cx, bytes)));
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && peer.wants_input() => {}
                other => return pending_if_would_block(other),
            }
        }
        let read = peer.read_with(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            now_or_would_block(Pin::new(stream).poll_read(cx, &mut buffer))?;
            Ok(buffer.filled().len())
        });
        pending_if_would_block(read)
    }
}

fn now_or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

fn pending_if_would_block(result: io::Result<usize>) -> Poll<io::Result<()>> {
    match result {
        Ok(_) => Poll::Ready(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        Err(error) => Poll::Ready(Err(error)),
    }
}
