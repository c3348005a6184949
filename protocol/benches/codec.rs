//! What the codec costs on one core, without any I/O: frames per second, and bytes moved.
//!
//! `cargo bench -p protocol --bench codec`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocol::{Conn, Exchange, Header, Kind, Limits, Request, Session};
use std::hint::black_box;

const READ_BYTES: usize = 64 * 1024;

const LIMITS: Limits =
    Limits { max_frame_bytes: u16::MAX, write_queue_bytes: 1 << 20, readbuf_bytes: READ_BYTES, pool: false };

/// One read's worth of the same frame, coalesced: at least one frame, at most 64 KiB.
struct Batch {
    name: &'static str,
    kind: Kind,
    length: u16,
}

const BATCHES: [Batch; 4] = [
    Batch { name: "echo 64 B", kind: Kind::Echo, length: 64 },
    Batch { name: "ping", kind: Kind::Ping, length: 0 },
    Batch { name: "echo 4 KiB", kind: Kind::Echo, length: 4096 },
    Batch { name: "echo 65535 B", kind: Kind::Echo, length: u16::MAX },
];

impl Batch {
    fn frames(&self) -> usize {
        (READ_BYTES / (3 + usize::from(self.length))).max(1)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut frame = Header::encode(self.kind, self.length).to_vec();
        frame.resize(3 + usize::from(self.length), 0xA5);
        frame.repeat(self.frames())
    }
}

fn session(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("Session::receive");
    for batch in &BATCHES {
        let input = batch.bytes();
        let mut session = Session::new(&LIMITS);
        let mut output = Vec::with_capacity(2 * READ_BYTES);
        group.throughput(Throughput::Elements(batch.frames() as u64));
        group.bench_function(BenchmarkId::from_parameter(batch.name), |bencher| {
            bencher.iter(|| {
                output.clear();
                let used = session.receive(black_box(&input), &mut output);
                assert_eq!(used, Ok(input.len()));
                black_box(session.take_frames());
            });
        });
    }
}

fn conn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("Conn::arrived+flushed");
    for batch in &BATCHES {
        let input = batch.bytes();
        let mut conn = Conn::new(&LIMITS);
        group.throughput(Throughput::Elements(batch.frames() as u64));
        group.bench_function(BenchmarkId::from_parameter(batch.name), |bencher| {
            bencher.iter(|| {
                conn.arrived(black_box(&input));
                let waiting = black_box(conn.pending()).len();
                assert_eq!(waiting, input.len());
                conn.flushed(waiting);
                black_box(conn.take_frames());
            });
        });
    }
}

/// The client, both halves: writing a batch of requests, and checking every byte of their replies.
fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("Exchange::send+receive");
    for batch in &BATCHES {
        let request = match batch.kind {
            Kind::Ping => Request::Ping,
            _ => Request::Echo { length: batch.length },
        };
        let mut exchange = Exchange::new(7, true);
        let mut requests = Vec::with_capacity(2 * READ_BYTES);
        group.throughput(Throughput::Elements(batch.frames() as u64));
        group.bench_function(BenchmarkId::from_parameter(batch.name), |bencher| {
            bencher.iter(|| {
                requests.clear();
                for _ in 0..batch.frames() {
                    exchange.send(request, &mut requests);
                }
                if batch.kind == Kind::Ping {
                    turn_into_pongs(&mut requests);
                }
                let mut replies = 0;
                let outcome = exchange.receive(black_box(&requests), |_| replies += 1);
                assert_eq!((outcome, replies), (Ok(()), batch.frames()));
            });
        });
    }
}

/// An ECHO is its own reply; a PING's reply differs in its type byte.
fn turn_into_pongs(pings: &mut [u8]) {
    pings.iter_mut().step_by(3).for_each(|kind| *kind = Kind::Pong as u8);
}

criterion_group!(benches, session, conn, exchange);
criterion_main!(benches);
