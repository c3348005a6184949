//! The client against the server, with any cutting in between; and against servers that do it wrong.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{Exchange, ExchangeError, Limits, Reply, Request, Session};

const LIMITS: Limits = Limits { max_frame_bytes: u16::MAX, write_queue_bytes: 0, readbuf_bytes: 1024, pool: true };

const TAG: u32 = 0xC0FF_EE00;

/// The client after sending `requests`, and the replies to them, one by one.
fn exchanged(requests: &[Request], verify_content: bool) -> (Exchange, Vec<Vec<u8>>) {
    let mut exchange = Exchange::new(TAG, verify_content);
    let mut session = Session::new(&LIMITS);
    let replies = requests.iter().enumerate().map(|(at, request)| {
        let (mut frame, mut reply) = (Vec::new(), Vec::new());
        assert_eq!(exchange.send(*request, &mut frame), at as u64);
        assert_eq!(session.receive(&frame, &mut reply), Ok(frame.len()));
        reply
    });
    let replies = replies.collect();
    (exchange, replies)
}

/// Reads `bytes` in pieces of these sizes, in turn; returns the replies accepted, and what was wrong.
fn read(exchange: &mut Exchange, mut bytes: &[u8], sizes: &[usize]) -> (Vec<Reply>, Result<(), ExchangeError>) {
    let mut accepted = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(bytes.len().min(*sizes.next().expect("at least one size")));
        bytes = rest;
        if let Err(error) = exchange.receive(piece, |reply| accepted.push(reply)) {
            return (accepted, Err(error));
        }
    }
    (accepted, Ok(()))
}

/// What the client sends, what a wrong server makes of the replies, and what the client must say to it:
/// replies accepted, and the error.
fn check(
    name: &str,
    requests: &[Request],
    wrong: impl Fn(&mut Vec<Vec<u8>>),
    expected: (usize, Result<(), ExchangeError>),
) {
    for sizes in [&[usize::MAX][..], &[1], &[2], &[7], &[3, 100]] {
        let (mut exchange, mut replies) = exchanged(requests, true);
        wrong(&mut replies);
        let (accepted, outcome) = read(&mut exchange, &replies.concat(), sizes);
        assert_eq!((accepted.len(), outcome), expected, "{name}, cut {sizes:?}");
    }
}

const PING: Request = Request::Ping;
const ECHO: Request = Request::Echo { length: 20 };
const SHORT: Request = Request::Echo { length: 2 };
const SINK: Request = Request::Sink { length: 20 };

#[test]
fn wrong_type() {
    let wrong = |replies: &mut Vec<Vec<u8>>| replies[1][0] = 0x83;
    check("ACK for PONG", &[PING, PING], wrong, (1, Err(ExchangeError::WrongKind { expected: 0x81, got: 0x83 })));
    let wrong = |replies: &mut Vec<Vec<u8>>| replies[0][0] = 0x03;
    check("SINK for ECHO", &[ECHO], wrong, (0, Err(ExchangeError::WrongKind { expected: 0x02, got: 0x03 })));
}

#[test]
fn wrong_length() {
    let wrong = |replies: &mut Vec<Vec<u8>>| replies[1] = b"\x02\x00\x01\x01".to_vec();
    check("a shorter ECHO", &[ECHO, ECHO], wrong, (1, Err(ExchangeError::WrongLength { expected: 20, got: 1 })));
    let wrong = |replies: &mut Vec<Vec<u8>>| replies[0] = b"\x83\x00\x01\x01".to_vec();
    check("an ACK with a payload", &[SINK], wrong, (0, Err(ExchangeError::WrongLength { expected: 0, got: 1 })));
    let wrong = |replies: &mut Vec<Vec<u8>>| replies[0] = b"\xFF\x00\x00".to_vec();
    check("an ERROR without a code", &[SINK], wrong, (0, Err(ExchangeError::WrongLength { expected: 1, got: 0 })));
}

#[test]
fn wrong_order() {
    let swap = |replies: &mut Vec<Vec<u8>>| replies.swap(1, 2);
    check("swapped", &[ECHO; 4], swap, (1, Err(ExchangeError::WrongSequence { reply: 1 })));
    check("swapped, short", &[SHORT; 4], swap, (1, Err(ExchangeError::WrongSequence { reply: 1 })));
    check("swapped types", &[ECHO, PING, ECHO], swap, (1, Err(ExchangeError::WrongKind { expected: 0x81, got: 0x02 })));
    let swap = |replies: &mut Vec<Vec<u8>>| replies.swap(0, 1);
    let lengths = [SHORT, ECHO];
    check("swapped lengths", &lengths, swap, (0, Err(ExchangeError::WrongLength { expected: 2, got: 20 })));
}

#[test]
fn wrong_content() {
    let wrong = |at: usize| move |replies: &mut Vec<Vec<u8>>| replies[1][3 + at] ^= 0x10;
    for at in 0..8 {
        check("stamp", &[ECHO; 3], wrong(at), (1, Err(ExchangeError::WrongSequence { reply: 1 })));
    }
    for at in 8..20 {
        let error = ExchangeError::WrongContent { reply: 1, at_byte: at as u32 };
        check("filler", &[ECHO; 3], wrong(at), (1, Err(error)));
    }
}

