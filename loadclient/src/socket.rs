//! Client sockets: non-blocking, with the options asked for, connecting to one target.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, ipproto, socket_with, sockopt,
};

use crate::spec::Target;

/// How sockets are made; the same for all of a client.
#[derive(Debug, Clone)]
pub(crate) struct SocketOptions {
    pub(crate) nodelay: bool,
    pub(crate) congestion: Option<String>,
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
    use std::os::fd::AsRawFd;
    let on: libc::c_int = 1;
    // SAFETY: `on` outlives the call, and the length given is its size.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
