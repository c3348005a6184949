//! The shared vectors: `tests/vectors/*.txt`, which other implementations can use as well.

use crate::doors::{DOORS, Transport, serve};
use crate::model::{self, Ending};
use protocol::{ErrorCode, Exchange, ExchangeError, Kind, Limits, ProtocolError, Request, datagram};
use std::collections::{BTreeMap, BTreeSet};

const SERVER: &str = include_str!("../vectors/server.txt");
const DATAGRAM: &str = include_str!("../vectors/datagram.txt");
const CLIENT: &str = include_str!("../vectors/client.txt");

/// The tag that `client.txt` states.
const TAG: u32 = 0x0A0B_0C0D;

/// One case: its fields by name.
struct Vector<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Vector<'a> {
    fn field(&self, name: &str) -> &'a str {
        self.0.get(name).unwrap_or_else(|| panic!("no `{name}` in {:?}", self.0))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        hex(self.field(name))
    }

    fn limits(&self) -> Limits {
        let max_frame_bytes = self.0.get("max-frame").map_or(u16::MAX, |text| text.parse().expect("a number"));
        Limits { max_frame_bytes, write_queue_bytes: 0, readbuf_bytes: 16, pool: true }
    }
}

fn parse(text: &str) -> Vec<Vector<'_>> {
    let vectors: Vec<_> = text
        .split("\n\n")
        .map(|block| block.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()))
        .map(|lines| Vector(lines.map(|line| line.split_once(':').expect("`field: value`")).map(trim).collect()))
        .filter(|vector| !vector.0.is_empty())
        .collect();
    let names: BTreeSet<_> = vectors.iter().map(|vector| vector.field("name")).collect();
    assert_eq!(names.len(), vectors.len(), "two vectors of the same name");
    vectors
}

fn trim<'a>((name, value): (&'a str, &'a str)) -> (&'a str, &'a str) {
    (name.trim(), value.trim())
}

/// Hex digits, in groups as one likes; `5A*65535` repeats the group.
fn hex(text: &str) -> Vec<u8> {
    let group = |group: &str| {
        let (digits, times) = group.split_once('*').unwrap_or((group, "1"));
        assert!(digits.is_ascii() && digits.len().is_multiple_of(2), "half a byte in {group}");
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two hex digits");
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        bytes.repeat(times.parse().expect("a number"))
    };
    text.split_whitespace().flat_map(group).collect()
}

fn ending(outcome: &str) -> Ending {
    match outcome.split_once(' ') {
        None if outcome == "clean" => Ending::Clean,
        Some(("error", code)) => Ending::Refused(code.parse().expect("a code")),
        Some(("truncated", "frame")) => Ending::TruncatedFrame,
        Some(("truncated", "stream")) => Ending::TruncatedStream,
        _ => panic!("no such outcome: {outcome}"),
    }
}

/// Long vectors are cut near their ends only: what lies between is payload.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (1..length).filter(move |at| *at < 40 || length - at < 40)
}

#[test]
fn server() {
    let check = |vector: &Vector<'_>, transport: &Transport| {
        for door in DOORS {
            let name = vector.field("name");
            let spoken = serve(door, &vector.limits(), transport, &vector.bytes("request"));
            assert_eq!(spoken.ending, ending(vector.field("outcome")), "{name}, {door:?}, {transport:?}");
            assert!(spoken.replies == vector.bytes("reply"), "{name}, {door:?}, {transport:?}: other replies");
        }
    };
    for vector in parse(SERVER) {
        check(&vector, &Transport::whole());
        for at in cuts(vector.bytes("request").len()) {
            check(&vector, &Transport::cut(at));
        }
    }
}

#[test]
fn the_model_agrees() {
    for vector in parse(SERVER) {
        let spoken = model::serve(&vector.bytes("request"), vector.limits().max_frame_bytes);
        assert_eq!(spoken.ending, ending(vector.field("outcome")), "{}", vector.field("name"));
        assert!(spoken.replies == vector.bytes("reply"), "{}", vector.field("name"));
    }
}

