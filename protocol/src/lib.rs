//! The crossover wire, sans-IO: what the bytes mean, and nothing about how they travel.
//!
//! Server side: [`Session`] turns request bytes into reply bytes; [`Conn`] adds the two buffers
//! and says what to do next; [`datagram::answer`] serves one UDP datagram. Client side:
//! [`Exchange`] writes requests and checks every reply, [`Probe`] does so for datagrams. The specification is in this crate's README.

mod conn;
pub mod datagram;
mod error;
mod exchange;
mod header;
mod inbox;
mod limits;
mod pattern;
mod pool;
mod probe;
mod session;
mod split;

pub use conn::{Conn, Step};
pub use error::{ErrorCode, ExchangeError, ProtocolError};
pub use exchange::{Exchange, Reply, Request};
pub use header::{HEADER_BYTES, Header, Kind, MAX_PAYLOAD_BYTES};
pub use limits::Limits;
pub use pool::Pool;
pub use probe::Probe;
pub use session::Session;
pub use split::{Frame, split};
