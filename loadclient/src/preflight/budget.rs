//! Which of a host's limits a request would break: arithmetic on the two, nothing is opened or read. Estimates are of
//! what is needed at the least, so that nothing that could work is refused.

use std::net::{IpAddr, Ipv4Addr};

use protocol::HEADER_BYTES;

use super::host::Host;
use crate::spec::{BulkSource, Churn, Close, Mode, Spec, Target};

/// Descriptors of a client beside its connections: standard streams, and epoll set, eventfd and /proc per thread.
const DESCRIPTORS_BASE: u64 = 16;
const DESCRIPTORS_PER_THREAD: u64 = 3;
/// User memory of one idle connection, as promised (80 were measured), and of what one thread holds: buffers and histograms.
const CONN_BYTES: u64 = 128;
const THREAD_BYTES: u64 = 1 << 20;
/// Kernel memory of one idle TCP endpoint (slabs TCP, sock_inode_cache, filp, dentry, epitem): 3.8 KB on Linux 6.18.
const ENDPOINT_BYTES: u64 = 3_800;
/// Of a connection that sends a file: the buffer of `copy`, the pipe of `splice`.
const COPY_BYTES: u64 = 128 * 1024;
const PIPE_BYTES: u64 = 64 * 1024;
/// Requests of one connection that are in its buffers at once are at most so many bytes, whatever `--in-flight` says.
const IN_FLIGHT_BYTES_MAX: u64 = 4 << 20;
/// Mappings of one thread: stack, its guard, an arena and its guard.
const MAPS_PER_THREAD: u64 = 4;
/// How long a port stays in TIME_WAIT, and after how long the kernel may use it again if `tcp_tw_reuse` lets it.
const TIME_WAIT_S: f64 = 60.0;
const TIME_WAIT_REUSED_S: f64 = 1.0;

/// Every limit that `spec` would break on `host`, each with its fix. Empty: it can be tried.
pub(super) fn broken(spec: &Spec, host: &Host) -> Vec<String> {
    [descriptors(spec, host), files(spec, host), ports(spec, host), time_wait(spec, host), memory(spec, host)]
        .into_iter()
        .chain([tcp_memory(spec, host), maps(spec, host)])
        .flatten()
        .collect()
}

/// Descriptors that this process needs.
pub(super) fn descriptors_needed(spec: &Spec) -> u64 {
    descriptors_per_conn(spec) * u64::from(spec.conns)
        + DESCRIPTORS_BASE
        + DESCRIPTORS_PER_THREAD * u64::from(spec.threads)
}

/// A pipe is beside every socket that is spliced into.
fn descriptors_per_conn(spec: &Spec) -> u64 {
    let spliced = matches!(&spec.mode, Mode::Stream(bulk) if matches!(bulk.source, BulkSource::Splice(_)));
    if spliced { 3 } else { 1 }
}

fn descriptors(spec: &Spec, host: &Host) -> Option<String> {
    let needed = descriptors_needed(spec);
    let hard = host.descriptors_max.filter(|&hard| needed > hard)?;
    let own = DESCRIPTORS_BASE + DESCRIPTORS_PER_THREAD * u64::from(spec.threads);
    let conns_max = hard.saturating_sub(own) / descriptors_per_conn(spec);
    let first = match host.nr_open {
        Some(nr_open) if nr_open < needed => format!("`sysctl -w fs.nr_open={needed}` and then "),
        _ => String::new(),
    };
    let split = match conns_max {
        0 => String::new(),
        _ => format!(" or split the load over {} client processes", u64::from(spec.conns).div_ceil(conns_max)),
    };
    Some(format!(
        "--conns {} needs {needed} file descriptors, the hard limit is {hard}: raise it ({first}`ulimit -Hn {needed}` as root){split}",
        spec.conns
    ))
}

