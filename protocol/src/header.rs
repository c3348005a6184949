//! The three header bytes: `type: u8`, `length: u16` big-endian (payload bytes, header excluded).

/// Bytes of a frame header.
pub const HEADER_BYTES: usize = 3;

/// The longest payload that the length field can state.
pub const MAX_PAYLOAD_BYTES: usize = u16::MAX as usize;

/// The frame types of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    Ping = 0x01,
    Echo = 0x02,
    Sink = 0x03,
    Stream = 0x04,
    Chunk = 0x05,
    Pong = 0x81,
    Ack = 0x83,
    Error = 0xFF,
}

impl Kind {
    /// The kind that this type byte names, if any.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::Ping,
            0x02 => Self::Echo,
            0x03 => Self::Sink,
            0x04 => Self::Stream,
            0x05 => Self::Chunk,
            0x81 => Self::Pong,
            0x83 => Self::Ack,
            0xFF => Self::Error,
            _ => return None,
        })
    }
}

/// A decoded header. `kind` is the raw type byte: an unknown type still has a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub kind: u8,
    pub length: u16,
}

impl Header {
    /// The header at the start of `input`, or `None` while fewer than three bytes are there.
    #[inline]
    #[must_use]
    pub fn decode(input: &[u8]) -> Option<Self> {
        let &[kind, high, low, ..] = input else { return None };
        Some(Self { kind, length: u16::from_be_bytes([high, low]) })
    }

    /// The header of a frame of `kind` with `length` payload bytes.
    #[inline]
    #[must_use]
    pub const fn encode(kind: Kind, length: u16) -> [u8; HEADER_BYTES] {
        let [high, low] = length.to_be_bytes();
        [kind as u8, high, low]
    }
}
