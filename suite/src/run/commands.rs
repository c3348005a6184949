//! The exact command lines of a trial.

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
    /// As a record keeps them: the servers first.
    #[must_use]
    pub fn recorded(&self) -> Vec<CommandLine> {
        let line = |role: &str, argv: &Vec<String>| CommandLine { role: role.into(), argv: argv.clone() };
        let servers = self.servers.iter().map(|argv| line("server", argv));
        let clients = self.clients.iter().flatten().map(|argv| line("client", argv));
        servers.chain(clients).collect()
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
    let servers = addresses.iter().map(|address| server(plan, trial, engine, address)).collect();
    let clients = plan.load.iter().map(|load| clients(plan, trial, load, client, addresses)).collect();
    CommandLines { servers, clients }
}

fn server(plan: &Plan, trial: &PlannedTrial, program: &str, address: &str) -> Vec<String> {
    let variant = &plan.variant[trial.variant];
    let mut argv = words([program, "--variant", &variant.variant, "--addr", address]);
    argv.extend(words(["--workers", &plan.cpus.server.len().to_string()]));
    argv.extend(words(["--cpus", &CpuSplit::spell(&plan.cpus.server)]));
    if trial.cell.transport == Transport::Tcp
        && let Some(congestion) = &plan.congestion
    {
        argv.extend(words(["--congestion", congestion]));
    }
    argv.extend(plan.engine_args.iter().cloned());
    argv
}

/// Clients and servers are as many; each client has a server of its own, so that a port serves one process's
/// connections and the ephemeral ports suffice.
fn clients(
    plan: &Plan,
    trial: &PlannedTrial,
    load: &LoadSpec,
    program: &str,
    addresses: &[String],
) -> Vec<Vec<String>> {
    let count = addresses.len() as u32;
    let threads = plan.cpus.client.len() as u32;
    (0..count)
        .zip(addresses)
        .map(|(index, address)| {
            let Cell { connections, payload_bytes, .. } = trial.cell;
            let share = connections / count + u32::from(index < connections % count);
            let mut argv = words([program, "--target", address, "--conns", &share.to_string()]);
            argv.extend(words(["--payload", &payload_bytes.to_string()]));
            match load.mode {
                Mode::Open => {
                    let rate = load.rate_per_s(payload_bytes).expect("an open load has a rate");
                    let own = rate * f64::from(share) / f64::from(connections);
                    argv.extend(words(["--mode", "open", "--total-rate", &format!("{own:.3}")]));
                    if let Some(spin_us) = load.spin_us {
                        argv.extend(words(["--spin-us", &spin_us.to_string()]));
                    }
                }
                Mode::Saturate => {
                    let in_flight = load.in_flight.expect("a closed loop has a depth");
                    argv.extend(words(["--mode", "saturate", "--in-flight", &in_flight.to_string()]));
                }
            }
            argv.extend(words(["--warmup", &format!("{}ms", plan.timing.warmup_ms)]));
            argv.extend(words(["--duration", &format!("{}ms", plan.timing.window_ms)]));
            argv.extend(words(["--connect-rate", &(plan.timing.connect_rate_per_s / count).max(1).to_string()]));
            argv.extend(words(["--threads", &threads.min(share).to_string()]));
            argv.extend(words(["--cpus", &CpuSplit::spell(&plan.cpus.client)]));
            argv.extend(words(["--seed", &trial.seed.wrapping_add(u64::from(index)).to_string()]));
            argv.extend(words(["--congestion", plan.congestion.as_deref().unwrap_or("system")]));
            argv.extend(words(["--verify", "--hold", "--linger"]));
            argv
        })
        .collect()
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
