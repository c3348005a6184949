//! What a connection may hold in memory, and when it must hold nothing.

use crate::doors::Door;
use protocol::{Conn, ErrorCode, Exchange, Limits, Pool, ProtocolError, Session, Step};

const CONN_DOORS: [Door; 3] = [Door::Spare, Door::Arrived, Door::Lend];

const READBUF_BYTES: usize = 2048;

fn pooled(write_queue_bytes: usize) -> Limits {
    Limits { max_frame_bytes: u16::MAX, write_queue_bytes, readbuf_bytes: READBUF_BYTES, pool: true }
}

/// Hands `bytes` to the server in reads of at most `readbuf`, as long as it wants them; returns how many it took.
fn feed(conn: &mut Conn, door: Door, bytes: &[u8], mut after_each: impl FnMut(&Conn)) -> usize {
    let mut taken = 0;
    while taken < bytes.len() && conn.wants_input() {
        let now = &bytes[taken..bytes.len().min(taken + READBUF_BYTES)];
        taken += match door {
            Door::Spare => {
                let spare = conn.spare();
                let count = now.len().min(spare.len());
                spare[..count].copy_from_slice(&now[..count]);
                conn.filled(count);
                count
            }
            Door::Lend => {
                let mut buffer = conn.lend();
                buffer.extend_from_slice(now);
                conn.restore(buffer, now.len());
                now.len()
            }
            Door::Arrived | Door::Bare => {
                conn.arrived(now);
                now.len()
            }
        };
        after_each(conn);
    }
    taken
}

fn echo(length: u16) -> Vec<u8> {
    let mut frame = vec![0x02];
    frame.extend(length.to_be_bytes());
    frame.resize(3 + usize::from(length), 0x5A);
    frame
}

/// Feeds `bytes` to a fresh pooled connection and expects it never to hold more than `ceiling` bytes.
fn check(name: &str, write_queue_bytes: usize, bytes: &[u8], ceiling: impl Fn(Door) -> usize) {
    for door in CONN_DOORS {
        let mut conn = Conn::new(&pooled(write_queue_bytes));
        feed(&mut conn, door, bytes, |conn| {
            let held = conn.buffer_bytes();
            assert!(held <= ceiling(door), "{name}, {door:?}: {held} bytes held, {} allowed", ceiling(door));
        });
    }
}

/// What a door reads into: the connection's own buffer, or nothing of the connection's.
fn readbuf(door: Door) -> usize {
    if door == Door::Arrived { 0 } else { READBUF_BYTES }
}

#[test]
fn a_header_alone_grows_nothing() {
    // `Vec` starts small buffers at 8 bytes.
    check("a frame that is announced", 0, &[0x02, 0xFF, 0xFF], |door| readbuf(door).max(8));
    check("a frame that is announced, and begun", 0, &echo(u16::MAX)[..9], |door| readbuf(door).max(24));
}

#[test]
fn oversize_is_refused_on_the_header_alone() {
    let limits = Limits { max_frame_bytes: 1000, ..pooled(0) };
    let error = ProtocolError::FrameTooLarge { length: 1001, max: 1000 };
    for door in CONN_DOORS {
        let mut conn = Conn::new(&limits);
        feed(&mut conn, door, &echo(1001)[..3], |_| {});
        assert_eq!(conn.error(), Some(error), "{door:?}");
        assert_eq!(conn.pending(), ErrorCode::FrameTooLarge.frame());
        // The ERROR frame is all that was written.
        assert!(conn.buffer_bytes() <= readbuf(door) + 8, "{door:?}: {} bytes held", conn.buffer_bytes());
    }
    let mut output = Vec::new();
    for _ in 0..10_000 {
        output.clear();
        assert_eq!(Session::new(&limits).receive(&echo(1001)[..3], &mut output), Err(error));
    }
    assert!(output.capacity() <= 8, "{} bytes for one ERROR frame", output.capacity());
}

#[test]
fn input_is_at_most_one_frame_and_one_read() {
    let frame = 3 + usize::from(u16::MAX);
    let unfinished = [echo(60_000), echo(u16::MAX)[..u16::MAX.into()].to_vec()].concat();
    let first_reply = 3 + 60_000;
    check("a frame that never ends", 0, &echo(u16::MAX)[..u16::MAX.into()], |_| frame + READBUF_BYTES);
    check("the same after another", 0, &unfinished, |_| frame + READBUF_BYTES + 2 * first_reply);
}