#[test]
fn duplicate_lost_and_unsolicited() {
    let twice = |replies: &mut Vec<Vec<u8>>| replies.insert(1, replies[0].clone());
    check("an ECHO twice", &[ECHO, ECHO], twice, (1, Err(ExchangeError::WrongSequence { reply: 1 })));
    check("the last one twice", &[PING], twice, (1, Err(ExchangeError::Unsolicited(0x81))));
    check("a PONG twice", &[PING, PING], twice, (2, Err(ExchangeError::Unsolicited(0x81))));
    let lost = |replies: &mut Vec<Vec<u8>>| drop(replies.remove(0));
    check("a lost ECHO", &[ECHO, ECHO], lost, (0, Err(ExchangeError::WrongSequence { reply: 0 })));
    // Nothing shows yet that the other PONG will not come: `in_flight` is the witness.
    check("a lost PONG", &[PING, PING], lost, (1, Ok(())));
    let more = |replies: &mut Vec<Vec<u8>>| replies.push(vec![0x02]);
    check("one byte too many", &[ECHO], more, (1, Err(ExchangeError::Unsolicited(0x02))));
}

#[test]
fn refused() {
    for code in [1, 2, 3, 4, 5, 6, 0, 200] {
        let wrong = |replies: &mut Vec<Vec<u8>>| replies.insert(1, vec![0xFF, 0, 1, code]);
        check("an ERROR between", &[ECHO, ECHO], wrong, (1, Err(ExchangeError::Refused(code))));
        let wrong = |replies: &mut Vec<Vec<u8>>| replies.push(vec![0xFF, 0, 1, code]);
        check("an ERROR after all replies", &[SINK], wrong, (1, Err(ExchangeError::Refused(code))));
    }
}

#[test]
fn content_beyond_the_stamp_is_checked_on_request_only() {
    for (verify_content, ok) in [(false, true), (true, false)] {
        let (mut exchange, mut replies) = exchanged(&[ECHO], verify_content);
        replies[0][3 + 8] ^= 1;
        assert_eq!(read(&mut exchange, &replies.concat(), &[5]).1.is_ok(), ok);
    }
    let (mut exchange, mut replies) = exchanged(&[ECHO], false);
    replies[0][3 + 7] ^= 1;
    let error = Err(ExchangeError::WrongSequence { reply: 0 });
    assert_eq!(read(&mut exchange, &replies.concat(), &[5]).1, error, "the stamp is always checked");
}

#[test]
fn every_connection_and_request_has_its_own_content() {
    let frame = |tag, sent: u64, length| {
        let mut exchange = Exchange::new(tag, true);
        let mut frame = Vec::new();
        for _ in 0..=sent {
            frame.clear();
            exchange.send(Request::Echo { length }, &mut frame);
        }
        frame
    };
    let all = [frame(1, 0, 64), frame(1, 1, 64), frame(2, 0, 64), frame(1, 256, 64), frame(1, 0, 65)];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(one));
    }
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        Just(Request::Ping),
        prop_oneof![0..40_u16, Just(u16::MAX)].prop_map(|length| Request::Echo { length }),
        (0..40_u16).prop_map(|length| Request::Sink { length }),
        // A stream that its chunk completes at once, in whatever order they are drawn, is made in `requests`.
        (1..40_u16).prop_map(|length| Request::Chunk { length }),
    ]
}

/// Valid sequences: each CHUNK is put behind the STREAM that announces it.
fn requests() -> impl Strategy<Value = Vec<Request>> {
    vec(request(), 1..30).prop_map(|requests| {
        let announced = |request| match request {
            Request::Chunk { length } => vec![Request::Stream { total: length.into(), chunk: length }, request],
            other => vec![other],
        };
        requests.into_iter().flat_map(announced).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn roundtrip_with_any_cutting(
        requests in requests(),
        sizes in vec(prop_oneof![3 => 1..12_usize, 1 => Just(usize::MAX)], 1..6),
        verify_content in any::<bool>(),
    ) {
        let (mut exchange, replies) = exchanged(&requests, verify_content);
        prop_assert_eq!(exchange.in_flight(), requests.len() as u64);
        let (accepted, outcome) = read(&mut exchange, &replies.concat(), &sizes);
        prop_assert_eq!(outcome, Ok(()));
        prop_assert_eq!((exchange.in_flight(), exchange.sent()), (0, exchange.answered()));
        let expected = replies.iter().enumerate();
        let expected = expected.map(|(at, reply)| Reply { sequence: at as u64, payload_bytes: (reply.len() - 3) as u16 });
        prop_assert_eq!(accepted, expected.collect::<Vec<_>>());
    }

    #[test]
    fn every_changed_byte_is_found(
        requests in requests(),
        at in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
        sizes in vec(1..50_usize, 1..6),
    ) {
        let (mut exchange, replies) = exchanged(&requests, true);
        let mut bytes = replies.concat();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let whole = read(&mut exchange, &bytes, &[usize::MAX]);
        prop_assert!(whole.1.is_err());
        prop_assert_eq!(read(&mut exchanged(&requests, true).0, &bytes, &sizes), whole, "cut, it looks different");
    }
}