fn files(spec: &Spec, host: &Host) -> Option<String> {
    let needed = descriptors_needed(spec) + u64::from(spec.conns) * (endpoints(spec) - 1);
    let free = host.files_free.filter(|&free| needed > free)?;
    Some(format!(
        "{needed} open files are needed, {free} are left to the host: `sysctl -w fs.file-max=$(($(cat /proc/sys/fs/file-max) + {}))`",
        needed - free
    ))
}

fn ports(spec: &Spec, host: &Host) -> Option<String> {
    let (first, last) = spec.source_ports.or(host.ports)?;
    if let (Some((low, high)), Some((host_first, host_last))) = (spec.source_ports, host.ports)
        && (low < host_first || high > host_last)
    {
        let (low_all, high_all) = (low.min(host_first), high.max(host_last));
        return Some(format!(
            "--ports {low}-{high} is not inside the host's range {host_first}-{host_last}: choose ports there, or \
             `sysctl -w net.ipv4.ip_local_port_range=\"{low_all} {high_all}\"`"
        ));
    }
    let ports = u64::from(last - first) + 1;
    let sources = spec.source_addresses.len().max(1) as u64;
    // TCP shares a port among destinations; UDP does not.
    let per_target = u64::from(spec.conns).div_ceil(spec.targets.len() as u64);
    let datagram_targets = spec.targets.iter().filter(|target| target.is_datagram()).count() as u64;
    let needed = if datagram_targets > 0 {
        per_target * datagram_targets
    } else if over_tcp(spec) {
        per_target
    } else {
        return None;
    };
    (needed > ports * sources).then(|| {
        let wanted = needed.div_ceil(ports);
        format!(
            "{needed} connections to one address need as many ports, {sources} source address(es) × {ports} ports \
             ({first}–{last}) are {}: give {wanted} of them, such as --srcips {}{}",
            ports * sources,
            addresses(wanted),
            widen(spec)
        )
    })
}

/// Ports of connections that are over, where the client closed first.
fn time_wait(spec: &Spec, host: &Host) -> Option<String> {
    let Mode::Churn(Churn { pace: Some((rate_per_s, _)), close: Close::Fin, .. }) = spec.mode else { return None };
    let (first, last) = spec.source_ports.or(host.ports).filter(|_| over_tcp(spec))?;
    let reused = host.tw_reuse == 1 || (host.tw_reuse == 2 && is_local(spec));
    let kept_s = if reused { TIME_WAIT_REUSED_S } else { TIME_WAIT_S };
    let load_s = (spec.warmup_ns + spec.duration_ns) as f64 / 1e9;
    let needed = (rate_per_s * kept_s.min(load_s) / spec.targets.len() as f64).ceil() as u64;
    let ports = u64::from(last - first) + 1;
    let there = ports * spec.source_addresses.len().max(1) as u64;
    (needed > there).then(|| {
        let reuse = if reused { "" } else { ", `sysctl -w net.ipv4.tcp_tw_reuse=1`" };
        format!(
            "{rate_per_s} connections/s, closed by the client, leave {needed} ports to one address in TIME_WAIT \
             ({kept_s} s each), there are {there}: give --close rst, --srcips {}{reuse}{}",
            addresses(needed.div_ceil(ports)),
            widen(spec)
        )
    })
}

fn memory(spec: &Spec, host: &Host) -> Option<String> {
    let conns = u64::from(spec.conns);
    let per_sender = match &spec.mode {
        Mode::Stream(bulk) => match bulk.source {
            BulkSource::Copy(_) => COPY_BYTES,
            BulkSource::Splice(_) => PIPE_BYTES,
            BulkSource::Memory | BulkSource::Sendfile(_) => 0,
        },
        _ => 0,
    };
    let needed = conns * (CONN_BYTES + ENDPOINT_BYTES * endpoints(spec))
        + u64::from(spec.active) * per_sender
        + u64::from(spec.threads) * THREAD_BYTES;
    let there = host.memory_bytes.filter(|&there| needed > there)?;
    let ends = if endpoints(spec) == 2 { "both ends are on this host" } else { "this end" };
    Some(format!(
        "--conns {} needs {} MiB of memory at the least ({ends}; the server's own comes on top), {} MiB are available: \
         lower --conns to {}, free some, or spread the load over several hosts",
        spec.conns,
        needed >> 20,
        there >> 20,
        u128::from(conns) * u128::from(there) / u128::from(needed)
    ))
}

