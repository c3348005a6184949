//! Framing: the next whole frame in a slice. Knows lengths, not meanings.

use crate::error::ProtocolError;
use crate::header::{HEADER_BYTES, Header};

/// One whole frame, borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The raw type byte.
    pub kind: u8,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the frame on the wire, header included.
    #[inline]
    #[must_use]
    pub const fn wire_bytes(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }
}

/// The next whole frame at the start of `input`; `None` while more bytes are needed.
///
/// # Errors
/// [`ProtocolError::FrameTooLarge`] from the header alone, whether or not the payload is there.
#[inline]
pub fn split(input: &[u8], max_frame_bytes: u16) -> Result<Option<Frame<'_>>, ProtocolError> {
    let Some(Header { kind, length }) = Header::decode(input) else { return Ok(None) };
    if length > max_frame_bytes {
        return Err(ProtocolError::FrameTooLarge { length, max: max_frame_bytes });
    }
    let payload = input.get(HEADER_BYTES..HEADER_BYTES + usize::from(length));
    Ok(payload.map(|payload| Frame { kind, payload }))
}
