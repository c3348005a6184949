//! The command lines of `loadclient calibrate` and of the server it starts.

use clap::{Parser, ValueEnum};

use crate::spec::{Cpus, cpus, duration_ns, rate};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TransportName {
    Tcp,
    Unix,
}

/// Measures the client itself against a server that only sends back what it reads: closed loops (the ceiling), and open
/// ones at fixed rates and at half of the ceiling (lag). Prints one line of JSON.
#[derive(Debug, Clone, Parser)]
#[command(name = "loadclient calibrate", version)]
pub struct CalibrateArgs {
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', default_value = "tcp,unix")]
    transport: Vec<TransportName>,
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) conns: u32,
    /// Payload bytes of each ECHO, 0 to 65535.
    #[arg(long, value_name = "BYTES", default_value = "64")]
    pub(super) payload: u16,
    /// Depths of the closed loops.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,16",
          value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(super) in_flight: Vec<u32>,
    /// Rates of the open loops, frames per second over all connections; 0 for none. Half of the ceiling at depth 1 is
    /// added.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "10000",
          value_parser = rate_or_none)]
    pub(super) rate: Vec<f64>,
    /// Measured window of each load.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration_ns)]
    pub(super) duration: u64,
    /// Load threads.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: u32,
    /// CPUs of the load threads; by default all but the server's.
    #[arg(long, value_name = "LIST", value_parser = cpus)]
    pub(super) cpus: Option<Cpus>,
    /// CPU of the null server; by default the first.
    #[arg(long, value_name = "N")]
    pub(super) server_cpu: Option<usize>,
    /// As of the load client: wait actively for the last microseconds before a due time (open loops).
    #[arg(long, value_name = "N", default_value = "0")]
    pub(super) spin_us: u32,
    /// Print a Markdown table instead.
    #[arg(long)]
    pub table: bool,
}

/// 0 asks for no open loop.
fn rate_or_none(text: &str) -> Result<f64, String> {
    if text == "0" { Ok(0.0) } else { rate(text) }
}

impl CalibrateArgs {
    /// Schemes of the addresses to measure.
    pub(super) fn transports(&self) -> impl Iterator<Item = &'static str> {
        self.transport.iter().map(|transport| match transport {
            TransportName::Tcp => "tcp",
            TransportName::Unix => "unix",
        })
    }
}

/// Sends back the bytes it reads: what `calibrate` measures against. Prints its address, and ends with its stdin.
#[derive(Debug, Clone, Parser)]
#[command(name = "loadclient null-server")]
pub struct NullServerArgs {
    /// Where to listen: tcp://ADDRESS:PORT (port 0 for any) or unix://PATH.
    #[arg(long, value_name = "ADDRESS")]
    pub addr: String,
    /// The CPU to run on.
    #[arg(long, value_name = "N")]
    pub cpu: Option<usize>,
}
