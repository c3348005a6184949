//! tokio: a task a connection, on one work-stealing runtime or on a runtime a core.

mod connection;
mod datagrams;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use harness::{AcceptNext, Acceptor, Listener, Peer, Server, Worker, accept_failed};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: harness::Allocator = harness::Allocator;

fn main() -> ExitCode {
    harness::run(include_str!("../engine.toml"), include_str!("../Cargo.toml"), |server| match server.variant() {
        "per-core" => harness::run_workers(server.into_workers()?, run_core),
        _ => multi_thread(server),
    })
}

fn multi_thread(mut server: Server) -> Result<()> {
    let cpus: Vec<Option<usize>> = (0..server.workers()).map(|index| server.cpu(index)).collect();
    let started = AtomicUsize::new(0);
    let runtime = Builder::new_multi_thread()
        .worker_threads(server.workers())
        .enable_io()
        .enable_time()
        .on_thread_start(move || {
            let cpu = cpus[started.fetch_add(1, Ordering::Relaxed) % cpus.len()];
            harness::pin(cpu).expect("--cpus was accepted at start");
        })
        .build()?;
    let _entered = runtime.enter();
    // The accept loops are tasks like all others: in `block_on` they would run on a thread that is no worker.
    for acceptor in server.take_sockets() {
        match acceptor {
            Acceptor::Stream(shards) => {
                for listener in shards {
                    runtime.spawn(accept(Incoming::new(listener)?));
                }
            }
            Acceptor::Datagram(shards) => {
                for socket in shards {
                    runtime.spawn(datagrams::answer(tokio::net::UdpSocket::from_std(socket)?));
                }
            }
        }
    }
    server.ready()?;
    runtime.block_on(std::future::pending())
}

fn run_core(mut worker: Worker) -> Result<()> {
    worker.pin()?;
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let _entered = runtime.enter();
    for listener in worker.listeners.drain(..) {
        runtime.spawn(accept(Incoming::new(listener)?));
    }
    for socket in worker.datagrams.drain(..) {
        runtime.spawn(datagrams::answer(tokio::net::UdpSocket::from_std(socket)?));
    }
    worker.ready()?;
    runtime.block_on(std::future::pending())
}

enum Incoming {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Incoming {
    fn new(listener: Listener) -> Result<Self> {
        Ok(match listener {
            Listener::Tcp(listener) => {
                Self::Tcp(TcpListener::from_std(listener).context("tokio refuses the listener")?)
            }
            Listener::Unix(listener) => {
                Self::Unix(UnixListener::from_std(listener).context("tokio refuses the listener")?)
            }
        })
    }

    /// Accepts one connection and serves it in a task of its own.
    async fn accept_one(&self) -> std::io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                if let Some(peer) = Peer::admit(&stream) {
                    tokio::spawn(connection::serve(peer, stream));
                }
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                if let Some(peer) = Peer::admit(&stream) {
                    tokio::spawn(connection::serve(peer, stream));
                }
            }
        }
        Ok(())
    }
}

async fn accept(incoming: Incoming) {
    loop {
        if let Err(error) = incoming.accept_one().await {
            match accept_failed(&error) {
                AcceptNext::Again => {}
                AcceptNext::Pause(pause) => tokio::time::sleep(pause).await,
                AcceptNext::Stop => return,
            }
        }
    }
}
