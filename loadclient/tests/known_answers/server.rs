//! Small servers whose misbehaviour is known exactly: a thread a connection, frames answered one by one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use protocol::{Limits, Session, datagram, split};

/// What a server does with the frames of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Script {
    /// Answers at once.
    Echo,
    /// Answers each batch of frames after this time.
    Delay(Duration),
    /// Answers nothing during the first `stall` of every `period` since the server began.
    Stall { period: Duration, stall: Duration },
    /// Answers the first `n` frames of each connection, then swallows.
    AnswerOnly(u64),
    /// From frame `n` on, one payload byte is different.
    WrongByte(u64),
    /// Frames `n` and `n + 1` are answered in the wrong order.
    Swap(u64),
    /// Frame `n` is answered twice.
    Twice(u64),
    /// Frame `n` is not answered.
    Drop(u64),
    /// The type of the reply to frame `n` is ACK.
    WrongKind(u64),
    /// The type of the reply to frame `n` is PONG.
    WrongAck(u64),
    /// Closes each connection after `n` frames.
    Close(u64),
    /// Refuses each connection with ERROR 5.
    Refuse,
}

/// What a UDP server does with its datagrams, counted over all clients from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DatagramScript {
    Echo,
    /// Every `n`-th is not answered.
    DropEvery(u64),
    /// Every two are answered in the wrong order.
    SwapPairs,
    /// Every `n`-th is answered twice.
    TwiceEvery(u64),
    /// Every `n`-th is answered with other content.
    WrongEvery(u64),
}

/// A server on threads of its own; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) target: String,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
    wake: Wake,
}

#[derive(Debug)]
enum Wake {
    Udp(SocketAddr),
    Tcp(SocketAddr),
    Unix(std::path::PathBuf),
}

const LIMITS: Limits = Limits { max_frame_bytes: 65535, write_queue_bytes: 0, readbuf_bytes: 65536, pool: true };

impl Server {
    pub(crate) fn tcp(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let addr = listener.local_addr().expect("it is bound");
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let acceptor = thread::spawn(move || {
            let began = Instant::now();
            for stream in listener.incoming() {
                if seen.load(Ordering::Acquire) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                stream.set_nodelay(true).expect("a TCP socket has the option");
                thread::spawn(move || serve(stream, script, began));
            }
        });
        Self { target: format!("tcp://{addr}"), stop, acceptor: Some(acceptor), wake: Wake::Tcp(addr) }
    }

    pub(crate) fn udp(script: DatagramScript) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a loopback port is free");
        let addr = socket.local_addr().expect("it is bound");
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let acceptor = thread::spawn(move || {
            let mut input = vec![0; 65536];
            let mut held: Option<(Vec<u8>, SocketAddr)> = None;
            let mut count = 0;
            while !seen.load(Ordering::Acquire) {
                let Ok((n @ 1.., peer)) = socket.recv_from(&mut input) else { continue };
                let mut reply = Vec::new();
                datagram::answer(&input[..n], &LIMITS, &mut reply).expect("the client speaks the protocol");
                count += 1;
                match script {
                    DatagramScript::DropEvery(n) if count % n == 0 => continue,
                    DatagramScript::SwapPairs if held.is_none() => {
                        held = Some((reply, peer));
                        continue;
                    }
                    DatagramScript::TwiceEvery(n) if count % n == 0 => drop(socket.send_to(&reply, peer)),
                    DatagramScript::WrongEvery(n) if count % n == 0 => {
                        *reply.last_mut().expect("a reply has bytes") ^= 1;
                    }
                    _ => {}
                }
                let _ = socket.send_to(&reply, peer);
                if let Some((first, peer)) = held.take() {
                    let _ = socket.send_to(&first, peer);
                }
            }
        });
        Self { target: format!("udp://{addr}"), stop, acceptor: Some(acceptor), wake: Wake::Udp(addr) }
    }

    pub(crate) fn unix(path: &Path, script: Script) -> Self {
        let listener = UnixListener::bind(path).expect("the path is free");
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let acceptor = thread::spawn(move || {
            let began = Instant::now();
            for stream in listener.incoming() {
                if seen.load(Ordering::Acquire) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                thread::spawn(move || serve(stream, script, began));
            }
        });
        let target = format!("unix://{}", path.display());
        Self { target, stop, acceptor: Some(acceptor), wake: Wake::Unix(path.into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        match &self.wake {
            Wake::Udp(addr) => {
                // An empty datagram: the server looks up.
                let _ = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], addr));
            }
            Wake::Tcp(addr) => drop(std::net::TcpStream::connect(addr)),
            Wake::Unix(path) => drop(std::os::unix::net::UnixStream::connect(path)),
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// Serves one connection; the end of the thread closes it.
fn serve(mut stream: impl Read + Write, script: Script, began: Instant) {
    if matches!(script, Script::Refuse) {
        let _ = stream.write_all(&[0xFF, 0, 1, 5]);
        return;
    }
    let mut session = Session::new(&LIMITS);
    let mut input = Vec::new();
    let mut chunk = vec![0; 65536];
    let mut answered = 0;
    let mut held: Option<Vec<u8>> = None;
    loop {
        let Ok(n @ 1..) = stream.read(&mut chunk) else { return };
        input.extend_from_slice(&chunk[..n]);
        wait(script, began);
        let mut output = Vec::new();
        let mut used = 0;
        while let Ok(Some(frame)) = split(&input[used..], LIMITS.max_frame_bytes) {
            let bytes = frame.wire_bytes();
            let mut reply = Vec::new();
            session.receive(&input[used..used + bytes], &mut reply).expect("the client speaks the protocol");
            used += bytes;
            if !misbehave(script, answered, reply, &mut held, &mut output) {
                let _ = stream.write_all(&output);
                return;
            }
            answered += 1;
        }
        input.drain(..used);
        if stream.write_all(&output).is_err() {
            return;
        }
    }
}

fn wait(script: Script, began: Instant) {
    match script {
        Script::Delay(delay) => thread::sleep(delay),
        Script::Stall { period, stall } => {
            let phase = Duration::from_nanos((began.elapsed().as_nanos() % period.as_nanos()) as u64);
            if let Some(left) = stall.checked_sub(phase) {
                thread::sleep(left);
            }
        }
        _ => {}
    }
}

/// Puts the reply to frame `n`, or what the script makes of it, into `output`. `false` closes the connection.
fn misbehave(script: Script, n: u64, mut reply: Vec<u8>, held: &mut Option<Vec<u8>>, output: &mut Vec<u8>) -> bool {
    match script {
        Script::AnswerOnly(count) if n >= count => return true,
        Script::Drop(at) if n == at => return true,
        Script::Close(count) if n >= count => return false,
        Script::WrongByte(from) if n >= from => *reply.last_mut().expect("a reply has bytes") ^= 1,
        Script::WrongKind(at) if n == at => reply[0] = 0x83,
        Script::WrongAck(at) if n == at => reply[0] = 0x81,
        Script::Twice(at) if n == at => output.extend_from_slice(&reply),
        Script::Swap(at) if n == at => {
            *held = Some(reply);
            return true;
        }
        _ => {}
    }
    output.extend_from_slice(&reply);
    if let Some(first) = held.take() {
        output.extend_from_slice(&first);
    }
    true
}
