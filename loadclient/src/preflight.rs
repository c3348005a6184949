//! What the host must allow, asked before anything is opened: a refusal comes with its fix.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::socket::{congestion_available, local_port_range_available};
use crate::spec::{BulkSource, Mode, Spec, Target};

/// Descriptors of a client beside its connections: standard streams, and epoll set, eventfd and /proc per thread.
const DESCRIPTORS_BASE: u64 = 16;
const DESCRIPTORS_PER_THREAD: u64 = 3;

/// Raises the soft descriptor limit as far as needed, and checks that the host can carry `spec`.
///
/// # Errors
/// One line that says what is missing, and how to get it.
pub fn check(spec: &Spec) -> Result<(), String> {
    descriptors(spec)?;
    if spec.source_ports.is_some() && !local_port_range_available() {
        return Err("--ports needs IP_LOCAL_PORT_RANGE, which came with Linux 6.3: leave it out, or narrow \
                    `sysctl -w net.ipv4.ip_local_port_range=\"FIRST LAST\"`"
            .into());
    }
    if let Some(range) = port_range() {
        ports(spec, narrowed(range, spec.source_ports)?)?;
    }
    source(spec)?;
    congestion(spec)
}

/// Whether bulk data's file can be read, and has something to send.
fn source(spec: &Spec) -> Result<(), String> {
    let Mode::Stream(bulk) = &spec.mode else { return Ok(()) };
    let Some(path) = bulk.source.file() else { return Ok(()) };
    let cannot = |why: &dyn std::fmt::Display| format!("cannot send from {}: {why}", path.display());
    let meta = fs::File::open(path).and_then(|file| file.metadata()).map_err(|error| cannot(&error))?;
    if !meta.is_file() {
        return Err(cannot(&"it is no regular file"));
    }
    if meta.len() == 0 { Err(cannot(&"it is empty")) } else { Ok(()) }
}

fn descriptors(spec: &Spec) -> Result<(), String> {
    // A pipe beside every socket that is spliced into.
    let spliced = matches!(&spec.mode, Mode::Stream(bulk) if matches!(bulk.source, BulkSource::Splice(_)));
    let per_conn = if spliced { 3 } else { 1 };
    let needed = per_conn * u64::from(spec.conns) + DESCRIPTORS_BASE + DESCRIPTORS_PER_THREAD * u64::from(spec.threads);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if maximum.is_some_and(|hard| needed > hard) {
        let hard = maximum.unwrap_or(u64::MAX);
        let processes = needed.div_ceil(hard.saturating_sub(DESCRIPTORS_BASE + DESCRIPTORS_PER_THREAD).max(1));
        return Err(format!(
            "--conns {} needs {needed} file descriptors, the hard limit is {hard}: \
             raise it (`ulimit -Hn {needed}` as root) or split the load over {processes} client processes",
            spec.conns
        ));
    }
    if current.is_some_and(|soft| needed > soft) {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
            .map_err(|error| format!("cannot raise the soft limit of file descriptors to {maximum:?}: {error}"))?;
    }
    Ok(())
}

/// The part of the host's range that `--ports` leaves.
fn narrowed((first, last): (u16, u16), wanted: Option<(u16, u16)>) -> Result<(u16, u16), String> {
    let Some((low, high)) = wanted else { return Ok((first, last)) };
    if low < first || high > last {
        return Err(format!(
            "--ports {low}-{high} is not inside the host's range {first}-{last}: choose ports there, or widen it with \
             `sysctl -w net.ipv4.ip_local_port_range=\"{} {}\"`",
            low.min(first),
            high.max(last)
        ));
    }
    Ok((low, high))
}

fn ports(spec: &Spec, (first, last): (u16, u16)) -> Result<(), String> {
    let ports = u64::from(last - first) + 1;
    let sources = spec.source_addresses.len().max(1) as u64;
    let targets = spec.targets.len() as u64;
    // TCP shares a port among destinations; UDP does not.
    let tcp = |target: &Target| matches!(target, Target::Tcp(_));
    let per_target = u64::from(spec.conns).div_ceil(targets);
    let datagram_targets = spec.targets.iter().filter(|target| target.is_datagram()).count() as u64;
    let needed = if datagram_targets > 0 {
        per_target * datagram_targets
    } else if spec.targets.iter().any(tcp) {
        per_target
    } else {
        return Ok(());
    };
    if needed <= ports * sources {
        return Ok(());
    }
    let wanted = needed.div_ceil(ports);
    Err(format!(
        "{needed} connections to one address need as many ports, {sources} source address(es) × {ports} ports \
         ({first}–{last}) are {}: give {wanted} of them, such as --srcips 127.0.0.1-127.0.0.{wanted}, \
         or widen net.ipv4.ip_local_port_range",
        ports * sources
    ))
}

fn congestion(spec: &Spec) -> Result<(), String> {
    let Some(name) = &spec.congestion else { return Ok(()) };
    if !spec.targets.iter().any(|target| matches!(target, Target::Tcp(_))) || congestion_available(name) {
        return Ok(());
    }
    let available = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap_or_default();
    Err(format!("--congestion {name} is not available here: choose one of {}, or `system`", available.trim()))
}

fn port_range() -> Option<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut fields = text.split_whitespace().map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::spec::Args;

    fn check_ports(line: &str, expected: Result<(), &str>) {
        let args = Args::try_parse_from(line.split_whitespace()).expect("well formed");
        let result = ports(&Spec::try_from(args).expect("consistent"), (1000, 1999));
        match expected {
            Ok(()) => assert_eq!(result, Ok(()), "{line}"),
            Err(words) => assert!(result.as_ref().is_err_and(|e| e.contains(words)), "{line}: {result:?}"),
        }
    }

    #[test]
    fn a_port_serves_one_connection_to_each_address() {
        let tcp = "x --mode hold --target tcp://127.0.0.1:1";
        check_ports(&format!("{tcp} --conns 1000"), Ok(()));
        check_ports(&format!("{tcp} --conns 1001"), Err("--srcips 127.0.0.1-127.0.0.2"));
        check_ports(&format!("{tcp} --conns 4000 --srcips 127.0.0.1-127.0.0.3"), Err("3 source address(es)"));
        check_ports(&format!("{tcp} --conns 2000 --target tcp://127.0.0.1:2"), Ok(()));
        check_ports("x --mode hold --target unix:///x --conns 100000", Ok(()));
        // A UDP port is taken for all destinations.
        let udp = "x --mode hold --target udp://127.0.0.1:1 --target udp://127.0.0.1:2";
        check_ports(&format!("{udp} --conns 1000"), Ok(()));
        check_ports(&format!("{udp} --conns 1002"), Err("--srcips"));
    }
}
