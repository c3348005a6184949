//! An echo server, a thread a connection, that stands still on request and says when exactly it did.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use loadclient::clock::now_ns;

use crate::arithmetic::Still;

/// Ends when dropped.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(crate) addr: SocketAddr,
    /// Who answers holds it for reading.
    gate: Arc<RwLock<()>>,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Echo {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let addr = listener.local_addr().expect("it is bound");
        let (gate, stop) = (Arc::new(RwLock::new(())), Arc::new(AtomicBool::new(false)));
        let (passage, seen) = (Arc::clone(&gate), Arc::clone(&stop));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::Acquire) {
                    break;
                }
                let passage = Arc::clone(&passage);
                thread::spawn(move || serve(stream, &passage));
            }
        });
        Self { addr, gate, stop, acceptor: Some(acceptor) }
    }

    /// Answers nothing for `length` from now on.
    pub(crate) fn stand_still(&self, length: Duration) -> Still {
        let shut = self.gate.write().expect("no thread of the server panics");
        let begin_ns = now_ns();
        thread::sleep(length);
        let end_ns = now_ns();
        drop(shut);
        Still { begin_ns, end_ns }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        drop(TcpStream::connect(self.addr));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// An ECHO is answered with its own bytes.
fn serve(mut stream: TcpStream, gate: &RwLock<()>) {
    stream.set_nodelay(true).expect("a TCP socket has the option");
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        let _open = gate.read().expect("nobody panics with the gate shut");
        if stream.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
}
