//! The peak search against simulated servers whose true peak is known. No clocks; everything random is seeded.

mod hostile;
mod known_answers;
mod servers;
