//! Whether the host let the test be: a thread that only sleeps, and notes how late it wakes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use loadclient::clock::now_ns;

/// A disturbed attempt is repeated, as often as this.
const ATTEMPTS_MAX: u32 = 4;
const NAP: Duration = Duration::from_micros(500);

/// What an attempt found.
#[derive(Debug)]
pub(crate) enum Finding {
    Right,
    Wrong(String),
    /// The test itself came too late for its own plan.
    TooLate,
}

impl From<Option<String>> for Finding {
    fn from(wrong: Option<String>) -> Self {
        wrong.map_or(Self::Right, Self::Wrong)
    }
}

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// No other test of this program runs while the guard lives.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `attempt` until it finds all right, but a few times at most. It fails if an attempt that nobody disturbed
/// found something, and no other went well: a thread that woke `late_ns` late or later was kept waiting by others.
/// If all attempts were disturbed, what depends on an idle host cannot be judged here; `attempt` itself asserts what
/// can always be.
pub(crate) fn undisturbed(late_ns: u64, mut attempt: impl FnMut() -> Finding) {
    let _alone = alone();
    let mut wrong = None;
    for _ in 0..ATTEMPTS_MAX {
        let stop = AtomicBool::new(false);
        let (found, lateness_ns) = thread::scope(|scope| {
            let witness = scope.spawn(|| lateness_ns(&stop));
            let over = Over(&stop);
            let found = attempt();
            drop(over);
            (found, witness.join().expect("the witness only sleeps"))
        });
        match found {
            Finding::Right => return,
            Finding::Wrong(found) if lateness_ns < late_ns => wrong = Some(found),
            disturbed => eprintln!("disturbed by {lateness_ns} ns: {disturbed:?}"),
        }
    }
    if let Some(wrong) = wrong {
        panic!("{wrong}");
    }
}

/// Ends the witness, also when the attempt panics: the scope waits for it.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The largest delay beyond what was asked for.
fn lateness_ns(stop: &AtomicBool) -> u64 {
    let mut most = 0;
    while !stop.load(Ordering::Relaxed) {
        let begin = now_ns();
        thread::sleep(NAP);
        most = most.max(now_ns() - begin - NAP.as_nanos() as u64);
    }
    most
}
