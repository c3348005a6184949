//! The client's side of the UDP probe: a request may be lost, and replies may come in any order.

use crate::error::ExchangeError;
use crate::header::{HEADER_BYTES, Header, Kind};
use crate::pattern;

/// The protocol state of one UDP socket on the client. Every request is an ECHO of the same length.
#[derive(Debug, Clone)]
pub struct Probe {
    sent: u64,
    tag: u32,
    length: u16,
    verify_content: bool,
}

impl Probe {
    /// A fresh socket that echoes `length` payload bytes; `tag` and `verify_content` as for [`crate::Exchange`].
    #[must_use]
    pub const fn new(tag: u32, length: u16, verify_content: bool) -> Self {
        Self { sent: 0, tag, length, verify_content }
    }

    /// Appends the next request, one datagram, to `output`. Returns its sequence number.
    pub fn send(&mut self, output: &mut Vec<u8>) -> u64 {
        self.send_sized(self.length, output)
    }

    /// The same with `length` payload bytes, for [`Probe::check_sized`].
    pub fn send_sized(&mut self, length: u16, output: &mut Vec<u8>) -> u64 {
        let sequence = self.sent;
        pattern::append_frame(Kind::Echo, length, self.tag, sequence, output);
        self.sent += 1;
        sequence
    }

    /// Requests sent so far.
    #[inline]
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Checks one datagram, and returns the sequence number of the request that it answers.
    ///
    /// A payload under four bytes carries less than the whole number: it is then the first from `oldest` on,
    /// the oldest request still waited for, whose low-order bytes fit. `Ok(None)` is a reply to a request that is
    /// not waited for any more: late, or a second one.
    ///
    /// # Errors
    /// The reply is of another type, length, socket or content than the request's, or a refusal.
    pub fn check(&self, datagram: &[u8], oldest: u64) -> Result<Option<u64>, ExchangeError> {
        let payload = echoed(datagram, self.length)?;
        if payload.len() != usize::from(self.length) {
            return Err(ExchangeError::WrongLength { expected: self.length, got: payload.len() as u16 });
        }
        self.identify(payload, oldest)
    }

    /// The same where request `n` was sent with `length_of(n)` payload bytes: at least 8, as the length is only
    /// known once the reply's sequence number is.
    ///
    /// # Errors
    /// As [`Probe::check`].
    pub fn check_sized(
        &self,
        datagram: &[u8],
        oldest: u64,
        length_of: impl Fn(u64) -> u16,
    ) -> Result<Option<u64>, ExchangeError> {
        let payload = echoed(datagram, length_of(oldest))?;
        let sequence = self.identify(payload, oldest)?;
        let expected = length_of(sequence.unwrap_or(oldest));
        match sequence {
            Some(_) if payload.len() != usize::from(expected) => {
                Err(ExchangeError::WrongLength { expected, got: payload.len() as u16 })
            }
            sequence => Ok(sequence),
        }
    }

    /// The request that a payload was sent with, by its stamp.
    fn identify(&self, payload: &[u8], oldest: u64) -> Result<Option<u64>, ExchangeError> {
        let (stamp, rest) = payload.split_at(pattern::stamp_bytes(payload.len()));
        let (tag, number) = stamp.split_at(stamp.len().saturating_sub(4));
        if tag != &self.tag.to_be_bytes()[4 - tag.len()..] {
            return Err(ExchangeError::WrongSequence { reply: oldest });
        }
        let sequence = first_match(oldest, number);
        if sequence >= self.sent {
            return Ok(None);
        }
        if self.verify_content {
            let filler = pattern::fill(sequence, payload.len());
            if let Some(at) = rest.iter().zip(filler).position(|(a, b)| a != b) {
                return Err(ExchangeError::WrongContent { reply: sequence, at_byte: (stamp.len() + at) as u32 });
            }
        }
        Ok(Some(sequence))
    }
}

/// The payload of a datagram that is a whole ECHO; `expected` is for the error.
fn echoed(datagram: &[u8], expected: u16) -> Result<&[u8], ExchangeError> {
    let wrong_length = ExchangeError::WrongLength { expected, got: datagram.len().saturating_sub(HEADER_BYTES) as u16 };
    let Some(header) = Header::decode(datagram) else { return Err(wrong_length) };
    let payload = &datagram[HEADER_BYTES..];
    match Kind::from_byte(header.kind) {
        Some(Kind::Echo) if usize::from(header.length) == payload.len() => Ok(payload),
        Some(Kind::Echo) => Err(wrong_length),
        Some(Kind::Error) if payload.len() == 1 => Err(ExchangeError::Refused(payload[0])),
        _ => Err(ExchangeError::WrongKind { expected: Kind::Echo as u8, got: header.kind }),
    }
}

