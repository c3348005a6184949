//! Each function takes any bytes, reads a little script from their start, and panics when the protocol
//! is inconsistent: above all, when it matters how input and output were cut.

use protocol::{
    Conn, Exchange, ExchangeError, HEADER_BYTES, Limits, Pool, ProtocolError, Reply, Request, Session, Step,
    split as next,
};

/// `[limit: u16] stream`: frames tile the stream, and a prefix of a frame is never another frame.
pub fn split(data: &[u8]) {
    let Some((limit, mut stream)) = data.split_first_chunk::<2>() else { return };
    let max_frame_bytes = u16::from_be_bytes(*limit);
    while let Ok(Some(frame)) = next(stream, max_frame_bytes) {
        let (wire, rest) = stream.split_at(frame.wire_bytes());
        assert_eq!(frame.payload, &wire[HEADER_BYTES..]);
        assert!(frame.payload.len() <= usize::from(max_frame_bytes));
        assert_eq!(next(wire, max_frame_bytes), Ok(Some(frame)), "what follows a frame does not matter");
        for cut in [0, 1, 2, wire.len() / 2, wire.len() - 1] {
            assert_eq!(next(&wire[..cut], max_frame_bytes), Ok(None), "a part of a frame is no frame");
        }
        stream = rest;
    }
    if let Err(error) = next(stream, max_frame_bytes) {
        assert_eq!(next(&stream[..HEADER_BYTES], max_frame_bytes), Err(error), "the header suffices");
    }
}

/// All that a server says and concludes.
type Spoken = (Vec<u8>, u32, Option<ProtocolError>);

/// `[limit, write queue, read seed, write seed] stream`: however the stream is cut, written out and held back,
/// pooled or not, every door says what one call of `Session::receive` says.
pub fn session(data: &[u8]) {
    let Some((&[limit, queue, read_seed, write_seed], stream)) = data.split_first_chunk::<4>() else { return };
    // 0 stands for no limit; others are small, where they matter.
    let max_frame_bytes = if limit == 0 { u16::MAX } else { u16::from(limit) };
    let limits = |pool| Limits {
        max_frame_bytes,
        write_queue_bytes: usize::from(queue),
        readbuf_bytes: 1 + usize::from(read_seed / 4),
        pool,
    };
    let whole = at_once(&Limits { write_queue_bytes: 0, ..limits(true) }, stream);
    for door in [spare, arrived, lend] {
        for pool in [false, true] {
            assert_eq!(in_pieces(&limits(pool), stream, door, Cuts(read_seed), Cuts(write_seed)), whole);
        }
    }
}

fn at_once(limits: &Limits, stream: &[u8]) -> Spoken {
    let (mut session, mut output) = (Session::new(limits), Vec::new());
    let outcome = session.receive(stream, &mut output).and_then(|used| session.end(stream.len() - used));
    (output, session.take_frames(), outcome.err())
}

/// Reads at most this many bytes of `unread` into the connection.
type Door = fn(&mut Conn, &[u8]) -> usize;

fn in_pieces(limits: &Limits, mut unread: &[u8], door: Door, mut reads: Cuts, mut writes: Cuts) -> Spoken {
    let (mut conn, mut pool) = (Conn::new(limits), Pool::new(2));
    let mut said = Vec::new();
    loop {
        conn.adopt(&mut pool);
        if conn.wants_input() {
            let count = door(&mut conn, &unread[..reads.next().min(unread.len())]);
            unread = &unread[count..];
        }
        match conn.step() {
            Step::Read => assert!(conn.wants_input(), "nothing to write, and nothing to read for"),
            Step::Write => {
                let count = writes.next().min(conn.pending().len());
                said.extend_from_slice(&conn.pending()[..count]);
                conn.flushed(count);
            }
            Step::Close => return (said, conn.take_frames(), conn.error()),
        }
        conn.release(&mut pool);
    }
}

fn spare(conn: &mut Conn, bytes: &[u8]) -> usize {
    let spare = conn.spare();
    assert!(!spare.is_empty(), "an empty read would look like the end of input");
    let count = spare.len().min(bytes.len());
    spare[..count].copy_from_slice(&bytes[..count]);
    conn.filled(count);
    count
}

