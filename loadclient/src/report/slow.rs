//! The part of a report that only `--mode slow-reader` has.

use serde::{Deserialize, Serialize};

/// What a server did with clients that do not keep up with their replies.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowReader {
    /// Bytes that each connection reads per second.
    pub read_rate_bytes_per_s: u64,
    /// SO_RCVBUF of a connection, read back; the kernel doubles what it is given.
    pub rcvbuf_bytes: u64,
    /// Reply bytes read, of the whole load.
    pub bytes_read: u64,
    /// Connections that the server ended; how is in `errors`. Those left are `conns_live`.
    pub conns_dropped: u64,
    /// From the begin of the load to the first of them.
    pub first_drop_ns: Option<u64>,
    /// As the window ends, over the connections left: reply bytes that are owed for requests made. A request that is
    /// still on its way counts like its reply, as both are the same bytes.
    pub backlog_bytes: u64,
    /// Of these, in the client's receive buffers.
    pub backlog_received_bytes: u64,
    /// Of these, still in the client: in its send buffers, or refused by a full one.
    pub backlog_unsent_bytes: u64,
    /// Of these, the rest: in the server, in its socket buffers, or on the way.
    pub backlog_server_bytes: u64,
    /// Frames that were due by then, and wait behind a full socket without being encoded.
    pub frames_held_back: u64,
}

impl SlowReader {
    /// Adds the counts of another process with the same load.
    pub(crate) fn add(&mut self, other: &Self) {
        self.rcvbuf_bytes = self.rcvbuf_bytes.max(other.rcvbuf_bytes);
        self.bytes_read += other.bytes_read;
        self.conns_dropped += other.conns_dropped;
        self.first_drop_ns = [self.first_drop_ns, other.first_drop_ns].into_iter().flatten().min();
        self.backlog_bytes += other.backlog_bytes;
        self.backlog_received_bytes += other.backlog_received_bytes;
        self.backlog_unsent_bytes += other.backlog_unsent_bytes;
        self.backlog_server_bytes += other.backlog_server_bytes;
        self.frames_held_back += other.frames_held_back;
    }
}
