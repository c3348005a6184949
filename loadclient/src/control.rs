//! The conversation with the parent process: events out on stdout, commands in on stdin.

use std::io::{self, BufRead, Write};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use crate::report::Event;

/// What a client exits with when its parent is gone.
const EXIT_ORPHANED: i32 = 1;

/// A line on stdin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// After `connected`: begin the load.
    Go,
    /// After `measured`: close the connections.
    Done,
}

/// A parent that speaks on stdin. Until it said `done`, the end of stdin ends this process at once,
/// whatever it is doing: a client never outlives the one who asked for it.
#[derive(Debug)]
pub struct Parent {
    commands: Receiver<Command>,
    released: Arc<AtomicBool>,
}

impl Parent {
    /// Begins to listen.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn listen() -> io::Result<Self> {
        let (sender, commands) = channel();
        let released = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&released);
        thread::Builder::new().name("parent".into()).stack_size(64 * 1024).spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                let command = match line.trim() {
                    "go" => Command::Go,
                    "done" => Command::Done,
                    other => {
                        eprintln!("loadclient: unknown command `{other}` on stdin: expected `go` or `done`");
                        continue;
                    }
                };
                // `done` is the last word: what follows is the report, whether anybody holds our stdin or not.
                if sender.send(command).is_err() || command == Command::Done {
                    return;
                }
            }
            if !seen.load(Ordering::Acquire) {
                process::exit(EXIT_ORPHANED);
            }
        })?;
        Ok(Self { commands, released })
    }

    /// Waits for `wanted`; anything else that comes before is out of turn, and dropped.
    pub fn wait_for(&self, wanted: Command) {
        loop {
            match self.commands.recv_timeout(std::time::Duration::from_secs(3600)) {
                Ok(command) if command == wanted => return,
                Ok(command) => eprintln!("loadclient: `{command:?}` on stdin out of turn, ignored"),
                Err(RecvTimeoutError::Timeout) => {}
                // The last word was said, out of turn.
                Err(RecvTimeoutError::Disconnected) => process::exit(EXIT_ORPHANED),
            }
        }
    }

    /// Only the report is left to be said: the end of stdin means nothing any more.
    pub fn release(&self) {
        self.released.store(true, Ordering::Release);
    }
}

/// Prints `event` as one line of JSON.
///
/// # Errors
/// Nobody reads stdout.
pub fn say(event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}
