//! The client's side of one connection: writes requests, and checks every reply as its bytes come in.
//!
//! Replies are checked where they lie and never collected, so a connection needs no receive buffer.

use std::collections::VecDeque;

use crate::error::ExchangeError;
use crate::header::{HEADER_BYTES, Header, Kind};
use crate::pattern;

/// One request to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    Ping,
    /// An echo of `length` patterned payload bytes.
    Echo {
        length: u16,
    },
    /// `length` patterned payload bytes, discarded by the server.
    Sink {
        length: u16,
    },
    /// Announces `total` bytes in chunks of up to `chunk`.
    Stream {
        total: u64,
        chunk: u16,
    },
    /// `length` bytes of the open stream.
    Chunk {
        length: u16,
    },
}

/// A reply that was due, in order, and as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Its request's place in the connection's sequence, from 0.
    pub sequence: u64,
    pub payload_bytes: u16,
}

/// Requests of one shape in a row: one entry, however many are in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    kind: Kind,
    length: u16,
    count: u32,
}

/// The protocol state of one connection on the client.
#[derive(Debug)]
pub struct Exchange {
    sent: u64,
    answered: u64,
    /// Oldest first. One run at a time under a uniform load, and no allocation then.
    first: Option<Run>,
    #[expect(clippy::box_collection, reason = "one word instead of four in every idle connection")]
    more: Option<Box<VecDeque<Run>>>,
    tag: u32,
    /// Payload bytes of the reply in progress that were checked already.
    checked: u16,
    /// The reply in progress: its header bytes so far.
    header: [u8; HEADER_BYTES],
    header_have: u8,
    verify_content: bool,
}

impl Exchange {
    /// A fresh connection. `tag` goes into every payload: a reply that strays from another connection
    /// is found out. `verify_content` compares all payload bytes, otherwise the first eight.
    #[must_use]
    pub const fn new(tag: u32, verify_content: bool) -> Self {
        Self {
            sent: 0,
            answered: 0,
            first: None,
            more: None,
            tag,
            checked: 0,
            header: [0; HEADER_BYTES],
            header_have: 0,
            verify_content,
        }
    }

    /// Appends `request` to `output` and expects its reply. Returns its sequence number.
    pub fn send(&mut self, request: Request, output: &mut Vec<u8>) -> u64 {
        let (sequence, tag) = (self.sent, self.tag);
        match request {
            Request::Ping => output.extend_from_slice(&Header::encode(Kind::Ping, 0)),
            Request::Echo { length } => pattern::append_frame(Kind::Echo, length, tag, sequence, output),
            Request::Sink { length } => pattern::append_frame(Kind::Sink, length, tag, sequence, output),
            Request::Chunk { length } => pattern::append_frame(Kind::Chunk, length, tag, sequence, output),
            Request::Stream { total, chunk } => {
                output.extend_from_slice(&Header::encode(Kind::Stream, 10));
                output.extend_from_slice(&total.to_be_bytes());
                output.extend_from_slice(&chunk.to_be_bytes());
            }
        }
        self.announce(request)
    }

    /// Expects the reply to a `request` whose bytes the caller sends itself, in whatever way: bulk data out of a file need not
    /// pass through memory, and no reply depends on its content. Returns its sequence number.
    pub fn announce(&mut self, request: Request) -> u64 {
        let sequence = self.sent;
        let (reply, reply_length) = match request {
            Request::Ping => (Kind::Pong, 0),
            Request::Echo { length } => (Kind::Echo, length),
            Request::Sink { .. } | Request::Stream { .. } | Request::Chunk { .. } => (Kind::Ack, 0),
        };
        self.expect(Run { kind: reply, length: reply_length, count: 1 });
        self.sent += 1;
        sequence
    }

    /// Checks reply bytes, all of them, calling `on_reply` for each reply that is whole and right.
    ///
    /// # Errors
    /// The first byte that is wrong, however the replies were cut. The connection is of no use afterwards:
    /// what follows cannot be trusted.
    #[inline]
    pub fn receive(&mut self, mut input: &[u8], mut on_reply: impl FnMut(Reply)) -> Result<(), ExchangeError> {
        while !input.is_empty() {
            if usize::from(self.header_have) < HEADER_BYTES {
                input = self.take_header(input)?;
                if usize::from(self.header_have) < HEADER_BYTES {
                    return Ok(());
                }
            }
            let header = Header::decode(&self.header).expect("three bytes are there");
            let left = usize::from(header.length - self.checked);
            let (now, rest) = input.split_at(left.min(input.len()));
            self.check_payload(header, now)?;
            input = rest;
            if self.checked == header.length {
                on_reply(self.complete(header));
            }
        }
        Ok(())
    }

