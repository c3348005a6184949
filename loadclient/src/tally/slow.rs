//! What slow readers see of a server.

/// One thread's slow readers. Bytes are counted over the whole load, the backlog as the window ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlowTally {
    pub bytes_read: u64,
    /// Connections that ended while the client still had something to do on them.
    pub conns_dropped: u64,
    /// From the begin of the load to the first of them.
    pub first_drop_ns: Option<u64>,
    /// Reply bytes owed for all requests that were encoded.
    pub backlog_bytes: u64,
    /// Of these, bytes that lie in the client's receive buffers.
    pub backlog_received_bytes: u64,
    /// Of these, requests that have not left the client yet: its send buffers, and what they did not take.
    pub backlog_unsent_bytes: u64,
    /// Frames that were due, and wait behind a full socket.
    pub frames_held_back: u64,
    /// SO_RCVBUF, read back.
    pub rcvbuf_bytes: u64,
}

impl SlowTally {
    /// Adds another thread's.
    pub fn merge(&mut self, other: &Self) {
        self.bytes_read += other.bytes_read;
        self.conns_dropped += other.conns_dropped;
        self.first_drop_ns = [self.first_drop_ns, other.first_drop_ns].into_iter().flatten().min();
        self.backlog_bytes += other.backlog_bytes;
        self.backlog_received_bytes += other.backlog_received_bytes;
        self.backlog_unsent_bytes += other.backlog_unsent_bytes;
        self.frames_held_back += other.frames_held_back;
        self.rcvbuf_bytes = self.rcvbuf_bytes.max(other.rcvbuf_bytes);
    }
}
