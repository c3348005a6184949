//! The page of a run of the standard profile: small enough to be sent around, and ready at once.

use std::path::Path;

use suite::analyse::analyse;
use suite::measure::Sessions;
use suite::record::{Cell, Transport};
use suite::report::{chart, page};

use crate::synthetic::{Synthetic, Truth, tcp};
use crate::tab::Tab;

/// The most that the page of a standard run may take.
const BYTES_MAX: usize = 2_000_000;

/// As many contenders as the tree may grow to have in one table, on the standard profile's cells and blocks.
const VARIANTS: [&str; 8] = [
    "compio/default",
    "glommio/default",
    "io-uring/default",
    "may/default",
    "mio/default",
    "monoio/default",
    "tokio/multi-thread",
    "tokio/per-core",
];

#[test]
fn the_page_of_a_standard_run_is_small() {
    let mut cells: Vec<Cell> = [16, 64, 256, 1024, 4096].map(|connections| tcp(connections, 64)).to_vec();
    cells.extend([1024, 4096, 16_384, 65_535].map(|payload| tcp(64, payload)));
    cells.push(tcp(1024, 16_384));
    for connections in [256, 1024] {
        cells.extend([1024, 4096, 65_535].map(|payload| tcp(connections, payload)));
    }
    for (transport, payload_bytes) in [(Transport::Unix, 64), (Transport::Unix, 16_384), (Transport::Udp, 64)] {
        cells.push(Cell { transport, connections: 64, payload_bytes });
    }
    let mut run = Synthetic::new(&VARIANTS, &cells, |variant, cell| {
        let cpu_ns = 8_000.0 + 500.0 * variant as f64 + f64::from(cell.payload_bytes);
        Truth { cpu_ns, p50_ns: cpu_ns * 4.0, rate_per_s: 0.9e9 / cpu_ns, user_bytes_per_connection: 2_500.0 }
    });
    run.detailed = true;
    let mut trials = run.trials();
    for trial in &mut trials {
        // Command lines as long as real ones, each with a port and a seed of its own.
        let target = format!("tcp://127.0.0.1:{}", 20_000 + trial.trial);
        let options =
            "--threads 1 --warmup 300ms --duration 1500ms --connect-rate 20000 --congestion reno --verify --hold";
        for command in &mut trial.commands {
            command.argv.extend(["--target", &target, "--seed", &(trial.trial * 7_919).to_string()].map(String::from));
            command.argv.extend(options.split(' ').map(String::from));
        }
        for load in &mut trial.loads {
            load.server.user_ns = load.server.cpu_ns / 4;
            load.server.system_ns = load.server.cpu_ns / 4 * 3;
        }
    }
    let analysis = analyse(&trials, &run.context);
    let charts: Vec<String> = chart::all(&analysis, &trials).into_iter().map(|chart| chart.svg).collect();
    let page = page::render(&analysis, &trials, &Sessions::default(), &charts);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("standard.html");
    std::fs::write(&path, &page).expect("the page can be written");
    eprintln!("{} bytes for {} trials", page.len(), trials.len());
    assert!(page.len() <= BYTES_MAX, "{} bytes", page.len());

    let Some(mut tab) = Tab::open() else { return };
    tab.load(&path, "");
    tab.wait_until(&format!("document.querySelectorAll('#values tbody tr').length === {}", VARIANTS.len()));
    // Told, not asserted: how long it takes is the machine's matter as well.
    let ready = tab.evaluate("Math.round(performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd)");
    eprintln!("ready for its reader {ready} ms after it was opened");
    assert_eq!(tab.complaints(), Vec::<String>::new());
}
