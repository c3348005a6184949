//! The arithmetic, on hosts that do not exist.

use clap::Parser;

use super::*;
use crate::spec::Args;

const TCP: &str = "--target tcp://127.0.0.1:1";

/// Enough of everything for a hundred thousand connections, and 1 000 ports.
const HOST: Host = Host {
    descriptors_max: Some(1_000_000),
    nr_open: Some(1_048_576),
    files_free: Some(10_000_000),
    ports: Some((10_000, 10_999)),
    tw_reuse: 2,
    memory_bytes: Some(16 << 30),
    page_bytes: 4096,
    tcp_pages_max: Some(500_000),
    tcp_pages_used: 0,
    maps_max: Some(65_530),
    maps_used: 30,
};

fn found(host: &Host, line: &str) -> Vec<String> {
    let args = Args::try_parse_from(format!("loadclient {line}").split_whitespace()).expect(line);
    broken(&Spec::try_from(args).expect(line), host)
}

/// Exactly one limit is broken, and all of these words are in what is said about it.
fn check(host: &Host, line: &str, words: &[&str]) {
    let found = found(host, line);
    assert_eq!(found.len(), 1, "{line}: {found:?}");
    for word in words {
        assert!(found[0].contains(word), "{line}: `{word}` is not in: {}", found[0]);
    }
}

fn fine(host: &Host, line: &str) {
    assert_eq!(found(host, line), [""; 0], "{line}");
}

#[test]
fn descriptors_are_counted_per_process() {
    let host = Host { descriptors_max: Some(20_000), ports: Some((1024, 65_535)), ..HOST };
    fine(&host, &format!("{TCP} --mode hold --conns 19981"));
    check(
        &host,
        &format!("{TCP} --mode hold --conns 19982"),
        &["needs 20001", "limit is 20000", "ulimit -Hn 20001", "2 client"],
    );
    check(&host, &format!("{TCP} --mode hold --conns 60000"), &["split the load over 4 client processes"]);
    let spliced = "--mode stream --source splice:/x --conns";
    fine(&host, &format!("{TCP} {spliced} 6660"));
    check(&host, &format!("{TCP} {spliced} 6661"), &["needs 20002"]);
    let low = Host { nr_open: Some(20_000), ..host };
    check(
        &low,
        &format!("{TCP} --mode hold --conns 30000"),
        &["sysctl -w fs.nr_open=30019` and then `ulimit -Hn 30019"],
    );
    fine(&Host { descriptors_max: None, ..host }, &format!("{TCP} --mode hold --conns 60000"));
}

#[test]
fn files_are_counted_on_the_whole_host() {
    let host = Host { files_free: Some(1_000), ..HOST };
    // Both ends of a loopback connection, and the client's own 19.
    fine(&host, "--target unix:///x --mode hold --conns 490");
    check(&host, "--target unix:///x --mode hold --conns 491", &["1001 open files", "fs.file-max", "+ 1"]);
    fine(&host, "--target tcp://10.0.0.1:1 --mode hold --conns 900");
}

#[test]
fn a_port_serves_one_connection_to_each_address() {
    let hold = format!("{TCP} --mode hold --conns");
    fine(&HOST, &format!("{hold} 1000"));
    check(&HOST, &format!("{hold} 1001"), &["--srcips 127.0.0.1-127.0.0.2", "ip_local_port_range=\"1024 65535\""]);
    check(&HOST, &format!("{hold} 4000 --srcips 127.0.0.1-127.0.0.3"), &["3 source address(es)", "are 3000"]);
    check(&HOST, &format!("{hold} 300000"), &["127.0.0.1-127.0.1.44"]);
    fine(&HOST, &format!("{hold} 2000 --target tcp://127.0.0.1:2"));
    fine(&HOST, "--mode hold --target unix:///x --conns 100000");
    // A UDP port is taken for all destinations.
    let udp = "--mode hold --target udp://127.0.0.1:1 --target udp://127.0.0.1:2 --conns";
    fine(&HOST, &format!("{udp} 1000"));
    check(&HOST, &format!("{udp} 1002"), &["--srcips"]);
    check(&HOST, &format!("{hold} 11 --ports 10000-10009"), &["× 10 ports", "widen --ports"]);
    check(&HOST, &format!("{hold} 1 --ports 9999-10009"), &["not inside", "ip_local_port_range=\"9999 10999\""]);
    fine(&Host { ports: None, ..HOST }, &format!("{hold} 100000"));
}

