//! The wire, checked from outside: shared vectors, every cut, random streams, buffers, and the client's checks.

mod bounds;
mod cuts;
mod doors;
mod exchange;
mod model;
mod random;
mod vectors;
