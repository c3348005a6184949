//! From the command line to a serving engine: what `main` calls, and what it gets.

use std::ffi::OsString;
use std::fmt;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use protocol::Limits;

use crate::address::Address;
use crate::affinity;
use crate::context::Shared;
use crate::control::Ready;
use crate::drain::Stoppable;
use crate::listen::{Acceptor, Bound, Listener, bind};
use crate::manifest::{Manifest, pinned_version};
use crate::settings::{Settings, SettingsError};
use crate::supervise;
use crate::watch;

/// Exit code for a command line that cannot be served.
const USAGE: u8 = 2;

/// Runs an engine: reads the command line, binds, and calls `serve`, which ends only with an error;
/// the harness ends the process after a drain.
///
/// `engine_toml` and `cargo_toml` are the engine folder's files, included at compile time.
#[must_use]
pub fn run(engine_toml: &str, cargo_toml: &str, serve: impl FnOnce(Server) -> Result<()>) -> ExitCode {
    let manifest = Manifest::parse(engine_toml).expect("engine.toml is checked by the tests");
    let version = pinned_version(cargo_toml, &manifest.framework).expect("Cargo.toml pins the framework");
    let argv: Vec<OsString> = std::env::args_os().collect();
    let settings = match Settings::read(&manifest, &version, &argv) {
        Ok(settings) => settings,
        Err(SettingsError::Usage(error)) => error.exit(),
        Err(SettingsError::Refused(reason)) => return fail(&manifest, USAGE, &reason),
    };
    let server = match Server::prepare(&manifest, version, settings) {
        Ok(server) => server,
        Err(error) => return fail(&manifest, USAGE, &format!("{error:#}")),
    };
    let unix_paths = server.unix_paths();
    let served = serve(server);
    for path in unix_paths {
        let _ = std::fs::remove_file(path);
    }
    match served {
        Ok(()) => fail(&manifest, 1, "the engine stopped serving"),
        Err(error) if error.is::<SettingError>() => fail(&manifest, USAGE, &format!("{error:#}")),
        Err(error) => fail(&manifest, 1, &format!("{error:#}")),
    }
}

fn fail(manifest: &Manifest, code: u8, reason: &str) -> ExitCode {
    eprintln!("engine-{}: {reason}", manifest.name);
    ExitCode::from(code)
}

/// A value that an option of one engine alone cannot take.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SettingError(String);

/// Everything an engine gets.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    acceptors: Vec<Acceptor>,
    announcement: Arc<Announcement>,
}

impl Server {
    fn prepare(manifest: &Manifest, version: String, settings: Settings) -> Result<Self> {
        if let Some(cpus) = &settings.options.cpus {
            cpus.confine().with_context(|| format!("cannot run on --cpus {cpus}"))?;
        }
        let bound = bind(&settings.options)?;
        let sockets = stoppables(&bound)?;
        let mut effective = settings.options.effective();
        effective.extend(settings.own.clone());
        let shared = Shared::install(settings.options.clone());
        let mut ready = Ready {
            engine: manifest.name.clone(),
            variant: settings.variant.name.clone(),
            version,
            addrs: bound.addrs.iter().map(ToString::to_string).collect(),
            pid: std::process::id(),
            workers: shared.options.workers() as u32,
            options: effective,
            sockets: bound.sockets,
        };
        if let Some(addr) = settings.options.metrics_addr {
            watch::start(addr, &mut ready).with_context(|| format!("cannot serve metrics on {addr}"))?;
        }
        let announcement = Announcement {
            workers_left: AtomicUsize::new(shared.options.workers()),
            rest: Mutex::new(Some(Rest { ready, sockets })),
        };
        Ok(Self { settings, acceptors: bound.acceptors, announcement: Arc::new(announcement) })
    }

    fn unix_paths(&self) -> Vec<PathBuf> {
        let path = |addr: &Address| if let Address::Unix(path) = addr { Some(path.clone()) } else { None };
        self.settings.options.addr.iter().filter_map(path).collect()
    }

    /// The variant to run, as `engine.toml` names it.
    #[must_use]
    pub fn variant(&self) -> &str {
        &self.settings.variant.name
    }

    /// An option of this engine alone, as `engine.toml` declares it.
    ///
    /// # Errors
    /// The text is no `T`; returned from `serve`, it ends the process as any other bad command line does.
    pub fn setting<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<T> {
        let text = &self.settings.own[name];
        text.parse().map_err(|reason| SettingError(format!("--{name} '{text}' is not a valid value: {reason}")).into())
    }

