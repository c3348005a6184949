//! One load from beginning to end: threads, their common timeline, the conversation with the parent, the report.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{io, process, thread};

use thiserror::Error;

use crate::clock::now_ns;
use crate::control::{Command, Parent, say};
use crate::poller::wake;
use crate::report::{Event, Report};
use crate::spec::Spec;
use crate::summary;
use crate::tally::Window;
use crate::worker::{Message, Outcome, Shared, Timeline, Worker};

/// From the word to begin to the first frame: all threads are awake by then.
const START_DELAY_NS: u64 = 5_000_000;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum RunError {
    /// The request cannot be met: nothing was measured.
    #[error("{0}")]
    Unmet(String),
    /// Something broke during the load.
    #[error("{0}")]
    Broken(String),
}

/// Applies the load that `spec` asks for, and says on stdout what `--hold` and `--linger` promise; the report
/// itself is left to the caller. `parent` is needed by these two.
///
/// # Errors
/// There is nothing to report.
pub fn run(spec: Spec, parent: Option<&Parent>) -> Result<Report, RunError> {
    let shared = Arc::new(Shared::new(spec));
    let spec = &shared.spec;
    let (sender, messages) = channel();
    let mut threads = Vec::new();
    for thread in 0..spec.threads {
        let worker = Worker { shared: Arc::clone(&shared), thread, messages: sender.clone() };
        let spawned = thread::Builder::new().name(format!("load-{thread}")).spawn(move || worker.run());
        threads.push(spawned.map_err(|error| RunError::Unmet(format!("cannot start a load thread: {error}")))?);
    }
    drop(sender);

    let wakers = connected(spec, &messages)?;
    progress(spec, &format!("{} of {} connections up", live(&shared), spec.conns));
    if spec.hold {
        tell(&Event::Connected { pid: process::id(), conns_asked: spec.conns.into(), conns_live: live(&shared) });
        parent.expect("--hold comes with a parent").wait_for(Command::Go);
    }

    let timeline = begin(spec, &shared.timeline);
    wake_all(&wakers)?;
    sleep_until(timeline.window.begin_ns);
    progress(spec, &format!("measuring for {:?}", Duration::from_nanos(spec.duration_ns)));
    if spec.hold || spec.linger {
        tell(&Event::Measuring { pid: process::id(), conns_live: live(&shared) });
    }
    sleep_until(timeline.window.end_ns);
    if spec.hold || spec.linger {
        tell(&Event::Measured { pid: process::id() });
    }

    let outcomes = done(spec, &messages)?;
    if spec.linger {
        parent.expect("--linger comes with a parent").wait_for(Command::Done);
    }
    if let Some(parent) = parent {
        parent.release();
    }
    shared.closing.store(true, Ordering::Release);
    wake_all(&wakers)?;
    for thread in threads {
        thread.join().map_err(|_| RunError::Broken("a load thread panicked".into()))?;
    }
    Ok(summary::report(spec, &outcomes))
}

/// Whether the load was kept up to the end: what the exit code says.
#[must_use]
pub fn kept_up(report: &Report) -> bool {
    // A churning client may well have nothing open at the end.
    let alive = match report {
        Report { churn: Some(_), .. } => report.frames_ok > 0,
        // That a server drops them all is an answer.
        Report { slow_reader: Some(_), .. } => true,
        _ => report.conns_live > 0,
    };
    alive && !report.gates.iter().any(|gate| gate.gate == "overflow")
}

fn connected(spec: &Spec, messages: &Receiver<Message>) -> Result<Vec<Arc<OwnedFd>>, RunError> {
    (0..spec.threads)
        .map(|_| match messages.recv() {
            Ok(Message::Connected(waker)) => Ok(waker),
            Ok(Message::Failed(reason)) => Err(RunError::Unmet(reason)),
            Ok(Message::Done(_)) | Err(_) => Err(RunError::Broken("a load thread ended while connecting".into())),
        })
        .collect()
}

fn done(spec: &Spec, messages: &Receiver<Message>) -> Result<Vec<Outcome>, RunError> {
    (0..spec.threads)
        .map(|_| match messages.recv() {
            Ok(Message::Done(outcome)) => Ok(*outcome),
            Ok(Message::Failed(reason)) => Err(RunError::Broken(reason)),
            Ok(Message::Connected(_)) | Err(_) => Err(RunError::Broken("a load thread ended during the load".into())),
        })
        .collect()
}

fn begin(spec: &Spec, cell: &OnceLock<Timeline>) -> Timeline {
    let start_ns = now_ns() + START_DELAY_NS;
    let load_ns = start_ns + spec.touch_ns();
    let begin_ns = load_ns + spec.warmup_ns;
    let window = Window { begin_ns, end_ns: begin_ns + spec.duration_ns };
    *cell.get_or_init(|| Timeline { start_ns, load_ns, window, grace_end_ns: window.end_ns + spec.grace_ns })
}

fn wake_all(wakers: &[Arc<OwnedFd>]) -> Result<(), RunError> {
    wakers
        .iter()
        .try_for_each(|waker| wake(waker))
        .map_err(|error| RunError::Broken(format!("cannot wake a load thread: {error}")))
}

fn live(shared: &Shared) -> u64 {
    shared.live.load(Ordering::Relaxed)
}

fn sleep_until(at_ns: u64) {
    while let Some(left) = at_ns.checked_sub(now_ns()).filter(|&left| left > 0) {
        thread::sleep(Duration::from_nanos(left));
    }
}

/// A parent that does not read any more is gone.
fn tell(event: &Event) {
    if say(event).is_err() {
        process::exit(1);
    }
}

fn progress(spec: &Spec, text: &str) {
    if spec.verbose || io::IsTerminal::is_terminal(&io::stderr()) {
        eprintln!("loadclient: {text}");
    }
}
