//! may: a stackful coroutine a connection, in blocking style.

mod blocking;
mod datagrams;
mod link;
mod runtime;
mod wait_io;

use std::io;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use anyhow::Result;
use harness::{AcceptNext, Acceptor, Listener, Peer, Server, accept_failed};
use may::net::{TcpListener, UdpSocket};
use may::os::unix::net::UnixListener;
use may::{coroutine, go};

use crate::link::{Link, Registered, Stream};

#[global_allocator]
static ALLOCATOR: harness::Allocator = harness::Allocator;

fn main() -> ExitCode {
    harness::run(include_str!("../engine.toml"), include_str!("../Cargo.toml"), serve)
}

fn serve(mut server: Server) -> Result<()> {
    runtime::configure(&server)?;
    let style = match server.variant() {
        "wait-io" => Style::WaitIo,
        _ => Style::Blocking { pool: server.limits().pool },
    };
    for acceptor in server.take_sockets() {
        match acceptor {
            Acceptor::Stream(shards) => {
                for listener in shards {
                    let incoming = Incoming::new(listener);
                    go!(move || accept(&incoming, style));
                }
            }
            Acceptor::Datagram(shards) => {
                for socket in shards {
                    // SAFETY: the descriptor is open, and nobody else's any more.
                    let socket = unsafe { UdpSocket::from_raw_fd(socket.into_raw_fd()) };
                    go!(move || datagrams::answer(&socket));
                }
            }
        }
    }
    server.ready()?;
    loop {
        std::thread::park();
    }
}

/// How connections are served.
#[derive(Debug, Clone, Copy)]
enum Style {
    Blocking { pool: bool },
    WaitIo,
}

enum Incoming {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Incoming {
    fn new(listener: Listener) -> Self {
        match listener {
            // SAFETY: the descriptor is open, and nobody else's any more.
            Listener::Tcp(listener) => Self::Tcp(unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) }),
            // SAFETY: as above.
            Listener::Unix(listener) => Self::Unix(unsafe { UnixListener::from_raw_fd(listener.into_raw_fd()) }),
        }
    }

    /// Accepts one connection and serves it in a coroutine of its own.
    fn accept_one(&self, style: Style) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => start(listener.accept()?.0, style),
            Self::Unix(listener) => start(listener.accept()?.0, style),
        }
    }
}

fn accept(incoming: &Incoming, style: Style) {
    loop {
        let Err(error) = incoming.accept_one(style) else { continue };
        match accept_failed(&error) {
            AcceptNext::Again => {}
            AcceptNext::Pause(pause) => coroutine::sleep(pause),
            AcceptNext::Stop => return,
        }
    }
}

fn start<S: Stream>(stream: S, style: Style) -> io::Result<()> {
    let stream = Registered::new(stream);
    let Some(peer) = Peer::admit(stream.socket()) else { return Ok(()) };
    let link = Link { peer, stream };
    let serve = move || match style {
        Style::Blocking { pool } => blocking::serve(link, pool),
        Style::WaitIo => wait_io::serve(link),
    };
    // may panics where the kernel refuses a stack: that connection is closed, and accepting pauses.
    let started = catch_unwind(AssertUnwindSafe(|| drop(go!(serve))));
    started.map_err(|_| io::ErrorKind::OutOfMemory.into())
}
