//! The client against the null server: what a calibration says of it, and what follows for a report.

use loadclient::calibrate::{Calibration, client_bound};
use loadclient::report::Report;

use crate::client::{refused, report, run};
use crate::server::{Script, Server};

fn calibrated(options: &str) -> Calibration {
    let output = run(&format!("calibrate --duration 200ms {options}"));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

#[test]
fn every_transport_has_its_ceiling_and_its_cost() {
    let found = calibrated("--conns 4 --payload 100 --in-flight 1,8 --rate 500");
    assert_eq!((found.conns, found.payload_bytes, found.threads, found.duration_ns), (4, 100, 1, 200_000_000));
    let points: Vec<(&str, &str, u32)> =
        found.points.iter().map(|point| (&point.transport[..], &point.mode[..], point.in_flight)).collect();
    let of = |transport| {
        [(transport, "saturate", 1), (transport, "saturate", 8), (transport, "open", 0), (transport, "open", 0)]
    };
    assert_eq!(points, [of("tcp"), of("unix")].concat());
    for point in &found.points {
        assert!(point.cpu_ns_per_frame > 0.0 && point.thread_busy_max > 0.0, "{point:?}");
        assert_eq!(point.lag_ns_p99.is_some(), point.mode == "open", "{point:?}");
        // Every reply of the null server is right.
        let wrong = ["wrong_reply", "errors", "live"];
        assert!(point.gates.iter().all(|gate| !wrong.contains(&&gate.gate[..])), "{point:?}");
    }
    // Head, rule, and a row for each point, of as many columns.
    let table = found.to_string();
    assert_eq!(table.lines().count(), 2 + found.points.len(), "{table}");
    assert!(table.lines().all(|line| line.matches('|').count() == 10), "{table}");
    assert!(found.ceiling_per_s("tcp", 1).is_some_and(|rate| rate > 0.0));
    assert_eq!((found.ceiling_per_s("udp", 1), found.ceiling_per_s("tcp", 2)), (None, None));
    // The fourth point is an open loop at half of what the first reached.
    let [closed, _, _, half, ..] = &found.points[..] else { panic!("eight points") };
    let asked = half.rate_per_s.expect("an open loop has a rate");
    assert!((0.4..0.6).contains(&(asked / closed.frames_per_s)), "{asked} of {}", closed.frames_per_s);
}

#[test]
fn the_null_server_serves_frames_larger_than_its_buffer() {
    let found = calibrated("--conns 2 --payload 65535 --in-flight 4 --rate 0");
    assert_eq!(found.points.len(), 2);
    for point in &found.points {
        assert!(point.frames_per_s > 0.0 && point.gates.iter().all(|gate| gate.gate != "errors"), "{point:?}");
    }
}

/// A closed loop against a server of ours, next to calibrations that put it at, near and far below the ceiling.
#[test]
fn a_peak_near_the_ceiling_is_marked() {
    let server = Server::tcp(Script::Echo);
    let line = format!("--target {} --mode saturate --conns 4 --warmup 50ms --duration 200ms", server.target);
    let report = report(&line, 0);
    let with = |share: f64, conns: u32| -> Calibration {
        let mut calibration = calibrated_like(&report);
        calibration.conns = conns;
        calibration.points[0].frames_per_s = report.rate_achieved_per_s / share;
        calibration
    };
    let gate = |calibrations: &[Calibration]| client_bound(calibrations, &report).map(|gate| gate.gate);
    assert_eq!(gate(&[]), None);
    assert_eq!(gate(&[with(0.84, 4)]), None);
    assert_eq!(gate(&[with(0.86, 4)]).as_deref(), Some("client_bound"));
    // The nearest number of connections decides.
    assert_eq!(gate(&[with(0.5, 5), with(0.95, 100)]), None);
    assert_eq!(gate(&[with(0.95, 5), with(0.5, 100)]).as_deref(), Some("client_bound"));
    // Another payload, depth, transport or number of threads says nothing.
    let other = |change: fn(&mut Calibration)| {
        let mut calibration = with(0.99, 4);
        change(&mut calibration);
        gate(&[calibration])
    };
    assert_eq!(other(|c| c.payload_bytes = 65), None);
    assert_eq!(other(|c| c.threads = 2), None);
    assert_eq!(other(|c| c.points[0].in_flight = 2), None);
    assert_eq!(other(|c| c.points[0].transport = "unix".into()), None);
    assert_eq!(client_bound(&[with(0.99, 4)], &Report { mode: "open".into(), ..report.clone() }), None);
}

fn calibrated_like(report: &Report) -> Calibration {
    let point = loadclient::calibrate::Point::of("tcp", report);
    Calibration {
        schema: loadclient::calibrate::SCHEMA,
        version: "1".into(),
        cpus_online: 2,
        client_cpus: vec![1],
        server_cpu: Some(0),
        threads: report.threads,
        conns: 4,
        payload_bytes: report.payload_bytes,
        duration_ns: report.duration_ns,
        points: vec![point],
    }
}

#[test]
fn wrong_calibrations_are_refused() {
    refused("calibrate --conns 0", "--conns");
    refused("calibrate --transport udp", "udp");
    refused("calibrate --rate -1", "-1");
    refused("calibrate --cpus 1023", "CPU 1023");
    refused("null-server --addr udp://127.0.0.1:0", "tcp://ADDRESS:PORT or unix://PATH");
    refused("null-server --addr unix:///nonexistent/folder/socket", "/nonexistent/folder/socket");
}