    /// Requests sent and not answered yet.
    #[inline]
    #[must_use]
    pub const fn in_flight(&self) -> u64 {
        self.sent - self.answered
    }

    /// Requests sent so far.
    #[inline]
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Replies accepted so far.
    #[inline]
    #[must_use]
    pub const fn answered(&self) -> u64 {
        self.answered
    }

    /// Bytes of the reply in progress that came already, its header included.
    #[inline]
    #[must_use]
    pub const fn partial_bytes(&self) -> usize {
        self.header_have as usize + self.checked as usize
    }

    fn expect(&mut self, run: Run) {
        let last = match &mut self.more {
            Some(more) if !more.is_empty() => more.back_mut(),
            _ => self.first.as_mut(),
        };
        match last {
            Some(last) if last.kind == run.kind && last.length == run.length && last.count < u32::MAX => {
                last.count += 1;
            }
            Some(_) => self.more.get_or_insert_default().push_back(run),
            None => self.first = Some(run),
        }
    }

    /// Moves header bytes from `input`, which is not empty, and checks them; returns what follows them.
    #[inline]
    fn take_header<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], ExchangeError> {
        let have = usize::from(self.header_have);
        let rest = if let ([a, b, c, rest @ ..], 0) = (input, have) {
            self.header = [*a, *b, *c];
            self.header_have = HEADER_BYTES as u8;
            rest
        } else {
            let (now, rest) = input.split_at((HEADER_BYTES - have).min(input.len()));
            self.header[have..have + now.len()].copy_from_slice(now);
            self.header_have += now.len() as u8;
            rest
        };
        let [kind, high, low] = self.header;
        let expected = self.due_length(kind)?;
        let got = u16::from_be_bytes([high, low]);
        if usize::from(self.header_have) == HEADER_BYTES && got != expected {
            return Err(ExchangeError::WrongLength { expected, got });
        }
        Ok(rest)
    }

    /// The length of a reply of this type, if it is due. An ERROR is always due, and its code is its payload.
    #[inline]
    fn due_length(&self, kind: u8) -> Result<u16, ExchangeError> {
        match self.first {
            Some(due) if kind == due.kind as u8 => Ok(due.length),
            _ if kind == Kind::Error as u8 => Ok(1),
            Some(due) => Err(ExchangeError::WrongKind { expected: due.kind as u8, got: kind }),
            None => Err(ExchangeError::Unsolicited(kind)),
        }
    }

    #[inline]
    fn check_payload(&mut self, header: Header, bytes: &[u8]) -> Result<(), ExchangeError> {
        if header.kind == Kind::Error as u8 {
            return bytes.first().map_or(Ok(()), |code| Err(ExchangeError::Refused(*code)));
        }
        let from = usize::from(self.checked);
        let stamp_bytes = pattern::stamp_bytes(usize::from(header.length));
        let mut rest = bytes;
        if from < stamp_bytes {
            let stamp = pattern::stamp(self.tag, self.answered);
            let stamp = &stamp[8 - stamp_bytes..];
            let now = (stamp_bytes - from).min(bytes.len());
            if bytes[..now] != stamp[from..from + now] {
                return Err(ExchangeError::WrongSequence { reply: self.answered });
            }
            rest = &bytes[now..];
        }
        if self.verify_content && !rest.is_empty() {
            let at = from.max(stamp_bytes);
            let filler = &pattern::fill(self.answered, usize::from(header.length))[at - stamp_bytes..][..rest.len()];
            if rest != filler {
                let differs = rest.iter().zip(filler).position(|(a, b)| a != b).expect("the slices differ");
                return Err(ExchangeError::WrongContent { reply: self.answered, at_byte: (at + differs) as u32 });
            }
        }
        self.checked += bytes.len() as u16;
        Ok(())
    }

    fn complete(&mut self, header: Header) -> Reply {
        let due = self.first.as_mut().expect("the header was of a reply that is due");
        due.count -= 1;
        if due.count == 0 {
            self.first = self.more.as_mut().and_then(|more| more.pop_front());
        }
        let reply = Reply { sequence: self.answered, payload_bytes: header.length };
        self.answered += 1;
        self.checked = 0;
        self.header_have = 0;
        reply
    }
}
