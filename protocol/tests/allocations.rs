//! In steady state nothing is allocated per frame: counted by an allocator of this test's own.

use protocol::{Conn, Exchange, Limits, Pool, Request, Session, Step, datagram};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Tests run on a thread each, so that they do not count each other's.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to `System` unchanged; the counter neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract, and `alloc` took the block from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `realloc`'s contract, and `alloc` took the block from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    // A thread that ends has no counter any more, and nothing to count.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

/// Runs `turn` until its buffers have grown, and then expects it to allocate nothing.
fn check(name: &str, mut turn: impl FnMut()) {
    (0..20).for_each(|_| turn());
    let before = ALLOCATIONS.get();
    (0..200).for_each(|_| turn());
    assert_eq!(ALLOCATIONS.get() - before, 0, "{name}: allocations in 200 turns");
}

fn echo(length: u16) -> Vec<u8> {
    let mut frame = vec![0x02];
    frame.extend(length.to_be_bytes());
    frame.resize(3 + usize::from(length), 0x5A);
    frame
}

/// Every request type, and a stream with another frame inside.
fn mixed() -> Vec<u8> {
    let stream = b"\x04\x00\x0A\x00\x00\x00\x00\x00\x00\x00\x03\x00\x02\x05\x00\x02ab\x01\x00\x00\x05\x00\x01c";
    [&b"\x01\x00\x00\x03\x00\x02xx"[..], stream, &echo(500), &echo(0)].concat()
}

/// Reads some of the bytes through one door; returns how many.
type Read = fn(&mut Conn, &mut Pool, &[u8]) -> usize;

const DOORS: [(&str, Read); 3] = [
    ("spare", |conn, pool, bytes| {
        conn.adopt(pool);
        let spare = conn.spare();
        let count = bytes.len().min(spare.len());
        spare[..count].copy_from_slice(&bytes[..count]);
        conn.filled(count);
        count
    }),
    ("arrived", |conn, pool, bytes| {
        conn.adopt(pool);
        conn.arrived(bytes);
        bytes.len()
    }),
    ("lend", |conn, pool, bytes| {
        conn.adopt(pool);
        let mut buffer = conn.lend();
        let count = bytes.len().min(buffer.capacity());
        buffer.extend_from_slice(&bytes[..count]);
        // While a completion was awaited, other connections used the pool.
        conn.release(pool);
        conn.adopt(pool);
        conn.restore(buffer, count);
        count
    }),
];

/// Two connections take turns, so that pooled buffers change hands in the middle of frames.
fn check_conn(name: &str, stream: &[u8], read_bytes: usize, write_queue_bytes: usize) {
    for (door, read) in DOORS {
        for pool in [false, true] {
            let limits = Limits { max_frame_bytes: u16::MAX, write_queue_bytes, readbuf_bytes: 4096, pool };
            let mut conns = [Conn::new(&limits), Conn::new(&limits)];
            let mut buffers = Pool::new(8);
            check(&format!("{name}, {door}, pool {pool}"), || {
                let mut unread = [stream, stream];
                while unread.iter().any(|unread| !unread.is_empty()) {
                    for (conn, unread) in conns.iter_mut().zip(&mut unread) {
                        if conn.step() == Step::Read && !unread.is_empty() {
                            let count = read(conn, &mut buffers, &unread[..unread.len().min(read_bytes)]);
                            *unread = &unread[count..];
                            conn.release(&mut buffers);
                        }
                        while conn.step() == Step::Write {
                            conn.flushed(conn.pending().len().min(3000));
                            conn.release(&mut buffers);
                        }
                    }
                }
            });
        }
    }
}

#[test]
fn small_frames_coalesced() {
    check_conn("64 B", &echo(64).repeat(60), 67 * 60, 0);
    check_conn("64 B, held back", &echo(64).repeat(60), 67 * 60, 200);
}

#[test]
fn small_frames_cut() {
    check_conn("64 B", &echo(64).repeat(60), 100, 0);
    check_conn("64 B, byte by byte", &echo(64).repeat(3), 1, 0);
}

