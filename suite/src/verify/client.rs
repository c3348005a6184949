//! One connection to an engine: blocking, with every wait bounded.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use harness::Address;
use rustix::net::RecvFlags;
use socket2::{Domain, SockAddr, Socket, Type};

use super::script::Script;

/// A client that believes nothing.
#[derive(Debug)]
pub(crate) struct Client {
    socket: Socket,
    patience: Duration,
}

impl Client {
    /// Connects; a TCP socket sends what it is given at once.
    pub(crate) fn connect(addr: &Address, patience: Duration) -> io::Result<Self> {
        Self::connect_with(addr, patience, |_| Ok(()))
    }

    /// As [`Client::connect`], with socket options that must precede the handshake.
    pub(crate) fn connect_with(
        addr: &Address,
        patience: Duration,
        prepare: impl FnOnce(&Socket) -> io::Result<()>,
    ) -> io::Result<Self> {
        let (domain, target) = match addr {
            Address::Tcp(addr) => (Domain::for_address(*addr), SockAddr::from(*addr)),
            Address::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
            Address::Udp(_) => return Err(io::Error::other("datagrams have a client of their own")),
        };
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_read_timeout(Some(patience))?;
        // Bounds connecting, too.
        socket.set_write_timeout(Some(patience))?;
        prepare(&socket)?;
        socket.connect(&target)?;
        if domain != Domain::UNIX {
            socket.set_tcp_nodelay(true)?;
        }
        Ok(Self { socket, patience })
    }

