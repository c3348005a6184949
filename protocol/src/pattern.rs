//! What the client puts into payloads, so that every reply can be told from every other.
//!
//! Bytes 0..8 are the connection's tag (`u32`) and the request's sequence number (`u32`), big-endian;
//! a shorter payload carries the low-order bytes of that number. What follows is a fixed filler whose
//! start depends on the sequence number.

use crate::header::{Header, Kind};

const PERIOD: usize = 256;

static FILLER: [u8; u16::MAX as usize + PERIOD] = filler();

const fn filler() -> [u8; u16::MAX as usize + PERIOD] {
    let mut bytes = [0; u16::MAX as usize + PERIOD];
    let mut state: u32 = 0x9E37_79B9;
    let mut at = 0;
    while at < bytes.len() {
        // xorshift32: any fixed, aperiodic content will do.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes[at] = (state >> 24) as u8;
        at += 1;
    }
    bytes
}

/// Appends a whole frame with the payload of this request to `output`.
#[inline]
pub(crate) fn append_frame(kind: Kind, length: u16, tag: u32, sequence: u64, output: &mut Vec<u8>) {
    let bytes = usize::from(length);
    output.extend_from_slice(&Header::encode(kind, length));
    output.extend_from_slice(&stamp(tag, sequence)[8 - stamp_bytes(bytes)..]);
    output.extend_from_slice(fill(sequence, bytes));
}

/// Bytes of the tag and sequence number at the start of a payload of `length` bytes.
#[inline]
pub(crate) const fn stamp_bytes(length: usize) -> usize {
    if length < 8 { length } else { 8 }
}

#[inline]
pub(crate) const fn stamp(tag: u32, sequence: u64) -> [u8; 8] {
    (((tag as u64) << 32) | (sequence & 0xFFFF_FFFF)).to_be_bytes()
}

/// The filler that follows the stamp in a payload of `length` bytes.
#[inline]
pub(crate) fn fill(sequence: u64, length: usize) -> &'static [u8] {
    let start = (sequence % PERIOD as u64) as usize;
    &FILLER[start..start + length - stamp_bytes(length)]
}
