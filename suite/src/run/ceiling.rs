//! What the load client itself reaches on this host, measured before the first trial against a server that does next to
//! nothing: a peak near that says more about the client than about the engine.

use std::collections::BTreeSet;
use std::time::Duration;

use loadclient::calibrate::Calibration;

use super::{Interrupt, Process, Trouble};
use crate::plan::{CpuSplit, Plan};
use crate::record::{Mode, Transport};

const WINDOW: &str = "1s";
/// Starting, connecting, one window, and a busy host.
const PATIENCE: Duration = Duration::from_secs(30);
/// More connections are calibrated like so many: the server of each calibration is a single process.
const CONNECTIONS_MAX: u32 = 4096;

/// Calibrates each closed loop of `plan`: for every transport and payload, with the least, the middle and the largest
/// number of connections of its cells. Over UDP there is no null server.
///
/// # Errors
/// The client could not, or the user wants to end.
pub fn calibrate(plan: &Plan, client: &str, interrupt: &Interrupt) -> Result<Vec<Calibration>, Trouble> {
    asked(plan).into_iter().map(|asked| one(plan, client, &asked, interrupt)).collect()
}

/// One closed loop on the null server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    transport: Transport,
    payload_bytes: u32,
    in_flight: u32,
    connections: u32,
}

fn asked(plan: &Plan) -> BTreeSet<Asked> {
    let mut all = BTreeSet::new();
    for load in plan.load.iter().filter(|load| load.mode == Mode::Saturate) {
        for cell in plan.cell.iter().filter(|cell| cell.transport != Transport::Udp) {
            let alike =
                plan.cell.iter().filter(|c| (c.transport, c.payload_bytes) == (cell.transport, cell.payload_bytes));
            let counts: BTreeSet<u32> = alike.map(|cell| cell.connections.min(CONNECTIONS_MAX)).collect();
            let counts: Vec<u32> = counts.into_iter().collect();
            for connections in [counts[0], counts[counts.len() / 2], counts[counts.len() - 1]] {
                let (transport, payload_bytes) = (cell.transport, cell.payload_bytes);
                all.insert(Asked { transport, payload_bytes, in_flight: load.in_flight.unwrap_or(1), connections });
            }
        }
    }
    all
}

fn one(plan: &Plan, client: &str, asked: &Asked, interrupt: &Interrupt) -> Result<Calibration, Trouble> {
    let Asked { transport, payload_bytes, in_flight, connections } = asked;
    let mut argv: Vec<String> =
        [client, "calibrate", "--transport", transport.name(), "--rate", "0"].map(Into::into).into();
    let threads = plan.cpus.client.len();
    for (option, value) in [
        ("--conns", connections.to_string()),
        ("--payload", payload_bytes.to_string()),
        ("--in-flight", in_flight.to_string()),
        ("--threads", threads.to_string()),
        ("--cpus", CpuSplit::spell(&plan.cpus.client)),
        ("--server-cpu", plan.cpus.server[0].to_string()),
        ("--duration", WINDOW.into()),
    ] {
        argv.extend([option.to_owned(), value]);
    }
    let mut process = Process::start("calibration", &argv, interrupt)?;
    let found = process.hear("its calibration", PATIENCE)?;
    process.finish(PATIENCE)?;
    Ok(found)
}
