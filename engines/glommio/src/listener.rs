//! Accepting, for TCP and Unix sockets alike, and leaving the CPU to others now and then.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use glommio::net::{Preallocated, TcpListener, TcpStream};
use glommio::spawn_local;
use glommio::timer::sleep;
use harness::{AcceptNext, Listener, Peer, accept_failed};

use crate::connection::{Buffered, Unbuffered, serve};

/// Turns that a task may take in a row before it lets the executor look at its rings.
pub(crate) const TURNS_MAX: usize = 16;

/// How a connection receives.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Buffering {
    /// glommio's default: a read goes straight to the caller's buffer.
    None,
    /// A buffer of this many bytes in every stream.
    Own(usize),
}

/// Accepts until the listener is shut down.
pub(crate) async fn accept(listener: Listener, buffering: Buffering) {
    let listener = adopt(listener);
    let mut turns = 0;
    loop {
        match listener.accept().await {
            Ok(stream) => admit(Socket(stream), buffering),
            Err(error) => match accept_failed(&io::Error::from(error)) {
                AcceptNext::Again => {}
                AcceptNext::Pause(pause) => sleep(pause).await,
                AcceptNext::Stop => return,
            },
        }
        turns += 1;
        if turns % TURNS_MAX == 0 {
            // While connections queue, `accept` is ready at once and would keep the executor to itself.
            visit_reactor().await;
        }
    }
}

/// Waits until the executor has looked at its rings.
///
/// `yield_now` would not do: an executor looks at its rings when no task is runnable, or when its preemption
/// timer has expired, which takes 100 ms.
pub(crate) async fn visit_reactor() {
    sleep(Duration::from_micros(1)).await;
}

/// glommio's `UnixListener` only binds by path. Its `TcpListener` and `TcpStream` make no call that depends on the
/// address family, so they serve the harness's Unix sockets as well, by the same code.
fn adopt(listener: Listener) -> TcpListener {
    let fd = match listener {
        Listener::Tcp(listener) => OwnedFd::from(listener),
        Listener::Unix(listener) => OwnedFd::from(listener),
    };
    // SAFETY: the descriptor is a listening stream socket, and owned by nobody else.
    unsafe { TcpListener::from_raw_fd(fd.into_raw_fd()) }
}

fn admit(socket: Socket, buffering: Buffering) {
    let Some(peer) = Peer::admit(&socket) else { return };
    match buffering {
        Buffering::None => spawn_local(serve(peer, Unbuffered(socket.0))).detach(),
        Buffering::Own(bytes) => {
            let stream = socket.0.buffered_with(Preallocated::new(bytes));
            spawn_local(serve(peer, Buffered(stream))).detach()
        }
    };
}

/// glommio's stream, with the one trait that it lacks.
struct Socket(TcpStream);

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the stream owns the descriptor and closes it when it is dropped.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
    }
}
