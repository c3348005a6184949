//! A server that delays every other frame by a millisecond: the two halves of the service times are that far apart.

use std::hint::spin_loop;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use loadclient::clock::now_ns;
use loadclient::tally::Latencies;

use crate::arithmetic::TOLERANCE;
use crate::client::report;
use crate::quiet::undisturbed;

const DELAY_NS: u64 = 1_000_000;

/// One run; returns by how much the delayed half was slower, and the median of the delays as the server saw them.
fn delayed() -> (u64, u64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let addr = listener.local_addr().expect("it is bound");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the client comes");
        stream.set_nodelay(true).expect("a TCP socket has the option");
        let mut frame = [0; 67];
        let mut delays = Latencies::new();
        let mut slow = false;
        while stream.read_exact(&mut frame).is_ok() {
            let arrived = now_ns();
            while slow && now_ns() - arrived < DELAY_NS {
                spin_loop();
            }
            if slow {
                delays.record(now_ns() - arrived);
            }
            slow = !slow;
            if stream.write_all(&frame).is_err() {
                break;
            }
        }
        delays.quantile(0.5).expect("frames were delayed")
    });
    // Active waiting throughout, so that waking up is no part of either half.
    let line = format!(
        "--target tcp://{addr} --conns 1 --total-rate 400 --schedule fixed --verify --warmup 100ms --duration 1s \
         --spin-us 3000"
    );
    let report = report(&line, 0);
    assert_eq!(report.frames_ok, report.frames_intended);
    let service = Latencies::decode(&report.hdr.service, 0).expect("the client encoded it");
    // Half are at once, half delayed: their medians are the quartiles of all.
    let [fast, slow] = [0.25, 0.75].map(|q| service.quantile(q).expect("all were answered"));
    // The undelayed quarter that is slowest may be late; the delayed never early.
    let least = service.quantile(0.51).expect("all were answered");
    assert!(least >= DELAY_NS, "{least} ns");
    (slow - fast, server.join().expect("the server only echoes"))
}

#[test]
fn a_fixed_delay_is_in_the_service_time_and_nothing_else_is() {
    undisturbed(DELAY_NS / 2, || {
        let (difference, delay) = delayed();
        let off = difference.abs_diff(delay) as f64 / delay as f64;
        (off > TOLERANCE).then(|| format!("{difference} ns between the halves, {delay} ns of delay")).into()
    });
}
