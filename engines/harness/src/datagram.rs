//! The UDP probe: one datagram in, at most one out, counted like frames.

use protocol::datagram;

use crate::context::{self, Shared};

/// The largest datagram that IPv4 carries is 65 507 bytes.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// Receive into [`Datagrams::buffer`], then send [`Datagrams::answer`] back. One per socket.
#[derive(Debug)]
pub struct Datagrams {
    input: Box<[u8]>,
    output: Vec<u8>,
}

impl Datagrams {
    /// Two buffers, kept as long as the socket.
    #[must_use]
    pub fn new() -> Self {
        Self { input: vec![0; DATAGRAM_BYTES_MAX].into_boxed_slice(), output: Vec::with_capacity(DATAGRAM_BYTES_MAX) }
    }

    /// Room for any datagram.
    pub fn buffer(&mut self) -> &mut [u8] {
        &mut self.input
    }

    /// The reply to the first `n` bytes of the buffer; empty means: send nothing.
    pub fn answer(&mut self, n: usize) -> &[u8] {
        let result = datagram::answer(&self.input[..n], &Shared::get().limits, &mut self.output);
        context::with(|local| {
            let counters = &local.context.counters;
            counters.bytes_in.add(n as u64);
            counters.bytes_out.add(self.output.len() as u64);
            match result {
                Ok(()) => counters.frames.add(1),
                Err(error) => counters.protocol_errors.add(error),
            }
        });
        &self.output
    }
}

impl Default for Datagrams {
    fn default() -> Self {
        Self::new()
    }
}
