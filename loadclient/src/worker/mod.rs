//! One load thread: an epoll loop over its share of the connections.

mod connect;
mod datagram;
mod failure;
mod fleet;
mod open;
mod phases;
mod saturate;
mod thread;
mod usage;

pub(crate) use failure::is_wrong_reply;
pub use phases::Timeline;
pub use thread::{Message, Outcome, Shared, Worker};
