//! The null server: sends back the bytes it read, and nothing else. For ECHO frames that is a right answer at the
//! least cost a server on epoll can have, so what a client reaches against it is the client's own ceiling.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process;
use std::thread;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, listen, recv, send, sockopt};
use serde::{Deserialize, Serialize};

use super::pin;
use crate::spec::Target;

/// The engines' backlog.
const BACKLOG: i32 = 4096;
/// One read takes at most this.
const READ_BYTES: usize = 64 * 1024;
const EVENTS_MAX: usize = 256;
/// No descriptor has this number.
const LISTENER: u64 = u64::MAX;

/// Its one line on stdout.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Ready {
    Ready { addr: String, pid: u32 },
}

/// One connection.
#[derive(Debug)]
struct Peer {
    socket: OwnedFd,
    /// What the socket did not take. While there is some, nothing is read.
    left: Vec<u8>,
}

/// Serves `target` (TCP, with port 0 for any, or a Unix socket) on this thread until stdin ends. Says on stdout where.
///
/// # Errors
/// The address cannot be listened on, or the set of connections not be waited for.
pub fn serve(target: &str, cpu: Option<usize>) -> io::Result<()> {
    pin(cpu)?;
    let (listener, addr) = listening(target)?;
    until_stdin_ends(match &addr {
        Target::Unix(path) => Some(path.clone()),
        _ => None,
    })?;
    let ready = Ready::Ready { addr: addr.to_string(), pid: process::id() };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&ready)?)?;
    stdout.flush()?;
    drop(stdout);

    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut events = vec![Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; EVENTS_MAX];
    // By descriptor number: they are small and used again.
    let mut peers: Vec<Option<Peer>> = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = match epoll::wait(&epoll, &mut events[..], None) {
            Ok(count) => count,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..count] {
            // Copied: the kernel's events are packed.
            let Event { flags, data } = *event;
            if data.u64() == LISTENER {
                admit(&epoll, &listener, &mut peers)?;
                continue;
            }
            let closing = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
            let slot = &mut peers[data.u64() as usize];
            let Some(peer) = slot else { continue };
            let full = peer.full();
            let served = peer.echo(&mut buffer, closing);
            // Writability is asked for only while it is missing.
            let served = match served {
                Ok(()) if peer.full() != full => epoll::modify(&epoll, &peer.socket, data, peer.interest()),
                Ok(()) => Ok(()),
                Err(error) => Err(error),
            };
            if served.is_err() {
                *slot = None;
            }
        }
    }
}

impl Peer {
    fn full(&self) -> bool {
        !self.left.is_empty()
    }

    fn interest(&self) -> EventFlags {
        let read = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        if self.full() { read | EventFlags::OUT } else { read }
    }

    /// Sends back what came; an error is the end of the connection. With `closing`, its end has been announced.
    fn echo(&mut self, buffer: &mut [u8], closing: bool) -> Result<(), Errno> {
        loop {
            while !self.left.is_empty() {
                match send(&self.socket, &self.left, SendFlags::NOSIGNAL) {
                    Ok(taken) => drop(self.left.drain(..taken)),
                    Err(Errno::AGAIN) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            let got = match recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((0, _)) => return Err(Errno::PIPE),
                Ok((got, _)) => got,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error),
            };
            let taken = match send(&self.socket, &buffer[..got], SendFlags::NOSIGNAL) {
                Ok(taken) => taken,
                Err(Errno::AGAIN) => 0,
                Err(error) => return Err(error),
            };
            self.left.extend_from_slice(&buffer[taken..got]);
            // A short read drained the socket: the next arrival is a new edge. Not so when the end is near: that edge
            // was announced with this one.
            if got < buffer.len() && !self.full() && !closing {
                return Ok(());
            }
        }
    }
}

fn admit(epoll: &OwnedFd, listener: &OwnedFd, peers: &mut Vec<Option<Peer>>) -> io::Result<()> {
    let socket = match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
        Ok(socket) => socket,
        Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let index = socket.as_raw_fd() as usize;
    let peer = Peer { socket, left: Vec::new() };
    epoll::add(epoll, &peer.socket, EventData::new_u64(index as u64), peer.interest())?;
    if peers.len() <= index {
        peers.resize_with(index + 1, || None);
    }
    peers[index] = Some(peer);
    Ok(())
}

fn listening(target: &str) -> io::Result<(OwnedFd, Target)> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "expected tcp://ADDRESS:PORT or unix://PATH");
    let (listener, addr): (OwnedFd, Target) = if let Some(text) = target.strip_prefix("tcp://") {
        let addr: SocketAddr = text.parse().map_err(|_| wrong())?;
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        // Accepted sockets inherit both.
        sockopt::set_tcp_nodelay(&listener, true)?;
        sockopt::set_tcp_congestion(&listener, "reno")?;
        (listener.into(), Target::Tcp(addr))
    } else {
        let path: PathBuf = target.strip_prefix("unix://").ok_or_else(wrong)?.into();
        (UnixListener::bind(&path)?.into(), Target::Unix(path))
    };
    rustix::io::ioctl_fionbio(&listener, true)?;
    listen(listener.as_fd(), BACKLOG)?;
    Ok((listener, addr))
}

/// A server never outlives the one who asked for it.
fn until_stdin_ends(path: Option<PathBuf>) -> io::Result<()> {
    thread::Builder::new().name("parent".into()).stack_size(64 * 1024).spawn(move || {
        let mut stdin = io::stdin().lock();
        while matches!(stdin.read(&mut [0; 64]), Ok(1..)) {}
        if let Some(path) = path {
            let _ = std::fs::remove_file(path);
        }
        process::exit(0);
    })?;
    Ok(())
}
