//! The listener, its threads, and what is served where.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::http::{Request, Response, TEXT, serve};
use super::metrics::Metrics;
use super::{heap, profile};
use crate::context::Shared;
use crate::control::Ready;

/// So many clients are served at a time, slow ones included; the others queue. One may take a profile.
const THREADS: usize = 4;

const INDEX: &str = "\
/metrics                              OpenMetrics
/healthz                              ok, or 503 while the engine drains
/debug/pprof/profile?seconds=N        a CPU profile: gzipped pprof, for `go tool pprof`
/debug/pprof/profile?seconds=N&format=flamegraph, or /debug/pprof/flamegraph?seconds=N   the same as SVG
/debug/pprof/heap                     live bytes by size class, as the counted allocator knows them
";

/// Starts serving on `addr`, for the engine that `ready` is about to announce; port 0 is resolved in there.
pub(crate) fn start(addr: SocketAddr, ready: &mut Ready) -> io::Result<()> {
    let listener = Arc::new(TcpListener::bind(addr)?);
    ready.options.insert("metrics-addr".to_owned(), listener.local_addr()?.to_string());
    let metrics = Arc::new(Metrics::new(ready));
    heap::start_counting();
    for index in 0..THREADS {
        let (listener, metrics) = (Arc::clone(&listener), Arc::clone(&metrics));
        let thread = std::thread::Builder::new().name(format!("watch-{index}"));
        thread.spawn(move || accept(&listener, &metrics))?;
    }
    Ok(())
}

fn accept(listener: &TcpListener, metrics: &Metrics) {
    loop {
        match listener.accept() {
            // A client that goes away early is its own business.
            Ok((stream, _)) => drop(serve(stream, |request, stream| answer(request, stream, metrics))),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn answer(request: &Request, stream: &TcpStream, metrics: &Metrics) -> Response {
    match request.path.as_str() {
        "/" | "/debug/pprof/" => Response::ok(TEXT, INDEX),
        "/metrics" => exposition(request, metrics),
        "/healthz" if Shared::get().draining.load(Ordering::Relaxed) => {
            Response::error("503 Service Unavailable", "draining")
        }
        "/healthz" => Response::ok(TEXT, "ok\n"),
        "/debug/pprof/profile" => profile::answer(request, stream, false),
        "/debug/pprof/flamegraph" => profile::answer(request, stream, true),
        "/debug/pprof/heap" => heap::answer(request),
        _ => Response::error("404 Not Found", format!("this is served:\n{INDEX}")),
    }
}

fn exposition(request: &Request, metrics: &Metrics) -> Response {
    let (content_type, encoded) = match request.wants_classic_metrics {
        false => ("application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.encode()),
        true => ("text/plain; version=0.0.4; charset=utf-8", metrics.encode_classic()),
    };
    match encoded {
        Ok(text) => Response::ok(content_type, text),
        Err(error) => Response::error("500 Internal Server Error", error.to_string()),
    }
}
