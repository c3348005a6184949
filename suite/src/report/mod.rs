//! Reports: what people read, each a function of the [`Analysis`](crate::analyse::Analysis) alone.

mod files;
pub mod markdown;
pub mod number;
pub mod terminal;

pub use files::write_all;
