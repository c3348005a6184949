//! The exact command lines of a trial.

use std::path::Path;

use crate::experiment::LoadSpec;
use crate::plan::{CpuSplit, Plan, PlannedTrial};
use crate::record::{Cell, CommandLine, Mode, Transport};

/// What to start for a trial: the servers, and for each load its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLines {
    pub servers: Vec<Vec<String>>,
    /// By load, then by process.
    pub clients: Vec<Vec<Vec<String>>>,
}

impl CommandLines {
    /// As a record keeps them: the servers first, programs named relative to the workspace at `root`, so that
    /// they can be repeated in anybody's.
    #[must_use]
    pub fn recorded(&self, root: &Path) -> Vec<CommandLine> {
        let clients = self.clients.iter().flat_map(|load| CommandLine::fold("client", load));
        let mut lines: Vec<CommandLine> =
            CommandLine::fold("server", &self.servers).into_iter().chain(clients).collect();
        for program in lines.iter_mut().filter_map(|line| line.argv.first_mut()) {
            *program = in_workspace(program, root);
        }
        lines
    }
}

/// The command lines of `trial`, with one server for each of `addresses`.
#[must_use]
pub fn command_lines(
    plan: &Plan,
    trial: &PlannedTrial,
    engine: &str,
    client: &str,
    addresses: &[String],
) -> CommandLines {
    let servers = (0..addresses.len()).map(|index| server(plan, trial, engine, (index, addresses))).collect();
    let loads = plan.load.iter().enumerate();
    let clients = loads.map(|(number, load)| clients(plan, trial, (number, load), client, addresses)).collect();
    CommandLines { servers, clients }
}

fn server(plan: &Plan, trial: &PlannedTrial, program: &str, (index, addresses): (usize, &[String])) -> Vec<String> {
    let variant = &plan.variant[trial.variant];
    let cpus = CpuSplit::share(&plan.cpus.server, index, addresses.len());
    let mut argv = words([program, "--variant", variant.own_name(), "--addr", &addresses[index]]);
    argv.extend(words(["--workers", &cpus.len().to_string()]));
    argv.extend(words(["--cpus", &CpuSplit::spell(cpus)]));
    if trial.cell.transport == Transport::Tcp
        && let Some(congestion) = &plan.congestion
    {
        argv.extend(words(["--congestion", congestion]));
    }
    argv.extend(plan.engine_args.iter().cloned());
    argv.extend(variant.engine_args.iter().cloned());
    argv
}

/// Clients and servers are as many; each client has a server of its own, so that a port serves one process's
/// connections and the ephemeral ports suffice.
fn clients(
    plan: &Plan,
    trial: &PlannedTrial,
    (number, load): (usize, &LoadSpec),
    program: &str,
    addresses: &[String],
) -> Vec<Vec<String>> {
    let count = addresses.len() as u32;
    (0..count)
        .zip(addresses)
        .map(|(index, address)| {
            let Cell { connections, payload_bytes, .. } = trial.cell;
            let share = connections / count + u32::from(index < connections % count);
            let cpus = CpuSplit::share(&plan.cpus.client, index as usize, addresses.len());
            let mut argv = words([program, "--target", address, "--conns", &share.to_string()]);
            argv.extend(words(["--payload", &payload_bytes.to_string()]));
            match load.mode {
                // The recorded line of a search is its first step.
                Mode::Open | Mode::Search => {
                    let rate = load.rate_per_s(payload_bytes).expect("an open load has a rate");
                    let own = rate * f64::from(share) / f64::from(connections);
                    argv.extend(words(["--mode", "open", "--total-rate", &format!("{own:.3}")]));
                    // Clients that share a CPU and wait actively are in each other's way.
                    if let Some(spin_us) = load.spin_us.filter(|_| addresses.len() <= plan.cpus.client.len()) {
                        argv.extend(words(["--spin-us", &spin_us.to_string()]));
                    }
                }
                Mode::Saturate => {
                    let in_flight = load.in_flight.expect("a closed loop has a depth");
                    argv.extend(words(["--mode", "saturate", "--in-flight", &in_flight.to_string()]));
                }
                Mode::SlowReader => {
                    let rate = load.rate_per_s(payload_bytes).expect("a schedule has a rate");
                    let own = rate * f64::from(share) / f64::from(connections);
                    let read_rate = load.read_rate_bytes_per_s.expect("a slow reader has a rate");
                    argv.extend(words(["--mode", "slow-reader", "--total-rate", &format!("{own:.3}")]));
                    argv.extend(words(["--read-rate", &read_rate.to_string()]));
                }
                Mode::Hold => {
                    argv.extend(words(["--mode", "hold"]));
                    if let Some(period_ms) = load.heartbeat_ms {
                        argv.extend(words(["--heartbeat", &format!("{period_ms}ms")]));
                    }
                }
            }
            if let Some(active_frac) = load.active_frac {
                argv.extend(words(["--active-frac", &active_frac.to_string()]));
            }
            if count > 1 && trial.cell.transport != Transport::Unix {
                argv.extend(words(["--srcips", &sources(number)]));
            }
            argv.extend(words(["--warmup", &format!("{}ms", plan.timing.warmup_ms)]));
            argv.extend(words(["--duration", &format!("{}ms", load.window_ms.unwrap_or(plan.timing.window_ms))]));
            if let Some(grace_ms) = load.grace_ms {
                argv.extend(words(["--grace", &format!("{grace_ms}ms")]));
            }
            argv.extend(words(["--connect-rate", &(plan.timing.connect_rate_per_s / count).max(1).to_string()]));
            argv.extend(words(["--threads", &(cpus.len() as u32).min(share).to_string()]));
            argv.extend(words(["--cpus", &CpuSplit::spell(cpus)]));
            argv.extend(words(["--seed", &trial.seed.wrapping_add(u64::from(index)).to_string()]));
            argv.extend(words(["--congestion", plan.congestion.as_deref().unwrap_or("system")]));
            argv.extend(words(["--verify", "--hold", "--linger"]));
            argv
        })
        .collect()
}

/// Source addresses of the clients of the `number`-th load. Each load has two of its own: the ports of one that was
/// closed a moment ago stay in TIME_WAIT, and with most ports of an address taken the kernel searches long for a free one.
fn sources(number: usize) -> String {
    let third = 1 + number % 250;
    format!("127.0.{third}.1-127.0.{third}.2")
}

/// A program's path below the workspace. Cargo's target folder may lie elsewhere; whoever repeats the trial has it in
/// `target/`, where cargo puts it unless told otherwise. Another path stays as it is.
fn in_workspace(program: &str, root: &Path) -> String {
    let path = Path::new(program);
    if let Ok(below) = path.strip_prefix(root) {
        return below.to_string_lossy().into_owned();
    }
    match (path.parent().and_then(Path::file_name).and_then(|folder| folder.to_str()), path.file_name()) {
        (Some(profile @ ("release" | "debug")), Some(name)) => format!("target/{profile}/{}", name.to_string_lossy()),
        _ => program.to_owned(),
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_name_programs_relative_to_the_workspace() {
        let check = |program, expected| assert_eq!(in_workspace(program, Path::new("/tree")), expected);
        check("/tree/target/release/engine-one", "target/release/engine-one");
        check("/elsewhere/release/engine-one", "target/release/engine-one");
        check("/elsewhere/debug/loadclient", "target/debug/loadclient");
        check("/usr/bin/nginx", "/usr/bin/nginx");
    }
}
