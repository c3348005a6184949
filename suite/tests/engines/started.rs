//! Every engine and variant of the tree, built and started.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use harness::Address;
use harness::control::{Event, Ready, Snapshot};
use harness::manifest::{Manifest, Variant};
use suite::catalog::{Builder, Program, engines};

/// Generous: it ends a test that hangs, and judges nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An engine that runs on this host.
pub(crate) struct Built {
    binary: PathBuf,
    pub(crate) manifest: Manifest,
}

/// All of them, built once. Engines of other toolchains are not ours to build here.
pub(crate) fn built() -> &'static [Built] {
    static BUILT: OnceLock<Vec<Built>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the suite lies in the workspace").to_owned();
        let found = engines(&root.join("engines")).expect("the manifests are right");
        let builder = Builder { root, cargo_profile: "dev".into(), quiet: true };
        let mut all = Vec::new();
        for engine in found.into_iter().filter(|engine| engine.manifest.program.is_none()) {
            let binary = match builder.engine(&engine) {
                Program::Built { path, .. } => path,
                Program::Failed { error, tail } => panic!("{}: {error}\n{}", engine.name(), tail.join("\n")),
            };
            // Its input is at its end: an engine that can serve here drains at once.
            let tried = Command::new(&binary).args(["--addr", "tcp://127.0.0.1:0"]).stdin(Stdio::null()).output();
            let tried = tried.expect("the engine starts");
            if tried.status.success() {
                all.push(Built { binary, manifest: engine.manifest });
            } else {
                eprintln!("{} does not run here: {}", engine.manifest.name, String::from_utf8_lossy(&tried.stderr));
            }
        }
        assert!(!all.is_empty(), "no engine runs here");
        all
    })
}

/// Every engine with every variant.
pub(crate) fn variants() -> impl Iterator<Item = (&'static Built, &'static Variant)> {
    built().iter().flat_map(|engine| engine.manifest.variant.iter().map(move |variant| (engine, variant)))
}

/// A running engine, killed and reaped when it is dropped.
pub(crate) struct Started {
    pub(crate) ready: Ready,
    process: Child,
    lines: BufReader<ChildStdout>,
    /// Where a Unix socket lies.
    _folder: Option<tempfile::TempDir>,
}

impl Started {
    /// Starts `variant` on `transport` with two workers.
    pub(crate) fn new(engine: &Built, variant: &Variant, transport: &str, args: &[&str]) -> Self {
        let folder = (transport == "unix").then(|| tempfile::tempdir().expect("a folder for the socket"));
        let addr = match &folder {
            Some(folder) => format!("unix://{}", folder.path().join("socket").display()),
            None => format!("{transport}://127.0.0.1:0"),
        };
        let mut process = Command::new(&engine.binary)
            .args(["--variant", &variant.name, "--addr", &addr, "--workers", "2"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the engine starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped"));
        let Event::Ready(ready) = next_event(&mut lines) else { panic!("the first line is not the ready event") };
        Self { ready, process, lines, _folder: folder }
    }

    pub(crate) fn snapshot(&mut self) -> Snapshot {
        let stdin = self.process.stdin.as_mut().expect("piped");
        stdin.write_all(b"snapshot\n").expect("the engine listens");
        let Event::Snapshot(snapshot) = next_event(&mut self.lines) else { panic!("no answer to snapshot") };
        snapshot
    }

    pub(crate) fn connect(&self) -> Box<dyn Connection> {
        match self.ready.addrs[0].parse().expect("an address") {
            Address::Tcp(addr) => {
                let stream = TcpStream::connect(addr).expect("the engine accepts");
                stream.set_nodelay(true).expect("TCP");
                stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
                Box::new(stream)
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).expect("the engine accepts");
                stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
                Box::new(stream)
            }
            Address::Udp(_) => panic!("connections only"),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connected stream socket.
pub(crate) trait Connection: std::io::Read + Write {
    /// Sends `request` and waits for `reply_bytes` bytes.
    fn exchange(&mut self, request: &[u8], reply_bytes: usize) {
        self.write_all(request).expect("the engine reads");
        let mut reply = vec![0; reply_bytes];
        self.read_exact(&mut reply).expect("the engine answers");
    }
}

impl<S: std::io::Read + Write> Connection for S {}

fn next_event(lines: &mut BufReader<ChildStdout>) -> Event {
    let mut line = String::new();
    lines.read_line(&mut line).expect("the engine says something");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("'{line}' is no event: {error}"))
}
