//! Where the load goes: `tcp://ADDRESS:PORT`, `unix://PATH` or `udp://ADDRESS:PORT`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The longest path that fits `sun_path` with its final zero byte.
const UNIX_PATH_BYTES_MAX: usize = 107;

/// One server address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
    Udp(SocketAddr),
}

impl Target {
    /// Whether one datagram is one frame.
    #[must_use]
    pub const fn is_datagram(&self) -> bool {
        matches!(self, Self::Udp(_))
    }

    /// The IP address and port, which a Unix socket has not.
    #[must_use]
    pub const fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) | Self::Udp(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "tcp://{addr}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Udp(addr) => write!(f, "udp://{addr}"),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "expected tcp://ADDRESS:PORT, unix://PATH or udp://ADDRESS:PORT";
        let (scheme, rest) = text.split_once("://").ok_or(wanted)?;
        match scheme {
            "tcp" => Ok(Self::Tcp(socket_addr(rest)?)),
            "udp" => Ok(Self::Udp(socket_addr(rest)?)),
            "unix" if rest.is_empty() => Err("the path is empty".into()),
            "unix" if rest.len() > UNIX_PATH_BYTES_MAX => {
                Err(format!("the path has {} bytes, a Unix socket takes {UNIX_PATH_BYTES_MAX}", rest.len()))
            }
            "unix" => Ok(Self::Unix(rest.into())),
            _ => Err(wanted.into()),
        }
    }
}

// Names are not resolved: a resolver would decide which address family is measured.
fn socket_addr(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr =
        text.parse().map_err(|_| format!("`{text}` is no numeric ADDRESS:PORT such as 127.0.0.1:7000"))?;
    if addr.port() == 0 { Err("port 0 cannot be connected to".into()) } else { Ok(addr) }
}
