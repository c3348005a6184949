//! The server's side of one connection: request bytes in, reply bytes out, no buffers of its own.

use crate::error::ProtocolError;
use crate::header::{HEADER_BYTES, Header, Kind};
use crate::limits::Limits;
use crate::split::{Frame, split};

/// STREAM's payload: total `u64`, chunk `u16`.
const STREAM_PAYLOAD_BYTES: u16 = 10;

/// The protocol state of one connection on the server.
#[derive(Debug, Clone)]
pub struct Session {
    stream_left_bytes: u64,
    write_queue_bytes: usize,
    frames: u32,
    stream_chunk_bytes: u16,
    max_frame_bytes: u16,
}

impl Session {
    /// A fresh connection under `limits`.
    #[must_use]
    pub const fn new(limits: &Limits) -> Self {
        Self {
            stream_left_bytes: 0,
            write_queue_bytes: if limits.write_queue_bytes == 0 { usize::MAX } else { limits.write_queue_bytes },
            frames: 0,
            stream_chunk_bytes: 0,
            max_frame_bytes: limits.max_frame_bytes,
        }
    }

    /// Answers the whole frames at the start of `input` into `output`, and returns the bytes used.
    ///
    /// Stops before a partial frame, and before a frame that would be answered although
    /// `output` already holds the write limit: [`Session::held_back`] tells the two apart.
    ///
    /// # Errors
    /// The first frame that breaks the protocol, judged on its header where the header suffices.
    /// The replies to what preceded it, and then the ERROR frame, are in `output`; flush them and close.
    #[inline]
    pub fn receive(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, ProtocolError> {
        let mut used = 0;
        while output.len() < self.write_queue_bytes {
            match self.next_frame(&input[used..]) {
                Ok(Some(frame)) => {
                    used += frame.wire_bytes();
                    if let Err(error) = self.answer(frame, &input[used - frame.wire_bytes()..used], output) {
                        return Err(self.refuse(error, output));
                    }
                }
                Ok(None) => break,
                Err(error) => return Err(self.refuse(error, output)),
            }
        }
        Ok(used)
    }

    /// Whether `input`, as left over by [`Session::receive`], can go on once replies are flushed:
    /// it starts with a whole frame, or with a header that is to be refused.
    #[must_use]
    pub fn held_back(&self, input: &[u8]) -> bool {
        !matches!(self.next_frame(input), Ok(None))
    }

    /// Bytes of the frame that `input` starts with, header included; 0 while its header is incomplete,
    /// and when it will be refused for its length.
    #[must_use]
    pub fn frame_bytes(&self, input: &[u8]) -> usize {
        match Header::decode(input) {
            Some(header) if header.length <= self.max_frame_bytes => HEADER_BYTES + usize::from(header.length),
            _ => 0,
        }
    }

    /// Reply bytes that may wait in `output`; `usize::MAX` when unbounded.
    #[inline]
    pub(crate) const fn write_queue_bytes(&self) -> usize {
        self.write_queue_bytes
    }

    /// All that a header says about its frame, in the state that the frames before it left.
    #[inline]
    pub(crate) fn check(&self, header: Header) -> Result<Kind, ProtocolError> {
        if header.length > self.max_frame_bytes {
            return Err(ProtocolError::FrameTooLarge { length: header.length, max: self.max_frame_bytes });
        }
        self.judge(header)
    }

    /// What the end of input means with `left_over` undecoded bytes.
    ///
    /// # Errors
    /// The peer stopped inside a frame or inside a stream.
    pub const fn end(&self, left_over: usize) -> Result<(), ProtocolError> {
        if left_over > 0 {
            Err(ProtocolError::TruncatedFrame)
        } else if self.stream_left_bytes > 0 {
            Err(ProtocolError::TruncatedStream)
        } else {
            Ok(())
        }
    }

    /// Frames answered since the last call; wraps never, as callers take it after every batch.
    #[inline]
    pub const fn take_frames(&mut self) -> u32 {
        let frames = self.frames;
        self.frames = 0;
        frames
    }

    #[inline]
    fn next_frame<'a>(&self, input: &'a [u8]) -> Result<Option<Frame<'a>>, ProtocolError> {
        let frame = split(input, self.max_frame_bytes)?;
        if frame.is_none()
            && let Some(header) = Header::decode(input)
        {
            // The payload is still on its way: refuse what the header alone condemns.
            self.judge(header)?;
        }
        Ok(frame)
    }

    /// What can be said from the header, in the state that the frames before it left.
    #[inline]
    fn judge(&self, header: Header) -> Result<Kind, ProtocolError> {
        match Kind::from_byte(header.kind) {
            Some(kind @ (Kind::Echo | Kind::Sink)) => Ok(kind),
            Some(Kind::Ping) if header.length > 0 => Err(ProtocolError::PingWithPayload),
            Some(Kind::Stream) if header.length != STREAM_PAYLOAD_BYTES || self.stream_left_bytes > 0 => {
                Err(ProtocolError::BadStream)
            }
            Some(Kind::Chunk)
                if header.length == 0
                    || header.length > self.stream_chunk_bytes
                    || u64::from(header.length) > self.stream_left_bytes =>
            {
                Err(ProtocolError::UnexpectedChunk)
            }
            Some(kind @ (Kind::Ping | Kind::Stream | Kind::Chunk)) => Ok(kind),
            // Replies are not requests.
            Some(Kind::Pong | Kind::Ack | Kind::Error) | None => Err(ProtocolError::UnknownType(header.kind)),
        }
    }

    #[inline]
    fn answer(&mut self, frame: Frame<'_>, wire: &[u8], output: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let length = (wire.len() - HEADER_BYTES) as u16;
        match self.judge(Header { kind: frame.kind, length })? {
            // The reply to an ECHO is the request itself, header and all.
            Kind::Echo => self.reply(wire, output),
            Kind::Ping => self.reply(&Header::encode(Kind::Pong, 0), output),
            Kind::Stream => {
                self.open_stream(frame.payload)?;
                self.reply(&Header::encode(Kind::Ack, 0), output);
            }
            Kind::Chunk => {
                self.stream_left_bytes -= u64::from(length);
                self.reply(&Header::encode(Kind::Ack, 0), output);
            }
            _ => self.reply(&Header::encode(Kind::Ack, 0), output),
        }
        self.frames += 1;
        Ok(())
    }

    #[inline]
    fn reply(&self, bytes: &[u8], output: &mut Vec<u8>) {
        if output.capacity() - output.len() < bytes.len() {
            self.grow(output, bytes.len());
        }
        output.extend_from_slice(bytes);
    }

    /// Doubles as `Vec` does, but not beyond what the write limit and one reply can ever fill.
    #[cold]
    fn grow(&self, output: &mut Vec<u8>, more: usize) {
        let needed = output.len() + more;
        let ceiling = self.write_queue_bytes.saturating_add(HEADER_BYTES + usize::from(self.max_frame_bytes));
        let capacity = output.capacity().saturating_mul(2).min(ceiling).max(needed);
        output.reserve_exact(capacity - output.len());
    }

    fn open_stream(&mut self, payload: &[u8]) -> Result<(), ProtocolError> {
        let (total, chunk) = payload.split_at(8);
        let total = u64::from_be_bytes(total.try_into().expect("split at 8"));
        let chunk = u16::from_be_bytes(chunk.try_into().expect("a stream payload has 10 bytes, judged on its header"));
        if total == 0 || chunk == 0 {
            return Err(ProtocolError::BadStream);
        }
        self.stream_left_bytes = total;
        self.stream_chunk_bytes = chunk;
        Ok(())
    }

    #[cold]
    fn refuse(&self, error: ProtocolError, output: &mut Vec<u8>) -> ProtocolError {
        if let Some(code) = error.code() {
            self.reply(&code.frame(), output);
        }
        error
    }
}
