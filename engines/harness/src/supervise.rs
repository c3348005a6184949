//! The harness's own thread: commands on stdin, signals, and the deadlines' sweep. It never touches a connection's bytes.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::context::Shared;
use crate::control::{Command, Event, Ready};
use crate::drain::{Stoppable, drain};
use crate::registry::Fate;

/// Prints one event line.
pub(crate) fn say(event: &Event) {
    let mut line = serde_json::to_string(event).expect("events serialise");
    line.push('\n');
    let mut stdout = io::stdout().lock();
    // A closed stdout means that the parent is gone; the end of stdin says so too.
    let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
}

/// Announces the engine and starts the thread. It ends the process: exit code 0 after a drain.
pub(crate) fn start(ready: Ready, sockets: Vec<Stoppable>) -> io::Result<()> {
    let (signals, sender) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
    }
    // After the signals, which may be sent as soon as the line is read, and before anything else is said.
    say(&Event::Ready(ready));
    std::thread::Builder::new().name("supervisor".into()).spawn(move || {
        supervise(&signals);
        say(&Event::Drained(drain(&sockets)));
        std::process::exit(0);
    })?;
    Ok(())
}

/// Returns when it is time to drain.
fn supervise(signals: &UnixStream) {
    let stdin = io::stdin();
    let mut lines = Lines::default();
    let mut sweep = Sweep::new();
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, sweep.wait().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                eprintln!("supervisor: cannot poll: {error}");
                return;
            }
        }
        let (asked, signalled) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
        sweep.advance();
        if signalled || (asked && lines.read_and_obey()) {
            return;
        }
    }
}

/// Commands, line by line, however stdin cuts them.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Returns whether to drain: it was asked for, or stdin has ended.
    fn read_and_obey(&mut self) -> bool {
        let mut buffer = [0; 512];
        // Unbuffered: what `Stdin` had buffered would be invisible to poll.
        let n = match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
            Ok(0) => return true,
            Ok(n) => n,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return false,
            Err(_) => return true,
        };
        self.partial.extend_from_slice(&buffer[..n]);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            match Command::parse(&line) {
                Some(Command::Snapshot) => say(&Event::Snapshot(Shared::get().snapshot())),
                Some(Command::Drain) => return true,
                None if line.trim().is_empty() => {}
                None => eprintln!("unknown command '{}': use snapshot or drain", line.trim()),
            }
        }
        false
    }
}

/// The deadlines: a coarse clock for everybody, and a look at every connection each tick.
struct Sweep {
    begun: Instant,
    tick: Duration,
    enabled: bool,
}

impl Sweep {
    fn new() -> Self {
        let options = &Shared::get().options;
        let shortest = [options.idle_timeout, options.write_timeout].into_iter().filter(|limit| !limit.is_zero()).min();
        let tick = shortest.map_or(Duration::from_millis(100), |limit| limit / 10);
        Self {
            begun: Instant::now(),
            tick: tick.clamp(Duration::from_millis(5), Duration::from_millis(100)),
            enabled: Shared::get().deadlines,
        }
    }

    fn wait(&self) -> Option<Timespec> {
        self.enabled.then(|| Timespec { tv_sec: 0, tv_nsec: self.tick.subsec_nanos().into() })
    }

    fn advance(&mut self) {
        if !self.enabled {
            return;
        }
        let shared = Shared::get();
        let now = 1 + (self.begun.elapsed().as_nanos() / self.tick.as_nanos()) as u32;
        if shared.tick.swap(now, Ordering::Relaxed) == now {
            return;
        }
        let idle = self.ticks(shared.options.idle_timeout);
        let stuck = self.ticks(shared.options.write_timeout);
        for context in shared.contexts() {
            context.registry.each(|entry| {
                let fate = if entry.fate() != Fate::Open {
                    return;
                } else if stuck.is_some_and(|limit| entry.stuck_ticks(now) > limit) {
                    shared.write_queue_drops.fetch_add(1, Ordering::Relaxed);
                    Fate::Stuck
                } else if idle.is_some_and(|limit| entry.idle_ticks(now) > limit) {
                    shared.timeouts.fetch_add(1, Ordering::Relaxed);
                    Fate::Idle
                } else {
                    return;
                };
                entry.doom(fate);
                let _ = shutdown(entry.fd(), Shutdown::Both);
            });
        }
    }

    /// A limit in ticks, rounded up: never early.
    fn ticks(&self, limit: Duration) -> Option<u32> {
        (!limit.is_zero()).then(|| limit.as_nanos().div_ceil(self.tick.as_nanos()) as u32)
    }
}
