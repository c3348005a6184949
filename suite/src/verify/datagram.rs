//! A UDP client: one datagram out, at most one in.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::Address;

use super::server::Server;

/// A connected UDP socket.
#[derive(Debug)]
pub(crate) struct DatagramClient {
    socket: UdpSocket,
}

impl DatagramClient {
    pub(crate) fn connect(server: &Server, patience: Duration) -> Result<Self> {
        let Address::Udp(addr) = server.addr else { bail!("{} is no UDP address", server.addr) };
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(addr)?;
        socket.set_read_timeout(Some(patience))?;
        Ok(Self { socket })
    }

    pub(crate) fn send(&self, datagram: &[u8]) -> Result<()> {
        self.socket.send(datagram).map(drop).context("failed to send a datagram")
    }

    pub(crate) fn expect(&self, expected: &[u8]) -> Result<()> {
        let mut buffer = vec![0; 1 << 16];
        let n = self.socket.recv(&mut buffer).context("no reply datagram")?;
        ensure!(buffer[..n] == *expected, "a wrong reply of {n} bytes where {} were due", expected.len());
        Ok(())
    }

    /// Asks; the answer must be `expected`. Loopback loses nothing while so little is in flight.
    pub(crate) fn exchange(&self, datagram: &[u8], expected: &[u8]) -> Result<()> {
        self.send(datagram)?;
        self.expect(expected)
    }

    /// Nothing has arrived. Ask something else first: its reply proves that the server has seen the rest.
    pub(crate) fn expect_nothing(&self) -> Result<()> {
        self.socket.set_nonblocking(true)?;
        let received = self.socket.recv(&mut [0; 64]);
        self.socket.set_nonblocking(false)?;
        match received {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            other => bail!("a datagram where none was due: {other:?}"),
        }
    }
}
