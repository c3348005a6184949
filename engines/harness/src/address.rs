//! Where an engine listens: `tcp://host:port`, `unix:///path`, `udp://host:port`.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// One address to serve on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
    Udp(SocketAddr),
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// The transport's name in the manifest and in the URL: `tcp`, `unix` or `udp`.
    #[must_use]
    pub const fn transport(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Unix(_) => "unix",
            Self::Udp(_) => "udp",
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            AddressError(format!("'{text}' has no scheme: write tcp://HOST:PORT, unix:///PATH or udp://HOST:PORT"))
        })?;
        match scheme {
            "tcp" => Ok(Self::Tcp(resolve(rest)?)),
            "udp" => Ok(Self::Udp(resolve(rest)?)),
            // sockaddr_un holds 108 bytes with the terminator.
            "unix" if rest.is_empty() || rest.len() > 107 => {
                Err(AddressError(format!("'{text}': a Unix socket path has 1 to 107 bytes")))
            }
            "unix" => Ok(Self::Unix(PathBuf::from(rest))),
            other => Err(AddressError(format!("'{text}': unknown scheme '{other}', use tcp, unix or udp"))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "tcp://{addr}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Udp(addr) => write!(f, "udp://{addr}"),
        }
    }
}

fn resolve(host_port: &str) -> Result<SocketAddr, AddressError> {
    host_port
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| AddressError(format!("'{host_port}' is not HOST:PORT of this machine, such as 127.0.0.1:7000")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for text in ["tcp://127.0.0.1:0", "udp://127.0.0.2:9", "unix:///run/x.sock", "tcp://[::1]:80"] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn wrong_addresses_say_what_to_write() {
        for (text, hint) in [
            ("127.0.0.1:80", "no scheme"),
            ("http://x", "unknown scheme"),
            ("tcp://nowhere", "HOST:PORT"),
            ("unix://", "1 to 107"),
        ] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
