//! Every ceiling of one connection, in one place.

/// The ceilings that a server puts on one connection. There is no default: the harness's options
/// are the one place where defaults are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest payload accepted, in bytes; checked on the header alone.
    pub max_frame_bytes: u16,
    /// Reply bytes that may wait for a slow peer before its requests are held back; 0 = unbounded.
    pub write_queue_bytes: usize,
    /// Size of the receive buffer, in bytes; a longer frame grows it up to that frame.
    pub readbuf_bytes: usize,
    /// `true`: an idle connection holds no buffer, they go back to a [`crate::Pool`].
    /// `false`: a connection keeps the buffers it was opened with.
    pub pool: bool,
}
