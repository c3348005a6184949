//! A child process that speaks JSON lines on stdout, hears lines on stdin, and never outlives the suite.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::Interrupt;
use super::interrupt::POLL;

/// Lines of stderr that are kept.
const TAIL_LINES: usize = 20;
/// Characters of a line that are kept, of stderr and of what is quoted in errors.
const LINE_CHARS: usize = 400;
/// Longest line of stdout: a report with its histograms is far below.
const STDOUT_LINE_BYTES: u64 = 64 << 20;

/// Why a process did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("{0}")]
    Failed(String),
    /// The user wants to end; nobody is to blame.
    #[error("interrupted")]
    Interrupted,
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    role: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    tail: Arc<Mutex<VecDeque<String>>>,
    listener: Option<JoinHandle<()>>,
    interrupt: Interrupt,
}

impl Process {
    /// Starts `argv`. `role` names it in errors: `server`, `client 2`.
    ///
    /// Call from the main thread: the kernel ends the child with the *thread* that started it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(role: &str, argv: &[String], interrupt: &Interrupt) -> Result<Self, Trouble> {
        let (program, args) = argv.split_first().expect("a command line names its program");
        let mut command = Command::new(program);
        // A group of its own: Ctrl-C in the terminal reaches the suite alone, which ends the others in order.
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let parent = rustix::process::getpid();
        let die_with_parent = move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // The parent may have died before the signal was asked for.
            if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(std::io::ErrorKind::NotFound.into()) }
        };
        // SAFETY: between fork and exec the closure makes two system calls, and neither allocates nor locks.
        unsafe { command.pre_exec(die_with_parent) };
        let mut child =
            command.spawn().map_err(|error| Trouble::Failed(format!("failed to start {program}: {error}")))?;
        let (sender, lines) = channel();
        let stdout = child.stdout.take().expect("stdout is piped");
        std::thread::spawn(move || {
            for line in bounded_lines(stdout) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = child.stderr.take().expect("stderr is piped");
        let kept = Arc::clone(&tail);
        let listener = std::thread::spawn(move || {
            for line in bounded_lines(stderr) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == TAIL_LINES {
                    kept.pop_front();
                }
                kept.push_back(shorten(&line));
            }
        });
        let stdin = child.stdin.take();
        let (role, interrupt) = (role.to_owned(), interrupt.clone());
        Ok(Self { role, child, stdin, lines, tail, listener: Some(listener), interrupt })
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says `line` on its stdin.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn say(&mut self, line: &str) -> Result<(), Trouble> {
        let sent = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{line}"));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.describe(&format!("does not take {line:?}"), Duration::ZERO)),
        }
    }

    /// The next line on its stdout, which must come within `patience`.
    ///
    /// # Errors
    /// When it hangs, dies, or says something else; or the user wants to end.
    pub fn hear<T: DeserializeOwned>(&mut self, awaited: &str, patience: Duration) -> Result<T, Trouble> {
        let deadline = Instant::now() + patience;
        loop {
            if self.interrupt.asked() {
                return Err(Trouble::Interrupted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left.min(POLL)) {
                Ok(line) => {
                    return serde_json::from_str(&line).map_err(|error| {
                        let role = &self.role;
                        Trouble::Failed(format!("{role} said {:?} instead of {awaited}: {error}", shorten(&line)))
                    });
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    return Err(self.describe(&format!("hangs: no {awaited}"), patience));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.describe(&format!("closed its stdout before {awaited}"), patience));
                }
            }
        }
    }

    /// Lets it end by itself within `patience`.
    ///
    /// # Errors
    /// When it does not; or the user wants to end.
    pub fn finish(&mut self, patience: Duration) -> Result<ExitStatus, Trouble> {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = self.ended() {
                return Ok(status);
            }
            if self.interrupt.asked() {
                return Err(Trouble::Interrupted);
            }
            if Instant::now() >= deadline {
                return Err(Trouble::Failed(format!("{} hangs: it does not end", self.role)));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// How it ended, in words, if it has.
    pub fn obituary(&mut self) -> Option<String> {
        self.ended().map(|status| format!("{} died: {}", self.role, spell(status)))
    }

    /// The last lines of its stderr. Complete only after it ended.
    pub fn stderr_tail(&mut self) -> Vec<String> {
        if self.ended().is_some()
            && let Some(listener) = self.listener.take()
        {
            // A grandchild may hold the pipe open for ever: wait a little, not for it.
            let deadline = Instant::now() + Duration::from_millis(500);
            while !listener.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Sends it to its end, and does not wait for that: of many processes with many sockets each takes a while.
    pub fn doom(&mut self) {
        if self.ended().is_none() {
            // It may end in between; there is nobody to tell.
            let _ = self.child.kill();
        }
    }

    /// Ends it, whatever it does.
    pub fn kill(&mut self) {
        self.doom();
        // Once it was waited for, this returns at once.
        let _ = self.child.wait();
    }

    /// `what` happened; an ended process says how it ended instead.
    fn describe(&mut self, what: &str, patience: Duration) -> Trouble {
        // A dying process closes its pipes just before it can be waited for.
        let deadline = Instant::now() + Duration::from_millis(200);
        loop {
            if let Some(obituary) = self.obituary() {
                return Trouble::Failed(obituary);
            }
            if Instant::now() >= deadline || what.starts_with("hangs") {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let within =
            if patience.is_zero() { String::new() } else { format!(" within {:.1} s", patience.as_secs_f64()) };
        Trouble::Failed(format!("{} {what}{within}", self.role))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spell(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn shorten(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Lines until the end of input; an endless line is cut, and bytes that are no UTF-8 are replaced.
fn bounded_lines(pipe: impl Read) -> impl Iterator<Item = String> {
    let mut reader = BufReader::new(pipe);
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.by_ref().take(STDOUT_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Word {
        word: String,
    }

    fn sh(script: &str) -> Process {
        let argv = ["sh", "-c", script].map(str::to_owned);
        Process::start("child", &argv, &Interrupt::default()).unwrap()
    }

    fn hear(process: &mut Process) -> Result<String, String> {
        let heard: Result<Word, Trouble> = process.hear("a word", Duration::from_secs(5));
        heard.map(|word| word.word).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn lines_are_heard_and_said() {
        let mut child = sh(r#"read x; echo "{\"word\":\"$x\"}""#);
        child.say("hello").unwrap();
        assert_eq!(hear(&mut child).unwrap(), "hello");
        assert!(child.finish(Duration::from_secs(5)).unwrap().success());
    }

    #[test]
    fn death_is_told_with_its_code_and_last_words() {
        let mut child = sh("echo first >&2; echo last words >&2; exit 7");
        assert_eq!(hear(&mut child).unwrap_err(), "child died: exit code 7");
        assert_eq!(child.stderr_tail(), ["first", "last words"]);
        let mut child = sh("kill -9 $$");
        assert_eq!(hear(&mut child).unwrap_err(), "child died: signal 9");
    }

    #[test]
    fn garbage_is_quoted() {
        let mut child = sh("echo not json; sleep 60");
        assert!(hear(&mut child).unwrap_err().starts_with("child said \"not json\" instead of a word"));
    }

    #[test]
    fn a_hang_is_noticed_and_killed() {
        let mut child = sh("exec sleep 60");
        let heard: Result<Word, Trouble> = child.hear("a word", Duration::from_millis(50));
        assert_eq!(heard.unwrap_err().to_string(), "child hangs: no a word within 0.1 s");
        let pid = child.pid();
        drop(child);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Process::start("child", &["/nowhere/engine".to_owned()], &Interrupt::default()).unwrap_err();
        assert!(error.to_string().starts_with("failed to start /nowhere/engine"));
    }
}
