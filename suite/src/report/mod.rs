//! Reports: what people read, each a function of the [`Analysis`](crate::analyse::Analysis) alone.

mod answer;
mod beside;
pub mod chart;
mod colour;
pub mod comparison;
mod curve;
mod digest;
pub mod export;
mod facts;
mod files;
mod grid;
mod grids;
pub mod headline;
mod label;
mod leads;
mod line;
pub mod markdown;
mod notes;
pub mod number;
pub mod page;
mod peaks;
mod rates;
pub mod shapes;
pub mod summary;
pub mod terminal;
mod values;
mod words;

pub use files::write_all;
