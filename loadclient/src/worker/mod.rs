//! One load thread: an epoll loop over its share of the connections.

mod bulk;
mod churn;
mod connect;
mod datagram;
mod failure;
mod fleet;
mod open;
mod phases;
mod saturate;
mod source;
mod stream;
mod thread;
mod throttle;
mod usage;
mod visit;

pub(crate) use failure::is_wrong_reply;
pub use phases::Timeline;
pub use thread::{Message, Outcome, Shared, Worker};