fn arrived(conn: &mut Conn, bytes: &[u8]) -> usize {
    conn.arrived(bytes);
    bytes.len()
}

fn lend(conn: &mut Conn, bytes: &[u8]) -> usize {
    let mut buffer = conn.lend();
    let count = (buffer.capacity() - buffer.len()).min(bytes.len());
    buffer.extend_from_slice(&bytes[..count]);
    conn.restore(buffer, count);
    count
}

/// `[tag, cut seed, requests, change] (kind, length)… bytes`: the client makes the same of a server's bytes
/// however they are cut. The server says what it should, but changed where `bytes` is not 0;
/// or, with an odd `change`, it says just `bytes`.
pub fn exchange(data: &[u8]) {
    let Some((&[tag, seed, count, change], rest)) = data.split_first_chunk::<4>() else { return };
    let count = usize::from(count % 32).min(rest.len() / 2);
    let (script, bytes) = rest.split_at(2 * count);
    let requests: Vec<Request> = script.chunks_exact(2).map(|pair| request(pair[0], pair[1])).collect();
    let due = due(tag, &requests);
    let mut said = due.clone();
    if change % 2 == 1 {
        said = bytes.to_vec();
    } else {
        said.iter_mut().zip(bytes).for_each(|(said, change)| *said ^= change);
    }

    let whole = check_replies(tag, &requests, &said, || usize::MAX);
    let mut cuts = Cuts(seed);
    assert_eq!(check_replies(tag, &requests, &said, || cuts.next()), whole, "cut, it looks different");
    assert_eq!(check_replies(tag, &requests, &said, || 1), whole, "byte by byte, it looks different");
    let (accepted, outcome) = whole;
    let accepted_bytes: usize = accepted.iter().map(|reply| HEADER_BYTES + usize::from(reply.payload_bytes)).sum();
    assert_eq!(said[..accepted_bytes], due[..accepted_bytes], "accepted, although it was not due");
    if said == due {
        assert_eq!((outcome, accepted.len()), (Ok(()), requests.len()));
    }
}

fn request(kind: u8, length: u8) -> Request {
    let length = u16::from(length);
    match kind % 5 {
        0 => Request::Ping,
        1 => Request::Echo { length },
        2 => Request::Sink { length },
        3 => Request::Stream { total: u64::from(kind), chunk: length },
        _ => Request::Chunk { length },
    }
}

/// The replies that a server owes, if all requests make sense to it.
fn due(tag: u8, requests: &[Request]) -> Vec<u8> {
    let mut exchange = Exchange::new(tag.into(), true);
    let mut replies = Vec::new();
    let mut sent = Vec::new();
    for request in requests {
        sent.clear();
        exchange.send(*request, &mut sent);
        match request {
            Request::Echo { .. } => replies.extend_from_slice(&sent),
            Request::Ping => replies.extend([0x81, 0, 0]),
            Request::Sink { .. } | Request::Stream { .. } | Request::Chunk { .. } => replies.extend([0x83, 0, 0]),
        }
    }
    replies
}

fn check_replies(
    tag: u8,
    requests: &[Request],
    mut said: &[u8],
    mut size: impl FnMut() -> usize,
) -> (Vec<Reply>, Result<(), ExchangeError>) {
    let mut exchange = Exchange::new(tag.into(), true);
    let mut sent = Vec::new();
    for request in requests {
        exchange.send(*request, &mut sent);
    }
    let mut accepted = Vec::new();
    let mut outcome = Ok(());
    while !said.is_empty() && outcome.is_ok() {
        let (now, later) = said.split_at(size().min(said.len()));
        outcome = exchange.receive(now, |reply| accepted.push(reply));
        said = later;
    }
    assert_eq!(exchange.in_flight(), (requests.len() - accepted.len()) as u64);
    (accepted, outcome)
}

/// Sizes from 1 to 64, mostly small, that follow from one byte.
struct Cuts(u8);

impl Cuts {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(77).wrapping_add(43);
        let size = usize::from(self.0 >> 2);
        1 + if self.0 & 3 == 0 { size } else { size % 8 }
    }
}
