//! Does a variant run here? Starts it, and drains it again.

use std::time::Duration;

use super::{Interrupt, Ports, Server, Trouble};
use crate::record::Transport;

/// What came of starting a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It runs; this is its framework's version.
    Runs { version: String },
    /// It does not, and this is why: the last thing it said, or how it ended.
    Refused { reason: String },
}

/// How long a probe waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts `program` as `variant` on `transport`.
///
/// # Errors
/// When there is no address to listen on; or the user wants to end.
pub fn probe(
    program: &str,
    variant: &str,
    transport: Transport,
    ports: &mut Ports,
    interrupt: &Interrupt,
) -> anyhow::Result<Probe> {
    let address = ports.take(transport)?;
    let argv = [program, "--variant", variant, "--addr", &address, "--workers", "1"].map(str::to_owned);
    let mut server = match Server::start(&argv, PATIENCE, interrupt) {
        Ok(server) => server,
        Err((trouble @ Trouble::Interrupted, _)) => return Err(trouble.into()),
        Err((Trouble::Failed(error), tail)) => {
            let reason = tail.iter().rev().find(|line| !line.trim().is_empty());
            return Ok(Probe::Refused { reason: reason.cloned().unwrap_or(error) });
        }
    };
    let version = server.ready.version.clone();
    match server.drain(PATIENCE) {
        Ok(_) => Ok(Probe::Runs { version }),
        Err(trouble @ Trouble::Interrupted) => Err(trouble.into()),
        Err(Trouble::Failed(reason)) => Ok(Probe::Refused { reason }),
    }
}
