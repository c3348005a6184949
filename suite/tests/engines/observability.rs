//! `--metrics-addr`: what a scraper, a health check and a hostile client get, from every engine.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use crate::http::{Response, get, send};
use crate::openmetrics::{Family, parse};
use crate::started::{Connection, Started, built};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The first variant of every engine, with its side port.
fn watched() -> impl Iterator<Item = (Started, SocketAddr)> {
    built().iter().map(|engine| {
        let server = Started::new(engine, &engine.manifest.variant[0], "tcp", &["--metrics-addr", "127.0.0.1:0"]);
        let addr = server.ready.options["metrics-addr"].parse().expect("the ready line tells the port");
        (server, addr)
    })
}

fn scrape(addr: SocketAddr) -> BTreeMap<String, Family> {
    let response = get(addr, "/metrics");
    assert_eq!((response.status, response.header("content-type")), (200, Some(OPEN_METRICS)));
    parse(response.text()).unwrap_or_else(|error| panic!("{error}\n{}", response.text()))
}

#[test]
fn metrics_add_up_and_satisfy_a_strict_parser() {
    for (mut server, addr) in watched() {
        let mut connection = server.connect();
        for _ in 0..1000 {
            connection.exchange(b"\x02\0\x01x", 4);
        }
        server.connect().exchange(&[0x09, 0, 0], 4);
        let snapshot = server.snapshot();
        let families = scrape(addr);
        let total = |name: &str| families[name].sum("_total");
        let value = |name: &str| families[name].sum("");
        let who = &families["crossover_engine_info"].samples[0].labels;
        assert_eq!((who["engine"].as_str(), who["variant"].as_str()), (&*server.ready.engine, &*server.ready.variant));
        assert_eq!(total("crossover_accepts"), 2.0);
        assert_eq!(total("crossover_frames"), 1000.0);
        assert_eq!(total("crossover_worker_frames"), 1000.0);
        assert_eq!(total("crossover_received_bytes"), 4003.0);
        assert_eq!(total("crossover_sent_bytes"), 4004.0);
        assert!(value("crossover_connections_open") >= 1.0);
        assert_eq!(value("crossover_worker_connections"), value("crossover_connections_open"));
        assert!(total("crossover_allocations") >= snapshot.allocs_total as f64);
        assert!(total("crossover_cpu_seconds") > 0.0);
        assert!(value("crossover_resident_memory_bytes") > 1e5);
        // 1 000 reads, of which one in 64 to 191 is timed; may's coroutines may run on all workers.
        let samples = families["crossover_service_time_seconds"].sum("_count");
        assert!((1.0..=40.0).contains(&samples), "{samples} of 1 000 reads were timed");
        let errors = &families["crossover_protocol_errors"].samples;
        let counted: Vec<&str> =
            errors.iter().filter(|one| one.value > 0.0).map(|one| one.labels["kind"].as_str()).collect();
        assert!(counted.is_empty() || counted == ["unknown_type"], "{counted:?}");
        assert_eq!(errors.len(), 7);
    }
}

#[test]
fn the_older_text_format_is_served_to_those_who_ask_for_it_alone() {
    let (_server, addr) = watched().next().expect("an engine");
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n";
    let response = send(addr, request.as_bytes()).expect("an answer");
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(response.text().contains("# TYPE crossover_frames_total counter\ncrossover_frames_total 0\n"));
    assert!(!response.text().contains("# EOF"));
}

#[test]
fn wrong_requests_get_the_status_that_says_so() {
    for (_server, addr) in watched() {
        let status =
            |request: &str| send(addr, format!("{request}\r\nHost: x\r\n\r\n").as_bytes()).map(|one| one.status);
        for (request, expected) in [
            ("GET /healthz HTTP/1.1", 200),
            ("GET / HTTP/1.0", 200),
            ("HEAD /metrics HTTP/1.1", 200),
            ("GET /metrics?name[]=x HTTP/1.1", 200),
            ("GET /nowhere HTTP/1.1", 404),
            ("GET /metrics/ HTTP/1.1", 404),
            ("POST /metrics HTTP/1.1", 405),
            ("DELETE /healthz HTTP/1.1", 405),
            ("GET /debug/pprof/profile?seconds=0 HTTP/1.1", 400),
            ("GET /debug/pprof/profile?seconds=soon HTTP/1.1", 400),
            ("GET /debug/pprof/profile?minutes=1 HTTP/1.1", 400),
            ("GET /debug/pprof/profile?format=png HTTP/1.1", 400),
            ("GET /debug/pprof/heap?gc=1 HTTP/1.1", 400),
            ("GET /metrics HTTP/2", 505),
            ("GET /metrics", 400),
            ("\x16\x03\x01", 400),
        ] {
            assert_eq!(status(request), Some(expected), "{request}");
        }
        let refusal = send(addr, b"PUT / HTTP/1.1\r\n\r\n").expect("an answer");
        assert_eq!(refusal.header("allow"), Some("GET, HEAD"));
        let head = send(addr, b"HEAD /metrics HTTP/1.1\r\n\r\n").expect("an answer");
        assert!(head.body.is_empty() && head.header("content-length").is_some_and(|length| length != "0"));
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000));
        assert_eq!(send(addr, long.as_bytes()).map(|one| one.status), Some(431));
    }
}

#[test]
fn clients_that_never_ask_hold_up_neither_the_engine_nor_the_scraper_for_long() {
    for (server, addr) in watched() {
        let mut silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(addr).expect("a connection")).collect();
        for stream in &mut silent {
            stream.write_all(b"GET /metr").expect("some bytes");
        }
        let mut connection = server.connect();
        for _ in 0..100 {
            connection.exchange(&[0x01, 0, 0], 3);
        }
        drop(silent);
        // Those who have gone are let go, and the next is served.
        assert_eq!(get(addr, "/healthz").status, 200);
        assert_eq!(scrape(addr)["crossover_frames"].sum("_total"), 100.0);
    }
}

#[test]
fn the_heap_is_told_by_size() {
    for (_server, addr) in watched() {
        let response: Response = get(addr, "/debug/pprof/heap");
        assert_eq!(response.status, 200);
        let text = crate::profiles::inflate(&response.body);
        for expected in ["inuse_space", "alloc_objects", " to 1023 bytes"] {
            assert!(crate::profiles::contains(&text, expected), "{expected}");
        }
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_are_there() {
    let (server, addr) = watched().next().expect("an engine");
    // Workers are listed once they have done something.
    server.connect().exchange(&[0x01, 0, 0], 3);
    let names: Vec<String> = scrape(addr)
        .iter()
        .flat_map(|(name, family)| family.samples.iter().map(move |sample| format!("{name}{}", sample.suffix)))
        .collect();
    let dashboard = include_str!("../../../engines/harness/grafana-dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let expr = target["expr"].as_str().expect("a query");
            for name in expr.split(|char: char| !char.is_ascii_alphanumeric() && char != '_') {
                if name.starts_with("crossover_") {
                    assert!(names.iter().any(|own| own == name), "{} asks for {name}", panel["title"]);
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 15, "the dashboard asks for {asked} metrics only");
}
