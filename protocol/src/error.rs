//! What can be wrong with the other side's bytes, seen from the server and from the client.

use thiserror::Error;

/// The payload byte of an ERROR frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ErrorCode {
    UnknownType = 1,
    FrameTooLarge = 2,
    UnexpectedChunk = 3,
    BadStream = 4,
    AtCapacity = 5,
    PingWithPayload = 6,
}

impl ErrorCode {
    /// The code that this byte names, if any.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::UnknownType,
            2 => Self::FrameTooLarge,
            3 => Self::UnexpectedChunk,
            4 => Self::BadStream,
            5 => Self::AtCapacity,
            6 => Self::PingWithPayload,
            _ => return None,
        })
    }

    /// The whole ERROR frame that carries this code.
    #[must_use]
    pub const fn frame(self) -> [u8; 4] {
        [0xFF, 0, 1, self as u8]
    }
}

/// A client broke the protocol; the server answers with [`ProtocolError::code`], if it has one, and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProtocolError {
    #[error("unknown frame type 0x{0:02x}")]
    UnknownType(u8),
    #[error("frame of {length} bytes over the limit of {max} bytes")]
    FrameTooLarge { length: u16, max: u16 },
    #[error("chunk without or beyond its stream, or empty")]
    UnexpectedChunk,
    #[error("bad stream header")]
    BadStream,
    #[error("ping with a payload")]
    PingWithPayload,
    #[error("end of input inside a frame")]
    TruncatedFrame,
    #[error("end of input inside a stream")]
    TruncatedStream,
}

impl ProtocolError {
    /// The code sent to the peer; `None` for a truncation, which is only counted.
    #[must_use]
    pub const fn code(self) -> Option<ErrorCode> {
        Some(match self {
            Self::UnknownType(_) => ErrorCode::UnknownType,
            Self::FrameTooLarge { .. } => ErrorCode::FrameTooLarge,
            Self::UnexpectedChunk => ErrorCode::UnexpectedChunk,
            Self::BadStream => ErrorCode::BadStream,
            Self::PingWithPayload => ErrorCode::PingWithPayload,
            Self::TruncatedFrame | Self::TruncatedStream => return None,
        })
    }
}

/// A server broke the protocol, or refused to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExchangeError {
    #[error("a reply of type 0x{0:02x} to no request")]
    Unsolicited(u8),
    #[error("a reply of type 0x{got:02x} where 0x{expected:02x} was due")]
    WrongKind { expected: u8, got: u8 },
    #[error("a reply of {got} payload bytes where {expected} were due")]
    WrongLength { expected: u16, got: u16 },
    #[error("a reply out of order: sequence number differs at reply {reply}")]
    WrongSequence { reply: u64 },
    #[error("a reply with other content, at payload byte {at_byte} of reply {reply}")]
    WrongContent { reply: u64, at_byte: u32 },
    #[error("the server refused with error code {0}")]
    Refused(u8),
}
