//! One connection: a task that holds no buffer while it waits, unless glommio's own is asked for.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};
use glommio::net::{Preallocated, TcpStream};
use harness::{Peer, Step};

use crate::listener::{TURNS_MAX, visit_reactor};

/// Serves `peer` on `stream` to its end.
pub(crate) async fn serve<S: Stream>(peer: Peer, stream: S) {
    // Fields drop in order: the peer must go before its socket.
    let mut link = Link { peer, stream, turns: 0 };
    while link.peer.step() != Step::Close {
        if poll_fn(|cx| link.poll_turn(cx)).await.is_err() {
            return;
        }
        if link.turns == TURNS_MAX {
            // A peer whose socket always has more would keep the executor to itself.
            link.turns = 0;
            visit_reactor().await;
        }
    }
}

/// A glommio stream, by the way it receives.
pub(crate) trait Stream {
    /// Reads once into `peer`.
    fn poll_read(&mut self, peer: &mut Peer, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Writes once.
    fn poll_write(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>>;
}

/// glommio's default: the read goes to the buffer at hand, here the worker's.
pub(crate) struct Unbuffered(pub(crate) TcpStream);

impl Stream for Unbuffered {
    fn poll_read(&mut self, peer: &mut Peer, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let read = peer.read_with(|buffer| now_or_would_block(Pin::new(&mut self.0).poll_read(cx, buffer)));
        pending_if_would_block(read)
    }

    fn poll_write(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
}

/// The read goes to a buffer that the stream keeps, and is decoded there.
pub(crate) struct Buffered(pub(crate) TcpStream<Preallocated>);

impl Stream for Buffered {
    fn poll_read(&mut self, peer: &mut Peer, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let bytes = ready!(Pin::new(&mut self.0).poll_fill_buf(cx))?;
        peer.arrived(bytes);
        let n = bytes.len();
        Pin::new(&mut self.0).consume(n);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
}

struct Link<S> {
    peer: Peer,
    stream: S,
    /// Turns taken since the task last waited.
    turns: usize,
}

impl<S: Stream> Link<S> {
    /// One write or one read: replies first, and input beside them as long as the write limit allows.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let turn = self.poll_write_or_read(cx);
        self.turns = if turn.is_ready() { self.turns + 1 } else { 0 };
        turn
    }

    fn poll_write_or_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { peer, stream, .. } = self;
        if peer.step() == Step::Write {
            let written = peer.write_with(|bytes| now_or_would_block(stream.poll_write(bytes, cx)));
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && peer.wants_input() => {}
                other => return pending_if_would_block(other),
            }
        }
        stream.poll_read(peer, cx)
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
