//! A poll loop a worker, as simple as it can be, with a place for each fault.

use std::io::{self, ErrorKind, Read, Write};
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use harness::{AcceptNext, Datagrams, Listener, Peer, Server, Step, Worker, accept_failed};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::net::RecvFlags;
use socket2::Socket;

use crate::fault::Fault;

/// An impatient engine's patience.
const QUIET_MAX: Duration = Duration::from_millis(100);
/// How long a stalling engine waits for a peer.
const STALL: Duration = Duration::from_millis(30);
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

pub(crate) fn serve(server: Server, fault: Fault) -> Result<()> {
    let workers = server.into_workers()?;
    let threads: Vec<_> = workers.into_iter().map(|share| thread::spawn(move || run(share, fault))).collect();
    threads.into_iter().try_for_each(|thread| thread.join().expect("a worker does not panic"))
}

struct Link {
    // Dropped before its socket, as the harness asks.
    peer: Peer,
    socket: Socket,
    interest: EventFlags,
    touched: Instant,
    hoard: Vec<Vec<u8>>,
}

struct Core {
    fault: Fault,
    epoll: OwnedFd,
    listeners: Vec<Listener>,
    paused_until: Option<Instant>,
    links: Vec<Link>,
    probes: Vec<(UdpSocket, Datagrams)>,
}