#[test]
fn memory_follows_what_came_not_what_was_announced() {
    for door in CONN_DOORS {
        let mut came = 0;
        let mut conn = Conn::new(&pooled(0));
        for piece in echo(u16::MAX)[..60_000].chunks(100) {
            came += piece.len();
            feed(&mut conn, door, piece, |conn| {
                assert!(conn.buffer_bytes() <= 2 * came + 2 * READBUF_BYTES, "{door:?}: {}", conn.buffer_bytes());
            });
        }
    }
}

#[test]
fn a_peer_that_stops_reading_is_stopped_being_read() {
    for write_queue_bytes in [1, 100, 5_000, 200_000] {
        for length in [0, 64, 3_000, u16::MAX] {
            let flood = echo(length).repeat(4 * (write_queue_bytes + 70_000) / (3 + usize::from(length)));
            let (frame, reply) = (3 + usize::from(u16::MAX), 3 + usize::from(length));
            let ceiling = frame.min(2 * reply.max(READBUF_BYTES)) + READBUF_BYTES + write_queue_bytes + frame;
            check("a flood", write_queue_bytes, &flood, |_| ceiling);
            for door in CONN_DOORS {
                let mut conn = Conn::new(&pooled(write_queue_bytes));
                let taken = feed(&mut conn, door, &flood, |_| {});
                assert!(taken < flood.len(), "{door:?}: the whole flood was taken");
                assert!(conn.pending().len() >= write_queue_bytes && conn.pending().len() < write_queue_bytes + reply);
                assert_eq!(conn.step(), Step::Write);
                // A peer that reads a little now and then gains nothing.
                for _ in 0..200 {
                    conn.flushed(conn.pending().len().min(7));
                    feed(&mut conn, door, &flood, |_| {});
                    let held = conn.buffer_bytes();
                    assert!(held <= ceiling, "{door:?}: {held} bytes held, {ceiling} allowed");
                }
            }
        }
    }
}

/// One frame, whole and then in three pieces: nothing is held between frames, whichever the door.
#[test]
fn an_idle_pooled_connection_holds_nothing() {
    for door in CONN_DOORS {
        let mut pool = Pool::new(8);
        let mut conn = Conn::new(&pooled(0));
        assert_eq!(conn.buffer_bytes(), 0, "{door:?}: before the first frame");
        let frame = echo(9_000);
        for pieces in [vec![&frame[..]], vec![&frame[..2], &frame[2..5_000], &frame[5_000..]]] {
            for piece in pieces {
                conn.adopt(&mut pool);
                feed(&mut conn, door, piece, |_| {});
                conn.release(&mut pool);
            }
            assert_eq!(conn.pending(), frame);
            conn.flushed(frame.len());
            conn.release(&mut pool);
            assert_eq!((conn.buffer_bytes(), conn.step()), (0, Step::Read), "{door:?}: after a frame");
        }
    }
}

#[test]
fn an_unpooled_connection_keeps_its_buffers() {
    for door in CONN_DOORS {
        let mut conn = Conn::new(&Limits { pool: false, ..pooled(0) });
        let mut pool = Pool::new(8);
        for _ in 0..3 {
            assert_eq!(conn.buffer_bytes(), 2 * READBUF_BYTES, "{door:?}");
            conn.adopt(&mut pool);
            feed(&mut conn, door, &echo(64), |_| {});
            conn.flushed(conn.pending().len());
            conn.release(&mut pool);
        }
        assert_eq!(pool.bytes(), 0, "{door:?}: the pool is not for it");
    }
}

#[test]
fn spare_offers_one_readbuf_whatever_the_pool_had() {
    let mut pool = Pool::new(2);
    let mut long = Conn::new(&pooled(0));
    long.adopt(&mut pool);
    feed(&mut long, Door::Spare, &echo(50_000), |_| {});
    long.flushed(long.pending().len());
    long.release(&mut pool);
    assert!(pool.bytes() >= 100_000, "both long buffers are there to be taken");
    let mut conn = Conn::new(&pooled(0));
    conn.adopt(&mut pool);
    assert_eq!(conn.spare().len(), READBUF_BYTES);
}

