//! Client sockets: non-blocking, with the options asked for, connecting to one target.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, ipproto, socket_with, sockopt,
};

use crate::spec::Target;

/// linux/in.h; not in libc yet.
const IP_LOCAL_PORT_RANGE: libc::c_int = 51;

/// How sockets are made; the same for all of a client.
#[derive(Debug, Clone)]
pub(crate) struct SocketOptions {
    pub(crate) nodelay: bool,
    pub(crate) congestion: Option<String>,
    /// First and last source port of TCP connections.
    pub(crate) source_ports: Option<(u16, u16)>,
    /// SO_RCVBUF asked for.
    pub(crate) rcvbuf_bytes: Option<u32>,
}

/// How a connect began.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is up: Unix and UDP sockets, mostly.
    Connected(OwnedFd),
    /// Writability will say.
    Pending(OwnedFd),
    /// The server's queue is full (Unix sockets): try again later.
    Busy,
}

/// Begins to connect to `target`, from `source` if given.
pub(crate) fn begin(target: &Target, source: Option<IpAddr>, options: &SocketOptions) -> io::Result<Begun> {
    let fd = open(target)?;
    if matches!(target, Target::Tcp(_)) {
        sockopt::set_tcp_nodelay(&fd, options.nodelay)?;
        if let Some(name) = &options.congestion {
            sockopt::set_tcp_congestion(&fd, name)?;
        }
        if let Some(ports) = options.source_ports {
            set_local_port_range(&fd, ports)?;
        }
    }
    if let Some(bytes) = options.rcvbuf_bytes {
        // Before the connect: the window scale is agreed on there.
        sockopt::set_socket_recv_buffer_size(&fd, bytes as usize)?;
    }
    if let Some(source) = source {
        // The port is chosen at connect, so that one may serve several destinations.
        bind_address_no_port(&fd)?;
        bind(&fd, &SocketAddr::new(source, 0))?;
    }
    let begun = match target {
        Target::Tcp(addr) | Target::Udp(addr) => connect(&fd, addr),
        Target::Unix(path) => connect(&fd, &SocketAddrUnix::new(path)?),
    };
    match begun {
        Ok(()) => Ok(Begun::Connected(fd)),
        Err(Errno::INPROGRESS) => Ok(Begun::Pending(fd)),
        Err(Errno::AGAIN) if matches!(target, Target::Unix(_)) => Ok(Begun::Busy),
        Err(error) => Err(error.into()),
    }
}

/// Connects to `target` and closes again, to see whether anybody is there.
pub(crate) fn reach(target: &Target, timeout_ns: u64) -> io::Result<()> {
    match target {
        Target::Tcp(addr) | Target::Udp(addr) => {
            std::net::TcpStream::connect_timeout(addr, Duration::from_nanos(timeout_ns)).map(drop)
        }
        Target::Unix(path) => std::os::unix::net::UnixStream::connect(path).map(drop),
    }
}

/// Whether this kernel can be given source ports (Linux 6.3).
pub(crate) fn local_port_range_available() -> bool {
    let fd = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    fd.is_ok_and(|fd| set_local_port_range(&fd, (40_000, 40_001)).is_ok())
}

/// Whether this host can give sockets the congestion control `name`.
pub(crate) fn congestion_available(name: &str) -> bool {
    let Ok(fd) = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None) else { return false };
    sockopt::set_tcp_congestion(&fd, name).is_ok() && sockopt::tcp_congestion(&fd).is_ok_and(|got| got == name)
}

fn open(target: &Target) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let family = |addr: &SocketAddr| if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    Ok(match target {
        Target::Tcp(addr) => socket_with(family(addr), SocketType::STREAM, flags, Some(ipproto::TCP))?,
        Target::Udp(addr) => socket_with(family(addr), SocketType::DGRAM, flags, Some(ipproto::UDP))?,
        Target::Unix(_) => socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?,
    })
}

fn bind_address_no_port(fd: &OwnedFd) -> io::Result<()> {
    set_ip_option(fd, libc::IP_BIND_ADDRESS_NO_PORT, 1)
}

/// Bytes that a TCP socket has taken, and its peer not acknowledged yet; 0 where it cannot be told.
pub(crate) fn unsent_bytes(fd: &OwnedFd) -> u64 {
    use std::os::fd::AsRawFd;
    if sockopt::socket_domain(fd) == Ok(AddressFamily::UNIX) {
        // A Unix socket counts memory, not bytes; and what it took is with its peer already.
        return 0;
    }
    let mut bytes: libc::c_int = 0;
    // SAFETY: the request writes one int, to `bytes`, which outlives the call.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// The kernel keeps to the part of it that is in the host's own range.
fn set_local_port_range(fd: &OwnedFd, (first, last): (u16, u16)) -> io::Result<()> {
    set_ip_option(fd, IP_LOCAL_PORT_RANGE, (u32::from(last) << 16 | u32::from(first)).cast_signed())
}

fn set_ip_option(fd: &OwnedFd, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: `value` outlives the call, and the length given is its size.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_IP,
            option,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
