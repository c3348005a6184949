//! `suite`: the command line.

fn main() {}
