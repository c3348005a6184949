//! A level-triggered epoll loop a worker, which burns before it answers.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use harness::{AcceptNext, Listener, Peer, Step, Worker, accept_failed};
use protocol::HEADER_BYTES;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{ClockId, clock_gettime};
use socket2::Socket;

/// What every frame costs beyond serving it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Burn {
    pub(crate) per_frame_ns: u64,
    pub(crate) per_conn_ns: u64,
}

/// Open connections of all workers: as many as a scan over all would meet.
static OPEN: AtomicU64 = AtomicU64::new(0);

struct Link {
    // Dropped before its socket, as the harness asks.
    peer: Peer,
    socket: Socket,
    interest: EventFlags,
}

struct Core {
    burn: Burn,
    epoll: OwnedFd,
    listeners: Vec<Listener>,
    /// By the number under which epoll knows them; listeners come first.
    links: BTreeMap<u64, Link>,
    next: u64,
}

pub(crate) fn serve(mut share: Worker, burn: Burn) -> Result<()> {
    share.pin()?;
    let listeners: Vec<Listener> = share.listeners.drain(..).collect();
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    for (index, listener) in listeners.iter().enumerate() {
        epoll::add(&epoll, listener, EventData::new_u64(index as u64), EventFlags::IN)?;
    }
    let next = listeners.len() as u64;
    let mut core = Core { burn, epoll, listeners, links: BTreeMap::new(), next };
    share.ready()?;
    let mut events = Vec::with_capacity(64);
    loop {
        events.clear();
        match epoll::wait(&core.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            let key = event.data.u64();
            match core.listeners.get(key as usize) {
                Some(_) => core.accept(key as usize)?,
                None => core.serve_one(key)?,
            }
        }
    }
}

impl Core {
    fn accept(&mut self, index: usize) -> Result<()> {
        let accepted: io::Result<Socket> = match &self.listeners[index] {
            Listener::Tcp(listener) => listener.accept().map(|(stream, _)| stream.into()),
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| stream.into()),
        };
        let socket = match accepted {
            Ok(socket) => socket,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => {
                match accept_failed(&error) {
                    AcceptNext::Pause(pause) => std::thread::sleep(pause),
                    AcceptNext::Stop => epoll::delete(&self.epoll, &self.listeners[index])?,
                    AcceptNext::Again => {}
                }
                return Ok(());
            }
        };
        socket.set_nonblocking(true)?;
        if let Some(peer) = Peer::admit(&socket) {
            epoll::add(&self.epoll, &socket, EventData::new_u64(self.next), EventFlags::IN)?;
            self.links.insert(self.next, Link { peer, socket, interest: EventFlags::IN });
            self.next += 1;
            OPEN.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn serve_one(&mut self, key: u64) -> Result<()> {
        let Some(link) = self.links.get_mut(&key) else { return Ok(()) };
        let alive = link.turn(self.burn).is_ok() && link.peer.step() != Step::Close;
        if !alive {
            self.links.remove(&key);
            OPEN.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        let mut interest = EventFlags::empty();
        interest.set(EventFlags::OUT, link.peer.step() == Step::Write);
        interest.set(EventFlags::IN, link.peer.wants_input());
        if interest != link.interest {
            link.interest = interest;
            epoll::modify(&self.epoll, &link.socket, EventData::new_u64(key), interest)?;
        }
        Ok(())
    }
}

impl Link {
    /// One read, the burning for what it brought, and a write as far as it goes. An error means: close.
    fn turn(&mut self, burn: Burn) -> io::Result<()> {
        let Self { peer, socket, .. } = self;
        if peer.wants_input() {
            let waiting = peer.pending().len();
            match peer.read_with(|buffer| (&*socket).read(buffer)) {
                Ok(_) => burn.burn(replies(&peer.pending()[waiting..])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        while peer.step() == Step::Write {
            match peer.write_with(|bytes| (&*socket).write(bytes)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                written => drop(written?),
            }
        }
        Ok(())
    }
}

/// Replies in `bytes`, which begin at a frame and end with one.
fn replies(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while let [_, high, low, ..] = *bytes {
        let length = HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
        bytes = bytes.get(length..).unwrap_or_default();
        count += 1;
    }
    count
}

impl Burn {
    /// Burns for so many frames, with as many connections as are open now.
    fn burn(self, frames: u64) {
        let each_ns = self.per_frame_ns + self.per_conn_ns * OPEN.load(Ordering::Relaxed);
        // The thread's own clock: what others take from it is not burnt.
        let until_ns = cpu_ns() + frames * each_ns;
        while cpu_ns() < until_ns {
            std::hint::spin_loop();
        }
    }
}

fn cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
