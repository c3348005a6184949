//! Runs the client's program and reads what it says.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use loadclient::report::{Event, Report};

fn command(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadclient"));
    command.args(line.split_whitespace());
    command
}

/// Runs to the end.
pub(crate) fn run(line: &str) -> Output {
    command(line).stdin(Stdio::null()).output().expect("the client starts")
}

/// Runs to the end, and expects exactly one report on stdout and this exit code.
pub(crate) fn report(line: &str, exit: i32) -> Report {
    parse(&run(line), exit)
}

/// The one report in `output`.
pub(crate) fn parse(output: &Output, exit: i32) -> Report {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{stderr}");
    let stdout = std::str::from_utf8(&output.stdout).expect("JSON is UTF-8");
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    let Ok(Event::Report(report)) = serde_json::from_str(stdout) else { panic!("no report: {stdout}") };
    *report
}

/// Runs to the end, and expects one line on stderr with these words, nothing on stdout, and exit code 2.
pub(crate) fn refused(line: &str, words: &str) {
    let output = run(line);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{line}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{line}: {stderr}");
    assert!(stderr.contains(words), "{line}: `{words}` is not in: {stderr}");
}

/// A client that is spoken to. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    pub(crate) fn begin(line: &str) -> Self {
        let mut command = command(line);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the client starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, stdin, stdout }
    }

    /// The next event; panics at the end of stdout.
    pub(crate) fn hear(&mut self) -> Event {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("stdout is readable");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}` is no event: {error}"))
    }

    pub(crate) fn say(&mut self, word: &str) {
        let stdin = self.stdin.as_mut().expect("stdin was not closed yet");
        writeln!(stdin, "{word}").expect("the client listens");
    }

    pub(crate) fn exit_code(mut self) -> Option<i32> {
        self.child.wait().expect("it is our child").code()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
