//! What peers that do not take their replies cost the others: the latency of healthy connections beside them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use socket2::Socket;

use super::backpressure::flood;
use crate::verify::case::{Case, Proven, Scope};
use crate::verify::client::Client;
use crate::verify::script::Script;
use crate::verify::server::Server;
use crate::verify::subject::Subject;

pub(crate) const CASES: &[Case] = &[Case::new(
    "neighbours-latency",
    "eight peers that take no replies do not move the p99 of the healthy (long set: how many times as long)",
    Scope::Stream,
    latency,
)];

const HEALTHY: usize = 8;
const STUCK: usize = 8;
/// What a busy host may add to a p99, against what an engine that waits for a stuck peer adds.
const RATIO_MAX: f64 = 3.0;
const NOISE_MAX: Duration = Duration::from_millis(3);

/// Rounds with and without stuck peers take turns, so that the host's own moods meet both; the median round counts.
fn latency(subject: &Subject<'_>) -> Result<Proven> {
    let (rounds, exchanges) = subject.long_or((11, 400), (5, 60));
    let mut server = subject.start(&["--write-queue", "65536", "--sndbuf", "32768", "--rcvbuf", "65536"])?;
    let mut healthy = subject.connect_many(&server, HEALTHY)?;
    p99(&mut healthy, exchanges, Duration::MAX)?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone.push(p99(&mut healthy, exchanges, Duration::MAX)?);
        let stuck = stick(subject, &server)?;
        beside.push(p99(&mut healthy, exchanges, bound(median(alone.clone())))?);
        drop(stuck);
        server.until("only the healthy are open", |now| now.conns_open == HEALTHY as u64)?;
    }
    let (alone, beside) = (median(alone), median(beside));
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    ensure!(beside <= bound(alone), "p99 of the healthy is {beside:?} beside {STUCK} stuck peers, {alone:?} without");
    Ok(if subject.options.long { Proven::Measured(format!("{ratio:.2}x p99")) } else { Proven::Holds })
}

/// Connections whose replies are stuck: they send until the engine reads no more.
fn stick(subject: &Subject<'_>, server: &Server) -> Result<Vec<Client>> {
    let request = Script::new().echo(4096).repeated(1000).request;
    let connect = || -> Result<Client> {
        // Buffers that do not grow to take all of it.
        let narrow = |socket: &Socket| {
            socket.set_recv_buffer_size(16_384)?;
            socket.set_send_buffer_size(65_536)
        };
        let mut client = Client::connect_with(&server.addr, subject.patience(), narrow)?;
        let sent = flood(&mut client, &request)?;
        ensure!(sent < request.len(), "all of {sent} bytes were taken from a peer that reads nothing");
        Ok(client)
    };
    (0..STUCK).map(|_| connect()).collect()
}

/// What the p99 of the healthy may be.
fn bound(alone: Duration) -> Duration {
    alone.mul_f64(RATIO_MAX).max(alone + NOISE_MAX)
}

/// The 99th percentile of `exchanges` round trips on each connection, one at a time; or, once it is certain to be more
/// than `enough`, something more than that.
fn p99(clients: &mut [Client], exchanges: usize, enough: Duration) -> Result<Duration> {
    let script = Script::new().echo(64);
    let all = exchanges * clients.len();
    let beyond = all / 100;
    let mut taken = Vec::with_capacity(all);
    let mut late = 0;
    for _ in 0..exchanges {
        for client in &mut *clients {
            let begun = Instant::now();
            client.exchange(&script)?;
            taken.push(begun.elapsed());
            late += usize::from(begun.elapsed() > enough);
        }
        if late > beyond {
            break;
        }
    }
    taken.sort_unstable();
    Ok(taken[taken.len().saturating_sub(beyond + 1)])
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}