#[test]
fn nothing_is_taken_after_an_error() {
    for door in CONN_DOORS {
        let mut conn = Conn::new(&pooled(0));
        feed(&mut conn, door, b"\x01\x00\x00\x09\x00\x00\x02\x00\x01!", |_| {});
        assert_eq!(conn.error(), Some(ProtocolError::UnknownType(9)));
        assert!(!conn.wants_input());
        let said = b"\x81\x00\x00\xFF\x00\x01\x01";
        assert_eq!((conn.pending(), conn.step()), (&said[..], Step::Write), "{door:?}");
        // A read that was under way may still complete, and the peer may go away.
        conn.arrived(&echo(500));
        assert!(!conn.spare().is_empty());
        conn.filled(4);
        let lent = conn.lend();
        conn.restore(lent, 0);
        conn.arrived(&[]);
        assert_eq!(conn.take_frames(), 1);
        assert_eq!(conn.pending(), said, "{door:?}");
        conn.flushed(6);
        assert_eq!((conn.pending(), conn.step()), (&said[6..], Step::Write));
        conn.flushed(1);
        assert_eq!(conn.step(), Step::Close);
        assert!(!conn.input_ended(), "the error was first");
    }
}

#[test]
fn frames_held_back_are_answered_after_the_end_of_input() {
    for tail in [&b""[..], b"\x02", b"\x09\x00\x00"] {
        for door in CONN_DOORS {
            let mut conn = Conn::new(&pooled(1));
            feed(&mut conn, door, &[&echo(1).repeat(5), tail].concat(), |_| {});
            assert!(!conn.wants_input());
            conn.arrived(&[]);
            assert!(conn.input_ended());
            assert_eq!(conn.error(), None, "what is held back is not judged before its turn");
            for _ in 0..5 {
                assert_eq!((conn.pending(), conn.step()), (&echo(1)[..], Step::Write), "{door:?}");
                conn.flushed(4);
            }
            let (said, error) = match tail {
                [] => (&b""[..], None),
                [0x02] => (&b""[..], Some(ProtocolError::TruncatedFrame)),
                _ => (&b"\xFF\x00\x01\x01"[..], Some(ProtocolError::UnknownType(9))),
            };
            assert_eq!((conn.pending(), conn.error()), (said, error), "{door:?}");
            conn.flushed(said.len());
            assert_eq!((conn.step(), conn.take_frames()), (Step::Close, 5));
        }
    }
}

/// An engine with reads under way that it cannot call back (multishot) may overrun the limit: nothing is lost.
#[test]
fn input_that_nobody_asked_for_is_kept() {
    let mut conn = Conn::new(&pooled(1));
    let stream: Vec<u8> = (0..200).flat_map(echo).collect();
    for piece in stream.chunks(97) {
        conn.arrived(piece);
    }
    let spare = conn.spare().len();
    assert_eq!(spare, READBUF_BYTES, "room for a read is there, also when none is wanted");
    let mut replies = Vec::new();
    while conn.step() == Step::Write {
        let taken = conn.pending().len().min(11);
        replies.extend_from_slice(&conn.pending()[..taken]);
        conn.flushed(taken);
    }
    assert!(replies == stream);
    assert_eq!((conn.step(), conn.take_frames()), (Step::Read, 200));
}

#[test]
fn the_pool_has_a_ceiling() {
    let mut pool = Pool::new(2);
    for capacity in [100, 200, 300, 2 << 20] {
        pool.give(Vec::with_capacity(capacity));
    }
    assert_eq!(pool.bytes(), 300, "two buffers, and none of 2 MiB");
    assert_eq!([pool.take().capacity(), pool.take().capacity(), pool.take().capacity()], [200, 100, 0]);
    pool.give(vec![1; 50]);
    assert!(pool.take().is_empty());
}

#[test]
fn a_connection_is_small_without_its_buffers() {
    // One of them a connection on the server, and one of them on the client.
    assert!(size_of::<Conn>() <= 128, "Conn is {} bytes", size_of::<Conn>());
    assert!(size_of::<Exchange>() <= 48, "Exchange is {} bytes", size_of::<Exchange>());
}
