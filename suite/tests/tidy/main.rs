//! The house rules that a machine can check, over the whole workspace.

mod engines;
mod layout;
mod sources;
mod text;