/// The first number from `from` on whose low-order bytes are `bytes`.
fn first_match(from: u64, bytes: &[u8]) -> u64 {
    let modulus = 1u64 << (8 * bytes.len());
    let low = bytes.iter().fold(0, |low, &byte| (low << 8) | u64::from(byte));
    from + (low.wrapping_sub(from) & (modulus - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, Limits, datagram};

    const LIMITS: Limits = Limits { max_frame_bytes: 65535, write_queue_bytes: 0, readbuf_bytes: 65536, pool: true };

    fn requests(probe: &mut Probe, count: u64) -> Vec<Vec<u8>> {
        (0..count)
            .map(|sequence| {
                let mut request = Vec::new();
                assert_eq!(probe.send(&mut request), sequence);
                request
            })
            .collect()
    }

    #[test]
    fn any_order_and_any_loss_are_told_apart() {
        for length in [0, 1, 3, 4, 7, 8, 9, 1000] {
            let mut probe = Probe::new(0xDEAD_BEEF, length, true);
            let sent = requests(&mut probe, 200);
            for sequence in [199usize, 0, 57, 198] {
                let mut reply = Vec::new();
                datagram::answer(&sent[sequence], &LIMITS, &mut reply).expect("a whole frame");
                let expected = if length == 0 { 0 } else { sequence as u64 };
                assert_eq!(probe.check(&reply, 0), Ok(Some(expected)), "{length}");
            }
            if length > 0 {
                assert_eq!(probe.check(&sent[3], 4), Ok(None), "{length}: late");
            }
        }
    }

    #[test]
    fn every_request_may_have_its_own_length() {
        let mut probe = Probe::new(9, 0, true);
        let length_of = |sequence: u64| 8 + (sequence % 5) as u16 * 100;
        let sent: Vec<Vec<u8>> = (0..100)
            .map(|sequence| {
                let mut request = Vec::new();
                assert_eq!(probe.send_sized(length_of(sequence), &mut request), sequence);
                request
            })
            .collect();
        for sequence in [99, 0, 57, 98] {
            assert_eq!(probe.check_sized(&sent[sequence], 0, length_of), Ok(Some(sequence as u64)));
        }
        let longer = probe.check_sized(&sent[1], 0, |sequence| length_of(sequence) + 1);
        assert_eq!(longer, Err(ExchangeError::WrongLength { expected: 109, got: 108 }));
        assert_eq!(probe.check_sized(&sent[3], 4, length_of), Ok(None), "late");
        assert!(probe.check_sized(&sent[3][..50], 0, length_of).is_err());
    }

    #[test]
    fn sequence_numbers_wrap_with_the_bytes_there_are() {
        let mut probe = Probe::new(1, 1, false);
        let sent = requests(&mut probe, 1000);
        assert_eq!(probe.check(&sent[700], 600), Ok(Some(700)));
        assert_eq!(first_match(0x1_FFFF_FFFF, &[0, 0, 0, 5]), 0x2_0000_0005);
        assert_eq!(first_match(77, &[]), 77);
    }

    #[test]
    fn wrong_replies_are_named() {
        let mut probe = Probe::new(7, 16, true);
        let right = requests(&mut probe, 1).remove(0);
        let changed = |at: usize| {
            let mut bytes = right.clone();
            bytes[at] ^= 1;
            probe.check(&bytes, 0)
        };
        assert_eq!(changed(0), Err(ExchangeError::WrongKind { expected: 2, got: 3 }));
        assert_eq!(changed(2), Err(ExchangeError::WrongLength { expected: 16, got: 16 }));
        assert_eq!(changed(6), Err(ExchangeError::WrongSequence { reply: 0 }));
        assert_eq!(changed(10), Ok(None));
        assert_eq!(changed(18), Err(ExchangeError::WrongContent { reply: 0, at_byte: 15 }));
        assert_eq!(probe.check(&[], 0), Err(ExchangeError::WrongLength { expected: 16, got: 0 }));
        assert_eq!(probe.check(&right[..10], 0), Err(ExchangeError::WrongLength { expected: 16, got: 7 }));
        assert_eq!(probe.check(&ErrorCode::FrameTooLarge.frame(), 0), Err(ExchangeError::Refused(2)));
    }
}
