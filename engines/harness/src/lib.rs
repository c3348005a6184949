//! What all engines share, exactly once. See `engines/README.md` for the contract.

mod accept;
mod address;
mod affinity;
mod allocator;
mod context;
pub mod control;
mod counters;
mod datagram;
mod drain;
mod farewell;
mod listen;
pub mod manifest;
mod options;
mod peer;
mod registry;
mod seat;
mod server;
mod service;
mod settings;
mod supervise;
mod watch;
mod workers;

pub use accept::{AcceptNext, accept_failed};
pub use address::{Address, AddressError};
pub use allocator::Allocator;
pub use datagram::Datagrams;
pub use listen::{Acceptor, Listener};
pub use peer::Peer;
pub use protocol::{Limits, Pool, ProtocolError, Session, Step};
pub use seat::Seat;
pub use server::{Server, Worker, draining, pin, run};
pub use workers::run_workers;
