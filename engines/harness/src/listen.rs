//! Listening sockets, made the same way for every engine: every option set, and read back.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::{Context as _, Result};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::address::Address;
use crate::options::Options;

/// A listening socket, non-blocking. Engines wrap it in their framework's type.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// The same socket under another descriptor: both take from one accept queue.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(listener.try_clone()?),
            Self::Unix(listener) => Self::Unix(listener.try_clone()?),
        })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

/// The sockets of one `--addr`: one a shard.
#[derive(Debug)]
pub enum Acceptor {
    Stream(Vec<Listener>),
    Datagram(Vec<UdpSocket>),
}

/// All sockets of an engine, and what the kernel made of the options.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) acceptors: Vec<Acceptor>,
    /// With ports resolved.
    pub(crate) addrs: Vec<Address>,
    /// Read back, by `<addr> <option>`.
    pub(crate) sockets: BTreeMap<String, String>,
}

/// Binds every address of `options`.
///
/// # Errors
/// The address and option that the kernel refused, in one line.
pub(crate) fn bind(options: &Options) -> Result<Bound> {
    let mut bound = Bound { acceptors: Vec::new(), addrs: Vec::new(), sockets: BTreeMap::new() };
    for asked in &options.addr {
        let (acceptor, addr) = match asked {
            Address::Tcp(addr) => bind_tcp(*addr, options, &mut bound.sockets),
            Address::Udp(addr) => bind_udp(*addr, options, &mut bound.sockets),
            Address::Unix(path) => bind_unix(path, options, &mut bound.sockets),
        }
        .with_context(|| format!("cannot listen on {asked}"))?;
        bound.acceptors.push(acceptor);
        bound.addrs.push(addr);
    }
    Ok(bound)
}

/// Options that an accepted socket does not inherit from its listener: Unix sockets inherit no buffer sizes.
pub(crate) fn set_buffers(socket: &socket2::SockRef<'_>, options: &Options) -> io::Result<()> {
    if options.rcvbuf > 0 {
        socket.set_recv_buffer_size(options.rcvbuf as usize)?;
    }
    if options.sndbuf > 0 {
        socket.set_send_buffer_size(options.sndbuf as usize)?;
    }
    Ok(())
}

fn bind_tcp(
    mut addr: SocketAddr,
    options: &Options,
    report: &mut BTreeMap<String, String>,
) -> Result<(Acceptor, Address)> {
    let shards = options.acceptors();
    refuse_shared_port(addr, Type::STREAM, shards)?;
    let mut listeners = Vec::with_capacity(shards);
    for _ in 0..shards {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shards > 1)?;
        socket.set_tcp_nodelay(options.nodelay)?;
        set_buffers(&socket2::SockRef::from(&socket), options)?;
        if let Some(name) = &options.congestion {
            socket.set_tcp_congestion(name.as_bytes()).with_context(|| {
                format!("congestion control '{name}' is not available (see net.ipv4.tcp_available_congestion_control)")
            })?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(addr))?;
        // The first shard resolves port 0 for the others.
        addr = socket.local_addr()?.as_socket().context("a TCP socket has an IP address")?;
        socket.listen(options.backlog)?;
        read_back_tcp(&socket, addr, options, report)?;
        listeners.push(Listener::Tcp(socket.into()));
    }
    Ok((Acceptor::Stream(listeners), Address::Tcp(addr)))
}

fn bind_udp(
    mut addr: SocketAddr,
    options: &Options,
    report: &mut BTreeMap<String, String>,
) -> Result<(Acceptor, Address)> {
    let shards = options.acceptors();
    refuse_shared_port(addr, Type::DGRAM, shards)?;
    let mut sockets = Vec::with_capacity(shards);
    for _ in 0..shards {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_port(shards > 1)?;
        set_buffers(&socket2::SockRef::from(&socket), options)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(addr))?;
        addr = socket.local_addr()?.as_socket().context("a UDP socket has an IP address")?;
        read_back_buffers(&socket, &Address::Udp(addr), report)?;
        sockets.push(socket.into());
    }
    Ok((Acceptor::Datagram(sockets), Address::Udp(addr)))
}

fn bind_unix(path: &Path, options: &Options, report: &mut BTreeMap<String, String>) -> Result<(Acceptor, Address)> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    set_buffers(&socket2::SockRef::from(&socket), options)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(options.backlog)?;
    let addr = Address::Unix(path.to_owned());
    read_back_buffers(&socket, &addr, report)?;
    // SO_REUSEPORT does not shard Unix sockets: one listener, shared by all workers.
    Ok((Acceptor::Stream(vec![Listener::Unix(socket.into())]), addr))
}

/// SO_REUSEPORT would let two servers of one user share a port silently: binding once without it finds out.
fn refuse_shared_port(addr: SocketAddr, kind: Type, shards: usize) -> Result<()> {
    if addr.port() == 0 || shards == 1 {
        return Ok(());
    }
    let probe = Socket::new(Domain::for_address(addr), kind, None)?;
    probe.set_reuse_address(kind == Type::STREAM)?;
    Ok(probe.bind(&SockAddr::from(addr))?)
}

/// A socket file that nobody listens on is left from a server that was killed.
fn remove_stale(path: &Path) -> Result<()> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        anyhow::bail!("the path exists and is not a socket: remove it or choose another");
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(std::fs::remove_file(path)?),
        _ => anyhow::bail!("address in use: another server listens there"),
    }
}

fn read_back_tcp(
    socket: &Socket,
    addr: SocketAddr,
    options: &Options,
    report: &mut BTreeMap<String, String>,
) -> Result<()> {
    let name = Address::Tcp(addr);
    read_back_buffers(socket, &name, report)?;
    let congestion = socket.tcp_congestion()?;
    let congestion = String::from_utf8_lossy(&congestion).trim_end_matches('\0').to_owned();
    let somaxconn =
        std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok().and_then(|text| text.trim().parse().ok());
    report.insert(format!("{name} nodelay"), socket.tcp_nodelay()?.to_string());
    report.insert(format!("{name} reuseport"), socket.reuse_port()?.to_string());
    report.insert(format!("{name} congestion"), congestion);
    // The kernel does not tell a listener's backlog; it is capped silently.
    report.insert(format!("{name} backlog"), options.backlog.min(somaxconn.unwrap_or(i32::MAX)).to_string());
    Ok(())
}

fn read_back_buffers(socket: &Socket, name: &Address, report: &mut BTreeMap<String, String>) -> Result<()> {
    report.insert(format!("{name} rcvbuf"), socket.recv_buffer_size()?.to_string());
    report.insert(format!("{name} sndbuf"), socket.send_buffer_size()?.to_string());
    Ok(())
}