fn run(mut share: Worker, fault: Fault) -> Result<()> {
    let probes = share.datagrams.drain(..).map(|socket| (socket, Datagrams::new())).collect();
    let listeners = share.listeners.drain(..).collect();
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut core = Core { fault, epoll, listeners, paused_until: None, links: Vec::new(), probes };
    core.watch_listeners()?;
    for (socket, _) in &core.probes {
        epoll::add(&core.epoll, socket, EventData::new_u64(0), EventFlags::IN)?;
    }
    share.ready()?;
    let mut events = Vec::with_capacity(64);
    loop {
        events.clear();
        // Which socket it was does not matter: all are tried.
        match epoll::wait(&core.epoll, spare_capacity(&mut events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        core.accept()?;
        let (fault, draining) = (core.fault, harness::draining());
        let epoll = &core.epoll;
        core.links.retain_mut(|link| link.drive(fault, draining).and_then(|()| link.watch(epoll, fault)).is_ok());
        core.probes.retain_mut(|(socket, datagrams)| answer(socket, datagrams, fault) && !draining);
    }
}

impl Core {
    fn watch_listeners(&self) -> Result<()> {
        for listener in &self.listeners {
            epoll::add(&self.epoll, listener, EventData::new_u64(0), EventFlags::IN)?;
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        if let Some(until) = self.paused_until {
            if Instant::now() < until {
                return Ok(());
            }
            self.paused_until = None;
            self.watch_listeners()?;
        }
        let mut stopped = None;
        for (index, listener) in self.listeners.iter().enumerate() {
            let socket = match accept(listener) {
                Ok(socket) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => {
                    match accept_failed(&error) {
                        AcceptNext::Pause(_) if self.fault == Fault::Spins => {}
                        AcceptNext::Pause(pause) => self.paused_until = Some(Instant::now() + pause),
                        AcceptNext::Stop => stopped = Some(index),
                        AcceptNext::Again => {}
                    }
                    continue;
                }
            };
            if let Some(peer) = Peer::admit(&socket) {
                epoll::add(&self.epoll, &socket, EventData::new_u64(0), EventFlags::IN)?;
                let (touched, hoard) = (Instant::now(), Vec::new());
                self.links.push(Link { peer, socket, interest: EventFlags::IN, touched, hoard });
            }
        }
        if let Some(index) = stopped {
            epoll::delete(&self.epoll, &self.listeners[index])?;
            self.listeners.remove(index);
        }
        if self.paused_until.is_some() {
            for listener in &self.listeners {
                epoll::delete(&self.epoll, listener)?;
            }
        }
        Ok(())
    }
}

impl Link {
    /// Asks for the events that can help now.
    fn watch(&mut self, epoll: &OwnedFd, fault: Fault) -> io::Result<()> {
        let mut interest = EventFlags::empty();
        if self.peer.step() == Step::Write {
            interest |= EventFlags::OUT;
        }
        if self.peer.wants_input() || fault == Fault::Greedy {
            interest |= EventFlags::IN;
        }
        if interest != self.interest {
            self.interest = interest;
            epoll::modify(epoll, &self.socket, EventData::new_u64(0), interest)?;
        }
        Ok(())
    }

    /// One write and one read, as far as they go. An error means: close.
    fn drive(&mut self, fault: Fault, draining: bool) -> io::Result<()> {
        if fault == Fault::Cuts && draining {
            return Err(ErrorKind::Interrupted.into());
        }
        if fault == Fault::Impatient && self.touched.elapsed() > QUIET_MAX {
            return Err(ErrorKind::TimedOut.into());
        }
        let turn = self.turn(fault);
        match turn {
            _ if fault == Fault::Leaks => Ok(()),
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ if self.peer.step() == Step::Close => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn turn(&mut self, fault: Fault) -> io::Result<()> {
        self.flush(fault)?;
        if self.peer.step() != Step::Close && (self.peer.wants_input() || fault == Fault::Greedy) {
            self.read(fault)?;
            self.touched = Instant::now();
        }
        self.flush(fault)?;
        if fault == Fault::Hoards && self.peer.step() == Step::Read {
            self.peer.spare();
        }
        Ok(())
    }

    /// Writes until nothing waits, or the socket takes no more.
    fn flush(&mut self, fault: Fault) -> io::Result<()> {
        while self.peer.step() == Step::Write {
            match self.write(fault) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if fault == Fault::Stalls {
                        thread::sleep(STALL);
                    }
                    return Ok(());
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn read(&mut self, fault: Fault) -> io::Result<()> {
        let Self { peer, socket, hoard, .. } = self;
        let n = match fault {
            Fault::Hoards => {
                let buffer = peer.spare();
                let n = (&*socket).read(buffer)?;
                hoard.push(buffer[..n].to_vec());
                peer.filled(n);
                n
            }
            Fault::Trusting => peer.read_with(|buffer| {
                let n = (&*socket).read(buffer)?;
                if let [_, high, low, ..] = buffer[..n] {
                    hoard.push(Vec::with_capacity(u16::from_be_bytes([high, low]).into()));
                }
                Ok(n)
            })?,
            Fault::DropsCrumbs => peer.read_with(|buffer| match (&*socket).read(buffer)? {
                1 | 2 => Err(ErrorKind::WouldBlock.into()),
                n => Ok(n),
            })?,
            _ => peer.read_with(|buffer| (&*socket).read(buffer))?,
        };
        if fault == Fault::Abrupt && (n == 0 || ends_soon(socket)) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn write(&mut self, fault: Fault) -> io::Result<()> {
        let Self { peer, socket, .. } = self;
        peer.write_with(|bytes| match (fault, bytes) {
            (Fault::WrongBytes, [first @ .., last]) => (&*socket).write(&[first, &[last ^ 1]].concat()),
            (Fault::NoErrors, [replies @ .., 0xFF, 0, 1, _]) => (&*socket).write_all(replies).map(|()| bytes.len()),
            _ => (&*socket).write(bytes),
        })
        .map(drop)
    }
}

/// Answers what has arrived; `false` when the socket is of no more use.
fn answer(socket: &UdpSocket, datagrams: &mut Datagrams, fault: Fault) -> bool {
    loop {
        match socket.recv_from(datagrams.buffer()) {
            Ok((n, from)) => {
                let mut reply = datagrams.answer(n).to_vec();
                if fault == Fault::WrongBytes {
                    // Junk is answered, too.
                    reply.push(0);
                }
                if fault == Fault::WrongBytes || !reply.is_empty() {
                    let _ = socket.send_to(&reply, from);
                }
            }
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

fn accept(listener: &Listener) -> io::Result<Socket> {
    let socket: Socket = match listener {
        Listener::Tcp(listener) => listener.accept()?.0.into(),
        Listener::Unix(listener) => listener.accept()?.0.into(),
    };
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Whether the end of input follows what was read. The client gets the time to say so.
fn ends_soon(socket: &Socket) -> bool {
    thread::sleep(Duration::from_millis(5));
    let peeked = rustix::net::recv(socket, &mut [0_u8; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
    matches!(peeked, Ok((0, _)))
}
