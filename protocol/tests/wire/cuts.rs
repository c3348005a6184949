//! However a stream is cut, written out or held back, and whichever door it takes: the same replies.

use crate::doors::{DOORS, Door, Transport, serve};
use crate::model::{self, Ending};
use protocol::Limits;

const READBUF_BYTES: [usize; 4] = [0, 5, 64, 4096];

/// Serves `stream` through every door, pooled and not, and expects what the model says.
fn check(stream: &[u8], write_queue_bytes: usize, transport: &Transport) {
    check_with(stream, u16::MAX, write_queue_bytes, transport);
}

fn check_with(stream: &[u8], max_frame_bytes: u16, write_queue_bytes: usize, transport: &Transport) {
    let expected = model::serve(stream, max_frame_bytes);
    for door in DOORS {
        for readbuf_bytes in READBUF_BYTES {
            for pool in [false, true] {
                let limits = Limits { max_frame_bytes, write_queue_bytes, readbuf_bytes, pool };
                let spoken = serve(door, &limits, transport, stream);
                assert_eq!(spoken, expected, "{door:?}, {limits:?}, {transport:?}, stream {stream:02x?}");
                if door == Door::Bare {
                    break;
                }
            }
        }
    }
}

/// Every request type, empty and longer payloads, and a stream with other frames between its chunks.
fn mixed() -> Vec<u8> {
    [
        &[0x01, 0, 0][..],
        &[0x02, 0, 0],
        b"\x02\x00\x05hello",
        b"\x03\x00\x04sink",
        b"\x04\x00\x0A\x00\x00\x00\x00\x00\x00\x00\x07\x00\x04",
        b"\x05\x00\x04data",
        b"\x02\x00\x0Dinterjection!",
        b"\x05\x00\x01a",
        &[0x01, 0, 0],
        b"\x05\x00\x02st",
        b"\x02\x00\x01.",
    ]
    .concat()
}

/// [`mixed`], and then what ends it badly.
fn mixed_then(tail: &[u8]) -> Vec<u8> {
    [&mixed()[..], tail].concat()
}

const TAILS: [(&[u8], Ending); 8] = [
    (b"", Ending::Clean),
    (b"\x02\x00", Ending::TruncatedFrame),
    (b"\x02\x00\x09cut sho", Ending::TruncatedFrame),
    (b"\x04\x00\x0A\x00\x00\x00\x00\x00\x00\x00\x07\x00\x04\x05\x00\x02no", Ending::TruncatedStream),
    (b"\x7F\x00\x00\x01\x00\x00", Ending::Refused(1)),
    (b"\x05\x00\x01x", Ending::Refused(3)),
    (b"\x04\x00\x0A\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04", Ending::Refused(4)),
    (b"\x01\x00\x02no", Ending::Refused(6)),
];

#[test]
fn every_split_point() {
    for (tail, ending) in TAILS {
        let stream = mixed_then(tail);
        assert_eq!(model::serve(&stream, u16::MAX).ending, ending);
        for at in 1..=stream.len() {
            check(&stream, 0, &Transport::cut(at));
        }
    }
}

#[test]
fn every_write_limit() {
    for (tail, _) in TAILS {
        let stream = mixed_then(tail);
        for write_queue_bytes in 0..=stream.len() + 1 {
            check(&stream, write_queue_bytes, &Transport::whole());
            check(&stream, write_queue_bytes, &Transport { writes: vec![1], ..Transport::whole() });
        }
    }
}

#[test]
fn every_split_point_under_small_write_limits_and_partial_writes() {
    for (tail, _) in TAILS {
        let stream = mixed_then(tail);
        for at in 1..=stream.len() {
            for write_queue_bytes in [1, 4, 20] {
                let transport = Transport { writes: vec![2, 5], reads_while_writing: true, ..Transport::cut(at) };
                check(&stream, write_queue_bytes, &transport);
            }
        }
    }
}

#[test]
fn every_constant_read_and_write_size() {
    let stream = mixed();
    for read in 1..=stream.len() {
        for write in [1, 3, 7, usize::MAX] {
            for reads_while_writing in [false, true] {
                check(&stream, 8, &Transport { reads: vec![read], writes: vec![write], reads_while_writing });
            }
        }
    }
}

#[test]
fn every_prefix_is_answered_as_far_as_it_goes() {
    let stream = mixed();
    for end in 0..=stream.len() {
        check(&stream[..end], 6, &Transport { reads: vec![2], ..Transport::whole() });
    }
}

#[test]
fn every_frame_limit() {
    let stream = mixed();
    for max_frame_bytes in 0..=14 {
        for at in [1, 9, 10, 30, stream.len()] {
            check_with(&stream, max_frame_bytes, 16, &Transport::cut(at));
        }
    }
}

#[test]
fn long_frames_straddle_every_buffer() {
    let mut stream = Vec::new();
    for length in [65_535_u16, 1, 4096, 65_535, 0, 4093, 4094] {
        stream.push(0x02);
        stream.extend(length.to_be_bytes());
        stream.extend((0..length).map(|at| (at % 251) as u8));
    }
    for reads in [vec![1000], vec![4096], vec![65_536], vec![65_540, 1, 2, 1], vec![usize::MAX]] {
        for write_queue_bytes in [0, 1, 100_000] {
            let transport = Transport { reads: reads.clone(), writes: vec![9000], reads_while_writing: true };
            check(&stream, write_queue_bytes, &transport);
        }
    }
}