    /// Worker threads to run.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.settings.options.workers()
    }

    /// The ceilings of every connection, for a variant that does without [`crate::Peer`].
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.settings.options.limits()
    }

    /// `--readbuf`, for frameworks that allocate receive buffers themselves.
    #[must_use]
    pub fn readbuf_bytes(&self) -> usize {
        self.settings.options.readbuf as usize
    }

    /// The CPU of worker `index`, if `--cpus` was given.
    #[must_use]
    pub fn cpu(&self, index: usize) -> Option<usize> {
        self.settings.options.cpus.as_ref().map(|cpus| cpus.of_worker(index))
    }

    /// All sockets, for a runtime that spreads connections itself. Say [`Server::ready`] once it runs.
    #[must_use]
    pub fn take_sockets(&mut self) -> Vec<Acceptor> {
        std::mem::take(&mut self.acceptors)
    }

    /// The sockets dealt to workers, for an engine with a loop a core: worker `i` gets shard `i` of each
    /// address, and shares it where there are fewer shards than workers.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn into_workers(mut self) -> Result<Vec<Worker>> {
        let acceptors = self.take_sockets();
        let deal = |index| self.deal(&acceptors, index).context("cannot share the sockets among the workers");
        (0..self.workers()).map(deal).collect()
    }

    /// The runtime is up: announce it.
    ///
    /// # Errors
    /// The supervisor cannot be started.
    pub fn ready(&self) -> Result<()> {
        self.announcement.make()
    }

    fn deal(&self, acceptors: &[Acceptor], index: usize) -> Result<Worker> {
        let mut worker = Worker {
            index,
            cpu: self.cpu(index),
            listeners: Vec::new(),
            datagrams: Vec::new(),
            announcement: Arc::clone(&self.announcement),
        };
        for acceptor in acceptors {
            match acceptor {
                Acceptor::Stream(shards) => {
                    for shard in dealt(shards, index, self.workers()) {
                        worker.listeners.push(shard.try_clone()?);
                    }
                }
                Acceptor::Datagram(shards) => {
                    for shard in dealt(shards, index, self.workers()) {
                        worker.datagrams.push(shard.try_clone()?);
                    }
                }
            }
        }
        Ok(worker)
    }
}

/// Every shard goes to somebody, and everybody gets one.
fn dealt<T>(shards: &[T], worker: usize, workers: usize) -> impl Iterator<Item = &T> {
    let shared = worker % shards.len();
    shards
        .iter()
        .enumerate()
        .filter(move |(shard, _)| *shard == shared || shard % workers == worker)
        .map(|(_, shard)| shard)
}

/// One worker's share of a [`Server`].
#[derive(Debug)]
pub struct Worker {
    pub index: usize,
    pub cpu: Option<usize>,
    pub listeners: Vec<Listener>,
    pub datagrams: Vec<UdpSocket>,
    announcement: Arc<Announcement>,
}

impl Worker {
    /// Pins the calling thread to the worker's CPU, if `--cpus` was given.
    ///
    /// # Errors
    /// The kernel refuses that CPU.
    pub fn pin(&self) -> Result<()> {
        pin(self.cpu)
    }

    /// This worker is up; the last one announces the engine.
    ///
    /// # Errors
    /// The supervisor cannot be started.
    pub fn ready(&self) -> Result<()> {
        if self.announcement.workers_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.announcement.make()?;
        }
        Ok(())
    }
}

/// Pins the calling thread to `cpu`, as [`Server::cpu`] gives it; `None` leaves it alone.
///
/// # Errors
/// The kernel refuses that CPU.
pub fn pin(cpu: Option<usize>) -> Result<()> {
    cpu.map_or(Ok(()), |cpu| affinity::pin(cpu).with_context(|| format!("cannot pin to CPU {cpu}")))
}

/// Whether a drain has begun: a datagram loop ends then, as its socket cannot tell by itself.
#[must_use]
pub fn draining() -> bool {
    Shared::get().draining.load(Ordering::Acquire)
}

/// The ready line, said once.
#[derive(Debug)]
struct Announcement {
    workers_left: AtomicUsize,
    rest: Mutex<Option<Rest>>,
}

/// What is needed when the engine is up, and not before.
#[derive(Debug)]
struct Rest {
    ready: Ready,
    sockets: Vec<Stoppable>,
}

impl Announcement {
    fn make(&self) -> Result<()> {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Rest { ready, sockets }) = rest else { return Ok(()) };
        supervise::start(ready, sockets).context("cannot start the supervisor")
    }
}

fn stoppables(bound: &Bound) -> Result<Vec<Stoppable>> {
    let held = |socket: BorrowedFd<'_>| socket.try_clone_to_owned();
    let mut sockets = Vec::new();
    for (acceptor, addr) in bound.acceptors.iter().zip(&bound.addrs) {
        match (acceptor, addr) {
            (Acceptor::Stream(shards), Address::Unix(path)) => {
                for shard in shards {
                    sockets.push(Stoppable::UnixListener(held(shard.as_fd())?, path.clone()));
                }
            }
            (Acceptor::Stream(shards), _) => {
                for shard in shards {
                    sockets.push(Stoppable::TcpListener(held(shard.as_fd())?));
                }
            }
            (Acceptor::Datagram(shards), _) => {
                for shard in shards {
                    sockets.push(Stoppable::UdpSocket(held(shard.as_fd())?));
                }
            }
        }
    }
    Ok(sockets)
}
