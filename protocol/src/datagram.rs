//! The UDP probe: one datagram is one frame, and there is no connection to remember.

use crate::error::{ErrorCode, ProtocolError};
use crate::header::{Header, Kind};
use crate::limits::Limits;
use crate::session::Session;

/// Answers one datagram into `output`, which is cleared first. An empty `output` means: send nothing.
///
/// Without a connection there is no stream: STREAM is refused with error 4, CHUNK with error 3.
/// A datagram that is not exactly one frame is not answered, as its sender cannot be told what was lost.
///
/// # Errors
/// What was wrong with the datagram, to be counted; the refusal, if there is one, is in `output`.
pub fn answer(datagram: &[u8], limits: &Limits, output: &mut Vec<u8>) -> Result<(), ProtocolError> {
    output.clear();
    if let Some(Header { kind, length }) = Header::decode(datagram)
        && kind == Kind::Stream as u8
        && length <= limits.max_frame_bytes
    {
        output.extend_from_slice(&ErrorCode::BadStream.frame());
        return Err(ProtocolError::BadStream);
    }
    let mut session = Session::new(&Limits { write_queue_bytes: 0, ..*limits });
    let used = session.receive(datagram, output)?;
    if used != datagram.len() || session.take_frames() != 1 {
        output.clear();
        return Err(ProtocolError::TruncatedFrame);
    }
    Ok(())
}
