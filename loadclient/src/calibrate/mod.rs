//! The client's own cost and ceiling, measured against a server that does next to nothing.

mod calibration;
mod command;
mod null_server;
mod pinning;
mod session;

pub use calibration::{CEILING_SHARE_MAX, Calibration, Point, SCHEMA, client_bound};
pub use command::{CalibrateArgs, NullServerArgs};
pub use null_server::{Ready, serve};
pub use session::calibrate;

use pinning::pin;
