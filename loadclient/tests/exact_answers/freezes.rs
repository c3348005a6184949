//! A server process that is stopped for 1.4 s at 2 000 requests a second: whatever would have waited for a reply
//! sees one slow answer a connection; an open loop sees them all.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use loadclient::calibrate::Ready;
use loadclient::clock::now_ns;
use loadclient::report::Event;
use rustix::process::{Pid, Signal, kill_process};

use crate::arithmetic::{Still, check_lower, too_long};
use crate::client::Talk;
use crate::quiet::{Finding, undisturbed};

const WINDOW_NS: u64 = 2_000_000_000;
const FREEZE: Duration = Duration::from_millis(1400);
/// A hundredth of the freeze would be more; the median of 400 ms bears half of its tolerance.
const LATE_NS: u64 = 4_000_000;

/// The null server, as a process of its own; it ends when dropped.
struct NullServer(Child);

impl NullServer {
    fn start() -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadclient"));
        command.args(["null-server", "--addr", "tcp://127.0.0.1:0"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("stdout is readable");
        let Ready::Ready { addr, pid } = serde_json::from_str(&line).expect("one line of JSON");
        assert_eq!(pid, child.id());
        (Self(child), addr)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("it is our child");
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_stopped_server_is_seen_by_all_who_were_due() {
    undisturbed(LATE_NS, || {
        let (server, addr) = NullServer::start();
        let mut talk = Talk::begin(&format!(
            "--target {addr} --conns 4 --total-rate 2000 --schedule fixed --verify --warmup 200ms --duration 2s --grace \
             5s --hold"
        ));
        assert!(matches!(talk.hear(), Event::Connected { .. }));
        // The window begins after this, and ends that much later: what ends earlier is inside.
        let inside_until_ns = now_ns() + 200_000_000 + WINDOW_NS;
        talk.say("go");
        assert!(matches!(talk.hear(), Event::Measuring { .. }));
        std::thread::sleep(Duration::from_millis(200));
        server.signal(Signal::STOP);
        let begin_ns = now_ns();
        std::thread::sleep(FREEZE);
        let end_ns = now_ns();
        server.signal(Signal::CONT);
        assert!(matches!(talk.hear(), Event::Measured { .. }));
        let Event::Report(report) = talk.hear() else { panic!("the report comes last") };
        assert_eq!((report.frames_ok, report.frames_wrong), (report.frames_intended, 0));
        assert!(report.frames_intended.abs_diff(4000) <= 1, "{}", report.frames_intended);
        // 1.4 of 2 s: p50 is 0.4 s, p90 1.2 s, p99 1.38 s, p99.9 1.398 s.
        if end_ns > inside_until_ns {
            return Finding::TooLate;
        }
        let still = [Still { begin_ns, end_ns }];
        check_lower(&still, WINDOW_NS, &report.response_ns);
        too_long(&still, WINDOW_NS, &report.response_ns, 0.0).into()
    });
}
