//! SVG charts: the same bytes for the same analysis, readable on light and on dark.

mod axis;
mod bars;
mod charts;
mod lines;
mod map;
mod svg;

pub use charts::{Chart, all};