#[test]
fn datagrams() {
    for vector in parse(DATAGRAM) {
        let mut output = b"left over".to_vec();
        let outcome = match datagram::answer(&vector.bytes("request"), &vector.limits(), &mut output) {
            Ok(()) => Ending::Clean,
            Err(ProtocolError::TruncatedFrame) => Ending::TruncatedFrame,
            Err(error) => Ending::Refused(error.code().expect("a datagram cannot break off a stream") as u8),
        };
        assert_eq!(outcome, ending(vector.field("outcome")), "{}", vector.field("name"));
        assert_eq!(output, vector.bytes("reply"), "{}", vector.field("name"));
    }
}

#[test]
fn client() {
    let check = |vector: &Vector<'_>, pieces: &[&[u8]]| {
        let name = vector.field("name");
        let mut exchange = Exchange::new(TAG, true);
        let mut requests = Vec::new();
        for request in vector.field("send").split(',').filter(|request| !request.is_empty()) {
            exchange.send(request_of(request), &mut requests);
        }
        assert_eq!(requests, vector.bytes("request"), "{name}");
        let mut accepted = 0;
        let outcome = pieces.iter().try_for_each(|piece| exchange.receive(piece, |_| accepted += 1));
        assert_eq!(verdict(outcome, exchange.in_flight()), vector.field("outcome"), "{name}, {pieces:02x?}");
        assert_eq!(accepted.to_string(), vector.field("accepted"), "{name}, {pieces:02x?}");
    };
    for vector in parse(CLIENT) {
        let replies = vector.bytes("reply");
        check(&vector, &[&replies]);
        check(&vector, &replies.chunks(1).collect::<Vec<_>>());
        for at in cuts(replies.len()) {
            check(&vector, &[&replies[..at], &replies[at..]]);
        }
    }
}

fn request_of(text: &str) -> Request {
    let words: Vec<_> = text.split_whitespace().collect();
    let number = |at: usize| words[at].parse::<u16>().expect("a number");
    match words[0] {
        "ping" => Request::Ping,
        "echo" => Request::Echo { length: number(1) },
        "sink" => Request::Sink { length: number(1) },
        "stream" => Request::Stream { total: u64::from(number(1)), chunk: number(2) },
        "chunk" => Request::Chunk { length: number(1) },
        other => panic!("no such request: {other}"),
    }
}

fn verdict(outcome: Result<(), ExchangeError>, in_flight: u64) -> String {
    match outcome {
        Ok(()) if in_flight == 0 => "clean".into(),
        Ok(()) => format!("unanswered {in_flight}"),
        Err(ExchangeError::Refused(code)) => format!("error {code}"),
        Err(ExchangeError::Unsolicited(_)) => "unsolicited".into(),
        Err(ExchangeError::WrongKind { .. }) => "wrong kind".into(),
        Err(ExchangeError::WrongLength { .. }) => "wrong length".into(),
        Err(ExchangeError::WrongSequence { .. }) => "wrong sequence".into(),
        Err(ExchangeError::WrongContent { .. }) => "wrong content".into(),
    }
}

/// A type or code that no vector shows is a hole in the specification.
#[test]
fn every_type_and_every_code_has_a_vector() {
    let all: Vec<_> = [SERVER, DATAGRAM, CLIENT].map(parse).into_iter().flatten().collect();
    let first_byte = |name| move |vector: &Vector<'_>| vector.bytes(name).first().copied();
    let types: BTreeSet<u8> = all.iter().filter_map(first_byte("request")).collect();
    let replies: BTreeSet<u8> = all.iter().filter_map(first_byte("reply")).collect();
    for byte in 0..=u8::MAX {
        match Kind::from_byte(byte) {
            Some(Kind::Pong | Kind::Ack | Kind::Error) => assert!(replies.contains(&byte), "reply 0x{byte:02x}"),
            // A CHUNK comes after its STREAM, so that its vectors start with that.
            Some(kind) => assert!(types.contains(&byte), "{kind:?}"),
            None => {}
        }
        if let Some(code) = ErrorCode::from_byte(byte) {
            let outcome = format!("error {byte}");
            let shown = |text| parse(text).iter().any(|vector| vector.field("outcome") == outcome);
            assert!(shown(CLIENT), "{code:?} is not shown to the client");
            assert!(code == ErrorCode::AtCapacity || shown(SERVER) && shown(DATAGRAM), "{code:?} has no vector");
        }
    }
}
