//! Random streams, valid and broken, under random transports and limits, against the model.

use crate::doors::{DOORS, Transport, serve};
use crate::model;
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::Limits;

/// Frames that mostly make sense together; some do not, some are noise.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let framed = |kind: u8, payload: Vec<u8>| {
        let mut frame = vec![kind];
        frame.extend((payload.len() as u16).to_be_bytes());
        frame.extend(payload);
        frame
    };
    let stream =
        (0..12_u64, 0..6_u16).prop_map(|(total, chunk)| [&total.to_be_bytes()[..], &chunk.to_be_bytes()].concat());
    prop_oneof![
        4 => Just(vec![0x01, 0, 0]),
        6 => vec(any::<u8>(), 0..40).prop_map(move |payload| framed(0x02, payload)),
        1 => (0..3000_usize).prop_map(move |length| framed(0x02, vec![0xEE; length])),
        3 => vec(any::<u8>(), 0..40).prop_map(move |payload| framed(0x03, payload)),
        3 => stream.prop_map(move |payload| framed(0x04, payload)),
        6 => vec(any::<u8>(), 0..6).prop_map(move |payload| framed(0x05, payload)),
        1 => (any::<u8>(), vec(any::<u8>(), 0..12)).prop_map(move |(kind, payload)| framed(kind, payload)),
        1 => vec(any::<u8>(), 0..5),
    ]
}

/// An open stream and its chunks, so that long valid conversations occur as well.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    (vec(1..9_u8, 1..6), any::<bool>()).prop_map(|(chunks, pings)| {
        let total: u64 = chunks.iter().copied().map(u64::from).sum();
        let mut bytes = [&[0x04, 0, 10][..], &total.to_be_bytes(), &[0, 8]].concat();
        for length in chunks {
            bytes.extend([0x05, 0, length]);
            bytes.extend(vec![0xCC; usize::from(length)]);
            if pings {
                bytes.extend([0x01, 0, 0]);
            }
        }
        bytes
    })
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    (vec(prop_oneof![3 => frame(), 1 => conversation()], 0..24), any::<Option<prop::sample::Index>>()).prop_map(
        |(frames, end)| {
            let mut stream = frames.concat();
            // Half of the peers go away in the middle.
            if let (Some(end), false) = (end, stream.is_empty()) {
                stream.truncate(end.index(stream.len()));
            }
            stream
        },
    )
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![3 => 1..8_usize, 2 => 8..200_usize, 1 => Just(usize::MAX)], 1..8)
}

fn transport() -> impl Strategy<Value = Transport> {
    (sizes(), sizes(), any::<bool>()).prop_map(|(reads, writes, reads_while_writing)| Transport {
        reads,
        writes,
        reads_while_writing,
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let max_frame_bytes = prop_oneof![Just(u16::MAX), 0..64_u16];
    let write_queue_bytes = prop_oneof![Just(0_usize), 1..8_usize, 8..500_usize];
    let readbuf_bytes = prop_oneof![0..8_usize, 8..300_usize, Just(4096)];
    (max_frame_bytes, write_queue_bytes, readbuf_bytes, any::<bool>()).prop_map(
        |(max_frame_bytes, write_queue_bytes, readbuf_bytes, pool)| Limits {
            max_frame_bytes,
            write_queue_bytes,
            readbuf_bytes,
            pool,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_door_says_what_the_model_says(stream in stream(), transport in transport(), limits in limits()) {
        let expected = model::serve(&stream, limits.max_frame_bytes);
        for door in DOORS {
            prop_assert_eq!(&serve(door, &limits, &transport, &stream), &expected, "{:?}", door);
        }
    }

    #[test]
    fn noise_is_never_misread(stream in vec(any::<u8>(), 0..64), transport in transport(), limits in limits()) {
        let expected = model::serve(&stream, limits.max_frame_bytes);
        for door in DOORS {
            prop_assert_eq!(&serve(door, &limits, &transport, &stream), &expected, "{:?}", door);
        }
    }
}