/// Buffers of what is under way: on a schedule a second's worth, as a server may well stall for one.
fn tcp_memory(spec: &Spec, host: &Host) -> Option<String> {
    if !over_tcp(spec) {
        return None;
    }
    let frame_bytes = |payload: f64| HEADER_BYTES as u64 + payload.ceil() as u64;
    let echo = frame_bytes(spec.payload.mean_bytes());
    let active = u64::from(spec.active);
    let paced = |rate_per_s: f64| active.min(rate_per_s.ceil() as u64);
    let (conns, bytes) = match &spec.mode {
        Mode::Open { total_rate_per_s, .. } => (paced(*total_rate_per_s), echo),
        Mode::SlowReader(slow) => (paced(slow.total_rate_per_s), echo),
        Mode::Hold { heartbeat: Some((period_ns, _)) } => {
            (paced(f64::from(spec.active) * 1e9 / *period_ns as f64), echo)
        }
        Mode::Hold { heartbeat: None } => (0, 0),
        Mode::Saturate { in_flight } => (active, (echo * u64::from(*in_flight)).min(IN_FLIGHT_BYTES_MAX.max(echo))),
        Mode::Churn(Churn { pace, .. }) => {
            (pace.map_or(active, |(rate_per_s, _)| u64::from(spec.conns).min(rate_per_s.ceil() as u64)), echo)
        }
        Mode::Stream(bulk) => (active, frame_bytes(bulk.chunk_bytes.into())),
    };
    // The request in one buffer, or its reply in another: not both at once.
    let needed = conns * bytes.div_ceil(host.page_bytes);
    let max = host.tcp_pages_max.filter(|&max| needed > max.saturating_sub(host.tcp_pages_used))?;
    let wanted = (needed + host.tcp_pages_used) * 5 / 4;
    Some(format!(
        "{conns} connections with {bytes} bytes under way need {needed} pages of TCP buffers, net.ipv4.tcp_mem allows {max}, of \
         which {} are used: `sysctl -w net.ipv4.tcp_mem=\"{} {} {wanted}\"`",
        host.tcp_pages_used,
        wanted / 2,
        wanted * 3 / 4
    ))
}

fn maps(spec: &Spec, host: &Host) -> Option<String> {
    let needed = host.maps_used + MAPS_PER_THREAD * u64::from(spec.threads);
    let max = host.maps_max.filter(|&max| needed > max)?;
    Some(format!(
        "--threads {} needs {needed} memory mappings, vm.max_map_count allows {max}: `sysctl -w vm.max_map_count={}`",
        spec.threads,
        needed * 5 / 4
    ))
}

fn over_tcp(spec: &Spec) -> bool {
    spec.targets.iter().any(|target| matches!(target, Target::Tcp(_)))
}

/// Whether all targets are on this host, as far as their addresses say.
fn is_local(spec: &Spec) -> bool {
    let local = |target: &Target| target.socket_addr().is_none_or(|addr| addr.ip().is_loopback());
    spec.targets.iter().all(local)
}

/// How many ends of each connection this host carries.
fn endpoints(spec: &Spec) -> u64 {
    if is_local(spec) { 2 } else { 1 }
}

/// So many loopback addresses.
fn addresses(count: u64) -> String {
    let first = Ipv4Addr::LOCALHOST;
    let last = u32::from(first).saturating_add(u32::try_from(count - 1).unwrap_or(u32::MAX));
    if count == 1 { first.to_string() } else { format!("{first}-{}", IpAddr::from(Ipv4Addr::from(last))) }
}

fn widen(spec: &Spec) -> &'static str {
    if spec.source_ports.is_some() {
        ", or widen --ports"
    } else {
        ", or `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`"
    }
}

#[cfg(test)]
mod tests;
