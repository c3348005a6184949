//! The fake engine's sockets: blocking, a thread a connection.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use protocol::{Conn, Limits, Step};

/// What the fake engine counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) open: AtomicU64,
    pub(crate) frames: AtomicU64,
}

/// Frames after which a fault shows: well into the load.
const FAULT_AT_FRAMES: u64 = 200;

const LIMITS: Limits =
    Limits { max_frame_bytes: u16::MAX, write_queue_bytes: 1 << 18, readbuf_bytes: 1 << 14, pool: false };

/// Serves `address` in the background.
pub(crate) fn listen(address: &str, variant: &str, counters: &Arc<Counters>) -> std::io::Result<()> {
    let (variant, counters) = (variant.to_owned(), Arc::clone(counters));
    if let Some(address) = address.strip_prefix("tcp://") {
        let listener = TcpListener::bind(address)?;
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                socket.set_nodelay(true).expect("a TCP socket");
                let (variant, counters) = (variant.clone(), Arc::clone(&counters));
                thread::spawn(move || serve(socket, &variant, &counters));
            }
        });
    } else if let Some(path) = address.strip_prefix("unix://") {
        let listener = UnixListener::bind(path)?;
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (variant, counters) = (variant.clone(), Arc::clone(&counters));
                thread::spawn(move || serve(socket, &variant, &counters));
            }
        });
    } else if let Some(address) = address.strip_prefix("udp://") {
        let socket = UdpSocket::bind(address)?;
        thread::spawn(move || datagrams(&socket, &counters));
    } else {
        return Err(std::io::Error::other("no such scheme"));
    }
    Ok(())
}

fn serve(mut socket: impl Read + Write, variant: &str, counters: &Counters) {
    counters.open.fetch_add(1, Ordering::Relaxed);
    let mut conn = Conn::new(&LIMITS);
    loop {
        let moved = match conn.step() {
            Step::Read => socket.read(conn.spare()).map(|n| conn.filled(n)),
            Step::Write => socket.write(conn.pending()).map(|n| conn.flushed(n)),
            Step::Close => break,
        };
        let frames = u64::from(conn.take_frames());
        let before = counters.frames.fetch_add(frames, Ordering::Relaxed);
        if before + frames > FAULT_AT_FRAMES {
            misbehave(variant);
        }
        if moved.is_err() {
            break;
        }
    }
    counters.open.fetch_sub(1, Ordering::Relaxed);
}

fn misbehave(variant: &str) {
    match variant {
        "dies" => {
            eprintln!("fake-engine: a fault on request");
            std::process::exit(9);
        }
        "hangs" => {
            // The whole process, so that not even a snapshot is answered.
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::STOP).expect("its own process");
            thread::sleep(Duration::from_secs(600));
        }
        _ => {}
    }
}

fn datagrams(socket: &UdpSocket, counters: &Counters) {
    let mut buffer = vec![0; 1 << 16];
    let mut reply = Vec::new();
    while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
        if protocol::datagram::answer(&buffer[..length], &LIMITS, &mut reply).is_ok() {
            counters.frames.fetch_add(1, Ordering::Relaxed);
        }
        if !reply.is_empty() && socket.send_to(&reply, peer).is_err() {
            break;
        }
    }
}