#[test]
fn ports_in_time_wait_are_ports() {
    let churn = |target: &str, options: &str| format!("--target {target} --mode churn --conns 100 {options}");
    let (local, remote) = ("tcp://127.0.0.1:1", "tcp://10.0.0.1:1");
    // On loopback a port may be used again after a second, elsewhere after a minute.
    fine(&HOST, &churn(local, "--total-rate 1000 --duration 1h"));
    check(
        &HOST,
        &churn(local, "--total-rate 1001"),
        &["1001 ports", "(1 s each)", "--close rst", "127.0.0.1-127.0.0.2"],
    );
    check(&HOST, &churn(remote, "--total-rate 17 --duration 1h"), &["1020 ports", "(60 s each)", "tcp_tw_reuse=1"]);
    fine(&Host { tw_reuse: 1, ..HOST }, &churn(remote, "--total-rate 1000 --duration 1h"));
    check(&Host { tw_reuse: 0, ..HOST }, &churn(local, "--total-rate 17 --duration 1h"), &["tcp_tw_reuse=1"]);
    // A short load does not last as long as TIME_WAIT does.
    fine(&HOST, &churn(remote, "--total-rate 500 --warmup 1s --duration 1s"));
    fine(&HOST, &churn(remote, "--total-rate 1000000 --close rst"));
    fine(&HOST, &churn("unix:///x", "--total-rate 1000000"));
}

#[test]
fn memory_is_that_of_both_ends_here() {
    // 100 000 × (128 + 2 × 3 800) bytes and a thread's: 738 MiB.
    let line = "--target unix:///x --mode hold --conns 100000";
    fine(&Host { memory_bytes: Some(738 << 20), ..HOST }, line);
    check(
        &Host { memory_bytes: Some(737 << 20), ..HOST },
        line,
        &["needs 737 MiB", "both ends", "lower --conns to 99"],
    );
    fine(
        &Host { memory_bytes: Some(380 << 20), ports: Some((1, 65_000)), ..HOST },
        "--target tcp://10.0.0.1:1 --target tcp://10.0.0.1:2 --mode hold --conns 100000",
    );
    let copy = format!("{TCP} --mode stream --source copy:/x --conns 1000");
    check(&Host { memory_bytes: Some(100 << 20), ..HOST }, &copy, &["--conns 1000 needs 133 MiB"]);
    fine(&Host { memory_bytes: None, ..HOST }, line);
}

#[test]
fn tcp_buffers_hold_what_is_under_way() {
    let host = Host { tcp_pages_max: Some(1_000), tcp_pages_used: 100, ports: Some((1024, 65_535)), ..HOST };
    // A page for a small frame; idle connections need none.
    fine(&host, &format!("{TCP} --mode saturate --conns 900"));
    check(
        &host,
        &format!("{TCP} --mode saturate --conns 901"),
        &["901 pages", "allows 1000", "100 are used", "tcp_mem=\"625 938 1251\""],
    );
    fine(&host, &format!("{TCP} --mode hold --conns 50000"));
    fine(&host, &format!("{TCP} --mode hold --conns 50000 --heartbeat 60s"));
    check(&host, &format!("{TCP} --mode hold --conns 50000 --heartbeat 50s"), &["1000 pages"]);
    // On a schedule no more is under way than was due in a second.
    fine(&host, &format!("{TCP} --conns 50000 --total-rate 900"));
    check(&host, &format!("{TCP} --conns 50000 --total-rate 901"), &["901 pages"]);
    check(&host, &format!("{TCP} --mode stream --conns 100"), &["65538 bytes under way", "1700 pages"]);
    check(&host, &format!("{TCP} --mode saturate --conns 1 --in-flight 65536 --payload 65535"), &["1024 pages"]);
    fine(&host, "--target unix:///x --mode saturate --conns 50000");
    fine(&Host { tcp_pages_max: None, ..host }, &format!("{TCP} --mode saturate --conns 50000"));
}

#[test]
fn mappings_are_those_of_threads() {
    let host = Host { maps_max: Some(100), ..HOST };
    fine(&host, &format!("{TCP} --mode hold --conns 100 --threads 17"));
    check(
        &host,
        &format!("{TCP} --mode hold --conns 100 --threads 18"),
        &["102 memory mappings", "vm.max_map_count=127"],
    );
}

#[test]
fn all_that_is_broken_is_said_at_once() {
    let host = Host { descriptors_max: Some(1_024), memory_bytes: Some(1 << 20), ..HOST };
    assert_eq!(found(&host, &format!("{TCP} --mode hold --conns 2000")).len(), 3);
}
