//! `/debug/pprof/profile`: a CPU profile of an engine under load, that leaves the load alone.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::http::{Response, get};
use crate::started::{Built, Connection, Started, built};

/// Gunzipped.
pub(crate) fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut inflated = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut inflated).expect("gzip");
    inflated
}

pub(crate) fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// The answer to `path` while two connections keep the engine busy; every reply of theirs is waited for.
fn under_load(engine: &Built, path: &str) -> Response {
    let variant = &engine.manifest.variant[0];
    let server = Started::new(engine, variant, "tcp", &["--metrics-addr", "127.0.0.1:0"]);
    let addr = server.ready.options["metrics-addr"].parse().expect("the ready line tells the port");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut connection = server.connect();
                while !over.load(Ordering::Relaxed) {
                    connection.exchange(&[0x01, 0, 0].repeat(50), 150);
                }
            });
        }
        let response = get(addr, path);
        over.store(true, Ordering::Relaxed);
        response
    })
}

/// A host may forbid the kernel's sampling; then the answer must say so.
fn is_refused(engine: &Built, response: &Response) -> bool {
    if response.status == 501 {
        assert!(response.text().contains("perf_event_open"), "{}", response.text());
        eprintln!("{}: {}", engine.manifest.name, response.text());
    }
    response.status == 501
}

#[test]
fn a_profile_names_the_engines_functions() {
    for engine in built() {
        let response = under_load(engine, "/debug/pprof/profile?seconds=1");
        if is_refused(engine, &response) {
            continue;
        }
        assert_eq!(response.status, 200);
        let profile = inflate(&response.body);
        // The strings of the profile lie in it as they are. All engines come through the harness.
        for expected in ["samples", "nanoseconds", "thread", "[kernel]", "harness::", ".rs"] {
            assert!(contains(&profile, expected), "{} has no '{expected}' in its profile", engine.manifest.name);
        }
    }
}

#[test]
fn a_flame_graph_is_an_svg() {
    let engine = &built()[0];
    for path in ["/debug/pprof/profile?seconds=1&format=flamegraph", "/debug/pprof/flamegraph?seconds=1"] {
        let response = under_load(engine, path);
        if !is_refused(engine, &response) {
            assert_eq!((response.status, response.header("content-type")), (200, Some("image/svg+xml")));
            let svg = response.text();
            assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"));
            assert!(svg.contains("[kernel]"));
        }
    }
}