    /// The same connection under another descriptor, for a thread of its own.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone()?, patience: self.patience })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let length = bytes.len();
        self.socket.write_all(bytes).with_context(|| format!("failed to send {length} bytes"))
    }

    /// One write, as far as the socket takes it within `limit`; 0 when it takes nothing.
    pub(crate) fn send_some(&mut self, bytes: &[u8], limit: Duration) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(limit))?;
        // A socket with a timeout is interrupted by signals, whatever their handlers ask for.
        let written = loop {
            match self.socket.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.socket.set_write_timeout(Some(self.patience))?;
        match written {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(0),
            other => other,
        }
    }

    /// One read, whatever it brings.
    pub(crate) fn receive_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }

    /// Reads exactly `expected`.
    pub(crate) fn expect(&mut self, expected: &[u8]) -> Result<()> {
        let mut buffer = vec![0; expected.len().clamp(1, 1 << 16)];
        let mut at = 0;
        while at < expected.len() {
            let wanted = (expected.len() - at).min(buffer.len());
            let n = match self.socket.read(&mut buffer[..wanted]) {
                Ok(0) => bail!("closed after {at} of {} reply bytes", expected.len()),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    bail!("{at} of {} reply bytes came, then none for {:?}", expected.len(), self.patience)
                }
                Err(error) => bail!("{error} after {at} of {} reply bytes", expected.len()),
            };
            compare(&buffer[..n], &expected[at..at + n], at)?;
            at += n;
        }
        Ok(())
    }

    /// Sends the requests from a thread of their own while the replies are read and compared.
    pub(crate) fn exchange(&mut self, script: &Script) -> Result<()> {
        if script.request.len() < 1024 {
            self.send(&script.request)?;
            return self.expect(&script.reply);
        }
        let mut writer = self.try_clone()?;
        thread::scope(|scope| {
            let sent = scope.spawn(move || writer.send(&script.request));
            let received = self.expect(&script.reply);
            if received.is_err() {
                // The writer may wait for room that never comes.
                let _ = self.socket.shutdown(Shutdown::Both);
            }
            let sent = sent.join().expect("sending does not panic");
            received.and(sent)
        })
    }

    /// No more requests: the half-close.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.socket.shutdown(Shutdown::Write).context("failed to shut down")
    }

    /// Nothing more arrives, and the connection ends in order.
    pub(crate) fn expect_end(&mut self) -> Result<()> {
        let rest = self.rest()?;
        ensure!(rest.is_empty(), "{} bytes after the last reply: {}", rest.len(), excerpt(&rest));
        Ok(())
    }

    /// Nothing more arrives, and the connection ends; a reset will do, where bytes of ours may be unread.
    pub(crate) fn expect_closed(&mut self) -> Result<()> {
        let mut byte = [0];
        match self.socket.read(&mut byte) {
            Ok(0) => Ok(()),
            Ok(_) => bail!("a byte 0x{:02x} where the connection was to be closed", byte[0]),
            Err(error) if is_reset(&error) => Ok(()),
            Err(error) => bail!("not closed within {:?}: {error}", self.patience),
        }
    }

    /// All bytes until the end of input.
    pub(crate) fn rest(&mut self) -> Result<Vec<u8>> {
        let mut rest = Vec::new();
        match self.socket.read_to_end(&mut rest) {
            Ok(_) => Ok(rest),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                bail!("not closed within {:?}, {} bytes came", self.patience, rest.len())
            }
            Err(error) => bail!("{error} instead of an orderly end, after {} bytes", rest.len()),
        }
    }

    /// As [`Client::rest`], where a reset is an end, too.
    pub(crate) fn rest_or_reset(&mut self) -> Result<Vec<u8>> {
        let mut rest = Vec::new();
        match self.socket.read_to_end(&mut rest) {
            Err(error) if !is_reset(&error) => bail!("not closed within {:?}: {error}", self.patience),
            _ => Ok(rest),
        }
    }

    /// Whether the peer has closed, without waiting. Arrived bytes are lost.
    pub(crate) fn is_closed(&mut self) -> bool {
        let _ = self.socket.set_nonblocking(true);
        let mut buffer = [0; 4096];
        let closed = loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(error) => break is_reset(&error),
            }
        };
        let _ = self.socket.set_nonblocking(false);
        closed
    }

    /// Whether exactly `expected` has arrived, without waiting. It is taken only when all of it is there.
    pub(crate) fn has_received(&mut self, expected: &[u8]) -> bool {
        let mut buffer = vec![0; expected.len()];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = rustix::net::recv(&self.socket, &mut buffer[..], flags);
        peeked.is_ok_and(|(n, _)| n == expected.len()) && self.expect(expected).is_ok()
    }

    /// Ends the connection with a reset (TCP), or at once (Unix).
    pub(crate) fn reset(self) -> Result<()> {
        self.socket.set_linger(Some(Duration::ZERO)).context("failed to set SO_LINGER")
    }
}

/// The peer has closed its end, and something of ours was not read.
pub(crate) fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// Asks until `holds`, and fails with what it said last.
pub(crate) fn until<T>(
    what: &str,
    patience: Duration,
    mut ask: impl FnMut() -> Result<T>,
    holds: impl Fn(&T) -> bool,
    describe: impl Fn(&T) -> String,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        let now = ask()?;
        if holds(&now) {
            return Ok(now);
        }
        ensure!(Instant::now() < deadline, "{what}: not within {patience:?}: {}", describe(&now));
        thread::sleep(Duration::from_millis(5));
    }
}

fn compare(got: &[u8], expected: &[u8], at: usize) -> Result<()> {
    let Some(differs) = got.iter().zip(expected).position(|(got, expected)| got != expected) else { return Ok(()) };
    bail!(
        "reply byte {} is wrong: {} where {} was due",
        at + differs,
        excerpt(&got[differs..]),
        excerpt(&expected[differs..])
    )
}

fn excerpt(bytes: &[u8]) -> String {
    const BYTES_MAX: usize = 8;
    let shown: Vec<String> = bytes.iter().take(BYTES_MAX).map(|byte| format!("{byte:02x}")).collect();
    shown.join(" ") + if bytes.len() > BYTES_MAX { " …" } else { "" }
}
