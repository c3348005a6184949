//! What all engines share, exactly once. See `engines/README.md` for the contract.

pub mod control;
