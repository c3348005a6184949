//! What an engine must do beside serving, checked on every engine of the tree, as its own process:
//! allocate nothing per frame, and let itself be watched.

mod allocations;
mod http;
mod observability;
mod openmetrics;
mod profiles;
mod started;
