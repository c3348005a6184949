//! Where the servers of a trial listen.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::record::Transport;

/// Hands out addresses to listen on, each once until they run out.
///
/// TCP and UDP ports lie outside the range from which the kernel takes client ports: inside it, a client of an
/// earlier trial may hold the port in TIME_WAIT.
#[derive(Debug)]
pub struct Ports {
    range: Range<u16>,
    next: u16,
    folder: PathBuf,
    sockets: u32,
}

/// Loopback, all of it: server and client are on one host.
const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

impl Ports {
    /// `ephemeral` is the kernel's range for client ports, `start` varies where the search begins.
    ///
    /// # Errors
    /// When the private folder for Unix sockets cannot be made.
    pub fn new(ephemeral: Range<u16>, start: u32) -> anyhow::Result<Self> {
        let range = outside(ephemeral);
        let next = range.start + (start % u32::from(range.end - range.start)) as u16;
        let folder = private_folder()?;
        Ok(Self { range, next, folder, sockets: 0 })
    }

    /// A free address, as `--addr` takes it.
    ///
    /// # Errors
    /// When every port is taken.
    pub fn take(&mut self, transport: Transport) -> anyhow::Result<String> {
        if transport == Transport::Unix {
            self.sockets += 1;
            return Ok(format!("unix://{}/{}.sock", self.folder.display(), self.sockets));
        }
        for _ in self.range.clone() {
            let port = self.next;
            self.next = if port + 1 == self.range.end { self.range.start } else { port + 1 };
            if is_free(transport, port) {
                return Ok(format!("{}://{HOST}:{port}", transport.name()));
            }
        }
        bail!("all ports from {} to {} are taken", self.range.start, self.range.end - 1)
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        // What is left in it are sockets of servers that were killed.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The kernel's range for client ports; its default where it cannot be read.
#[must_use]
pub fn ephemeral_ports() -> Range<u16> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ports = text.split_whitespace().filter_map(|port| port.parse().ok());
    match (ports.next(), ports.next()) {
        (Some(low), Some(high)) if low < high => low..high,
        _ => 32_768..60_999,
    }
}

/// The larger side of the unprivileged ports that `ephemeral` leaves.
fn outside(ephemeral: Range<u16>) -> Range<u16> {
    const FIRST: u16 = 10_000;
    const LAST: u16 = u16::MAX;
    let below = FIRST..ephemeral.start.max(FIRST);
    let above = ephemeral.end.saturating_add(1)..LAST;
    let room = |range: &Range<u16>| range.end.saturating_sub(range.start);
    let best = if room(&below) >= room(&above) { below } else { above };
    // A host that gives nearly all ports to clients leaves none: then any port must do.
    if room(&best) < 64 { FIRST..LAST } else { best }
}

fn is_free(transport: Transport, port: u16) -> bool {
    let address = SocketAddrV4::new(HOST, port);
    match transport {
        Transport::Udp => UdpSocket::bind(address).is_ok(),
        Transport::Tcp | Transport::Unix => TcpListener::bind(address).is_ok(),
    }
}

fn private_folder() -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    for number in 0..1000 {
        let path = std::env::temp_dir().join(format!("crossover-{}-{number}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context(describe(&path)),
        }
    }
    bail!("{}", describe(&std::env::temp_dir()))
}

fn describe(path: &Path) -> String {
    format!("failed to make a private folder for sockets at {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lie_outside_the_clients_range() {
        assert_eq!(outside(32_768..60_999), 10_000..32_768);
        assert_eq!(outside(10_240..50_000), 50_001..u16::MAX);
        assert_eq!(outside(1_024..65_535), 10_000..u16::MAX);
    }

    #[test]
    fn a_taken_port_is_left_out() {
        let taken = TcpListener::bind((HOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(!is_free(Transport::Tcp, port));
    }

    #[test]
    fn the_private_folder_goes_with_its_owner() {
        let mut ports = Ports::new(32_768..60_999, 3).unwrap();
        let folder = ports.folder.clone();
        assert!(ports.take(Transport::Unix).unwrap().starts_with("unix:///"));
        assert!(folder.is_dir());
        drop(ports);
        assert!(!folder.exists());
    }
}
