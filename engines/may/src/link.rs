//! One connection: a peer of the harness on a socket of may's, TCP or Unix.

use std::io::{self, Read, Write};
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use harness::Peer;
use may::io::WaitIo;
use may::net::TcpStream;
use may::os::unix::net::UnixStream;

/// A connection. Its fields drop in order, also when a coroutine panics: the peer must go before its socket.
pub(crate) struct Link<S: IntoRawFd> {
    pub(crate) peer: Peer,
    pub(crate) stream: Registered<S>,
}

/// A stream of may's that leaves epoll before its descriptor is closed.
///
/// may's Unix streams do it the other way round: by then another thread may have accepted a connection
/// under the same number, which is taken out of epoll instead, and never wakes again.
pub(crate) struct Registered<S: IntoRawFd>(Option<S>);

impl<S: IntoRawFd> Registered<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self(Some(stream))
    }
}

impl<S: IntoRawFd> Drop for Registered<S> {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            // The registration ends here, and the descriptor outlives it.
            let fd = stream.into_raw_fd();
            // SAFETY: the descriptor is open, and nobody else's any more.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
        }
    }
}

impl<S: IntoRawFd> Deref for Registered<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        self.0.as_ref().expect("there until it is dropped")
    }
}

impl<S: IntoRawFd> DerefMut for Registered<S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        self.0.as_mut().expect("there until it is dropped")
    }
}

/// A connected socket. Its `Read` and `Write` park the coroutine; so does `wait_io`, until the socket has
/// an event that no earlier `wait_io`, `Read` or `Write` has taken.
pub(crate) trait Stream: Read + Write + WaitIo + IntoRawFd + Send + 'static {
    /// Reads what is there, or says `WouldBlock`; never parks.
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes what fits, or says `WouldBlock`; never parks.
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize>;

    fn socket(&self) -> BorrowedFd<'_>;
}

impl Stream for TcpStream {
    #[inline]
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner().read(buffer)
    }

    #[inline]
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.inner().write(bytes)
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.inner().as_fd()
    }
}

impl Stream for UnixStream {
    #[inline]
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner().read(buffer)
    }

    #[inline]
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.inner().write(bytes)
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.inner().as_fd()
    }
}
