//! The wire, checked from outside.

mod cuts;
mod doors;
mod model;
