//! What the host must allow, asked before anything is opened: a refusal comes with its fix.

mod budget;
mod host;

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::socket::{congestion_available, local_port_range_available};
use crate::spec::{Mode, Spec, Target};

/// Checks that the host can carry `spec`, and raises the soft descriptor limit as far as needed.
///
/// # Errors
/// One line that says all that is missing, and how to get it.
pub fn check(spec: &Spec) -> Result<(), String> {
    let broken = budget::broken(spec, &host::Host::read());
    if !broken.is_empty() {
        return Err(broken.join("; "));
    }
    if spec.source_ports.is_some() && !local_port_range_available() {
        return Err("--ports needs IP_LOCAL_PORT_RANGE, which came with Linux 6.3: leave it out, or narrow \
                    `sysctl -w net.ipv4.ip_local_port_range=\"FIRST LAST\"`"
            .into());
    }
    source(spec)?;
    congestion(spec)?;
    raise_descriptors(budget::descriptors_needed(spec))
}

fn raise_descriptors(needed: u64) -> Result<(), String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|soft| needed > soft) {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
            .map_err(|error| format!("cannot raise the soft limit of file descriptors to {maximum:?}: {error}"))?;
    }
    Ok(())
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

fn congestion(spec: &Spec) -> Result<(), String> {
    let Some(name) = &spec.congestion else { return Ok(()) };
    if !spec.targets.iter().any(|target| matches!(target, Target::Tcp(_))) || congestion_available(name) {
        return Ok(());
    }
    let available = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap_or_default();
    Err(format!("--congestion {name} is not available here: choose one of {}, or `system`", available.trim()))
}
