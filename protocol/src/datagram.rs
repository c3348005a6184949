//! The UDP probe: one datagram is one frame, and there is no connection to remember.

use crate::error::ProtocolError;
use crate::header::{HEADER_BYTES, Header, Kind};
use crate::limits::Limits;
use crate::session::Session;

/// Answers one datagram into `output`, which is cleared first. An empty `output` means: send nothing.
///
/// What the header condemns is refused with its ERROR frame; without a connection there is no stream,
/// so that STREAM is error 4 and CHUNK error 3. Otherwise a datagram that is not exactly one frame
/// is not answered, as its sender cannot be told what was lost. ERROR frames are never answered.
///
/// # Errors
/// What was wrong with the datagram, to be counted; the refusal, if there is one, is in `output`.
pub fn answer(datagram: &[u8], limits: &Limits, output: &mut Vec<u8>) -> Result<(), ProtocolError> {
    output.clear();
    let header = Header::decode(datagram).ok_or(ProtocolError::TruncatedFrame)?;
    let mut session = Session::new(&Limits { write_queue_bytes: 0, ..*limits });
    let judged = match session.check(header) {
        Ok(Kind::Stream) => Err(ProtocolError::BadStream),
        judged => judged,
    };
    if let Err(error) = judged {
        // If an error were answered with an error, two servers could keep each other busy for ever.
        if let Some(code) = error.code()
            && header.kind != Kind::Error as u8
        {
            output.extend_from_slice(&code.frame());
        }
        return Err(error);
    }
    if datagram.len() != HEADER_BYTES + usize::from(header.length) {
        return Err(ProtocolError::TruncatedFrame);
    }
    session.receive(datagram, output).map(|_| ())
}
