//! `loadclient`: the command line.

fn main() {}