#[test]
fn every_type() {
    check_conn("mixed", &mixed(), 4096, 0);
    check_conn("mixed, cut", &mixed(), 7, 0);
    check_conn("mixed, held back", &mixed(), 4096, 4);
}

#[test]
fn long_frames_in_parts() {
    check_conn("64 KiB", &echo(u16::MAX), 4096, 0);
    check_conn("64 KiB after a small frame", &[echo(10), echo(u16::MAX)].concat(), 4096, 1 << 18);
    check_conn("64 KiB, held back", &echo(u16::MAX).repeat(3), 4096, 1);
}

#[test]
fn session() {
    let limits = Limits { max_frame_bytes: u16::MAX, write_queue_bytes: 0, readbuf_bytes: 0, pool: true };
    let mut session = Session::new(&limits);
    let (input, mut output) = (mixed(), Vec::new());
    check("Session", || {
        output.clear();
        assert_eq!(session.receive(&input, &mut output), Ok(input.len()));
    });
}

#[test]
fn datagrams() {
    let limits = Limits { max_frame_bytes: 600, write_queue_bytes: 0, readbuf_bytes: 0, pool: true };
    let mut output = Vec::new();
    let [echo, refused] = [echo(512), echo(601)];
    check("datagram::answer", || {
        assert_eq!(datagram::answer(&echo, &limits, &mut output), Ok(()));
        assert!(datagram::answer(&refused, &limits, &mut output).is_err());
    });
}

#[test]
fn exchange() {
    let uniform = [Request::Echo { length: 64 }; 8];
    let mixed = [Request::Ping, Request::Echo { length: 64 }, Request::Sink { length: 9 }, Request::Ping];
    for (name, requests) in [("uniform", &uniform[..]), ("mixed", &mixed)] {
        let limits = Limits { max_frame_bytes: u16::MAX, write_queue_bytes: 0, readbuf_bytes: 0, pool: true };
        let (mut exchange, mut session) = (Exchange::new(1, true), Session::new(&limits));
        let (mut input, mut output) = (Vec::new(), Vec::new());
        check(name, || {
            input.clear();
            output.clear();
            for request in requests {
                exchange.send(*request, &mut input);
            }
            assert_eq!(session.receive(&input, &mut output), Ok(input.len()));
            for piece in output.chunks(10) {
                assert_eq!(exchange.receive(piece, |_| ()), Ok(()));
            }
            assert_eq!(exchange.in_flight(), 0);
        });
    }
}

/// A uniform load, however deep, is one entry: nothing is allocated at all.
#[test]
fn a_uniform_client_never_allocates() {
    let mut requests = Vec::with_capacity(1000 * 67);
    let before = ALLOCATIONS.get();
    let mut exchange = Exchange::new(1, true);
    for _ in 0..1000 {
        exchange.send(Request::Echo { length: 64 }, &mut requests);
    }
    assert_eq!(exchange.receive(&requests, |_| ()), Ok(()));
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

/// A buffer that grows with what comes must not be moved for every byte of it.
#[test]
fn a_long_frame_byte_by_byte_grows_its_buffer_by_doubling() {
    let limits = Limits { max_frame_bytes: u16::MAX, write_queue_bytes: 0, readbuf_bytes: 64, pool: true };
    for (door, read) in DOORS {
        let (mut conn, mut pool) = (Conn::new(&limits), Pool::new(2));
        let before = ALLOCATIONS.get();
        for byte in echo(60_000).chunks(1) {
            read(&mut conn, &mut pool, byte);
        }
        assert_eq!(conn.take_frames(), 1);
        // `echo` itself, the input from 1 to 60 000 bytes, the lent buffer, the output.
        let allocations = ALLOCATIONS.get() - before;
        assert!(allocations <= 40, "{door}: {allocations} allocations");
    }
}

/// The counter counts: otherwise all of the above would pass for ever.
#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    let mut buffer: Vec<u8> = Vec::with_capacity(10);
    buffer.reserve_exact(1000);
    std::hint::black_box(&buffer);
    assert_eq!(ALLOCATIONS.get() - before, 2);
}
