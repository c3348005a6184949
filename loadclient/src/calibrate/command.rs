//! The command lines of `loadclient calibrate` and of the server it starts.

use clap::Parser;

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
