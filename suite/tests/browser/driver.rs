//! A browser process and the conversation with it: the DevTools protocol over two pipes, one JSON text at a time,
//! each ended by a zero byte. The browser ends when the pipes close.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A machine that is busy with builds may take long for anything; this is when something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Names that Chromium goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// No network, no first-run pages, no state but in the folder given.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

/// A running browser.
pub(crate) struct Browser {
    process: Child,
    input: Option<ChildStdin>,
    inbox: Receiver<Value>,
    last_id: u64,
    /// What the browser said unasked.
    pub(crate) events: Vec<Value>,
    /// Its profile: gone with it.
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser; `None`, with a line that says so, where none is installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = installed() else {
            eprintln!("SKIPPED: no browser here ({}); CROSSOVER_BROWSER may name one", NAMES.join(", "));
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder for the profile");
        // The protocol is on descriptors 3 and 4, which a shell can join to the pipes that we have.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#])
            .arg(&program)
            .args(FLAGS)
            .args(["--remote-debugging-pipe", "about:blank"])
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let input = process.stdin.take();
        let output = process.stdout.take().expect("it was piped");
        let (sender, inbox) = channel();
        std::thread::spawn(move || {
            let mut texts = BufReader::new(output).split(0);
            while let Some(Ok(text)) = texts.next() {
                let Ok(value) = serde_json::from_slice(&text) else { break };
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self { process, input, inbox, last_id: 0, events: Vec::new(), _folder: folder };
        let version = browser.call("Browser.getVersion", json!({}), None);
        eprintln!("{}: {}", program.display(), version["product"]);
        Some(browser)
    }

    /// Calls a method, of one tab's session or of the browser itself, and waits for its result.
    pub(crate) fn call(&mut self, method: &str, params: Value, session: Option<&str>) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let input = self.input.as_mut().expect("open until the end");
        let written = input.write_all(format!("{message}\0").as_bytes()).and_then(|()| input.flush());
        written.unwrap_or_else(|error| panic!("the browser is gone before {method}: {error}"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = self.next(deadline).unwrap_or_else(|| panic!("no answer to {method}"));
            if message["id"] != self.last_id {
                continue;
            }
            assert!(message["error"].is_null(), "{method}: {}", message["error"]);
            return message["result"].clone();
        }
    }

    /// Waits until an event of this name has come since the last call of [`Self::forget`].
    pub(crate) fn wait_for_event(&mut self, name: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.events.iter().any(|event| event["method"] == name) {
            assert!(self.next(deadline).is_some(), "no event {name}");
        }
    }

    /// Forgets the events of this name.
    pub(crate) fn forget(&mut self, name: &str) {
        self.events.retain(|event| event["method"] != name);
    }

    fn next(&mut self, deadline: Instant) -> Option<Value> {
        let left = deadline.saturating_duration_since(Instant::now());
        let message = self.inbox.recv_timeout(left).ok()?;
        if message["method"].is_string() {
            self.events.push(message.clone());
        }
        Some(message)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The closed pipe ends it, with all its processes; a deaf one is killed.
        self.input.take();
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The browser to use.
fn installed() -> Option<PathBuf> {
    if let Some(asked) = std::env::var_os("CROSSOVER_BROWSER") {
        return Some(asked.into());
    }
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}
