//! The whole suite, from the command line to the report, over real sockets.

mod faults;
mod fleets;
mod interruption;
mod known_crossover;
mod search;
mod stage;
mod whole_run;
