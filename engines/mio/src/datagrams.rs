//! The UDP probe: a socket in the same loop.

use std::io;

use harness::Datagrams;
use mio::event::Source;
use mio::net::UdpSocket;

/// One UDP socket. Edge-triggered: it is emptied at every event.
pub(crate) struct Probe {
    socket: UdpSocket,
    datagrams: Datagrams,
}

impl Probe {
    pub(crate) fn new(socket: std::net::UdpSocket) -> Self {
        Self { socket: UdpSocket::from_std(socket), datagrams: Datagrams::new() }
    }

    pub(crate) fn source(&mut self) -> &mut dyn Source {
        &mut self.socket
    }

    /// Answers what has arrived. A reply that the socket does not take is lost, as datagrams are.
    pub(crate) fn answer(&mut self) {
        loop {
            match self.socket.recv_from(self.datagrams.buffer()) {
                Ok((n, from)) => {
                    let reply = self.datagrams.answer(n);
                    if !reply.is_empty() {
                        let _ = self.socket.send_to(reply, from);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An ICMP error of an earlier reply is reported once; what is behind it is still there.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => return,
            }
        }
    }
}
