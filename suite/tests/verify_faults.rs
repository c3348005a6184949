//! No case is a test that cannot fail: each is shown an engine with the fault that it is there to catch.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use harness::manifest::Manifest;
use suite::verify::{Options, Selection, Target, Verdict, cases, verify};

/// Faults, and the cases that must catch them.
const CATCHES: &[(&str, &[&str])] = &[
    (
        "wrong-bytes",
        &[
            "ping",
            "echo",
            "echo-empty",
            "sink",
            "longest-frames",
            "byte-by-byte",
            "ten-in-one-write",
            "thousand-in-one-write",
            "every-boundary",
            "odd-readbufs",
            "random-cuts",
            "order",
            "many-connections",
            "kept-buffers",
            "one-worker",
            "delayed-writes",
            "stream",
            "stream-interleaved",
            "stream-small-chunks",
            "write-queue-1",
            "write-queue-0",
            "all-transports",
            "udp-frames",
            "udp-largest",
            "udp-errors",
            "udp-junk",
            "udp-no-state",
            "udp-many",
        ],
    ),
    (
        "no-errors",
        &[
            "error-1",
            "error-2",
            "error-3",
            "error-4",
            "error-6",
            "error-is-last",
            "error-byte-by-byte",
            "error-stays-alone",
        ],
    ),
    ("drops-crumbs", &["byte-by-byte", "error-byte-by-byte"]),
    ("abrupt", &["half-close", "half-close-bulk"]),
    (
        "leaks",
        &[
            "close",
            "end-in-header",
            "end-in-frame",
            "end-in-stream",
            "reset-in-frame",
            "reset-with-replies",
            "idle-timeout",
            "connect-storm",
            "memory-given-back",
            "drain-idle",
            "drain-answers",
            "drain-partial-frame",
            "drain-accept-queue",
        ],
    ),
    ("impatient", &["no-idle-timeout"]),
    ("hoards", &["stream-bulk", "no-allocation-per-frame", "no-buffer-while-idle"]),
    ("trusting", &["oversize-flood", "announced-length"]),
    ("greedy", &["backpressure"]),
    ("spins", &["descriptors-exhausted"]),
    ("stalls", &["neighbours-latency"]),
    ("cuts", &["drain-under-load", "drain-slow-readers"]),
    (
        "no-limits",
        &[
            "error-2",
            "idle-timeout",
            "max-conns",
            "max-conns-flood",
            "slow-loris",
            "write-timeout",
            "slow-reader",
            "drain-forced",
        ],
    ),
    (
        "lies",
        &["ready-line", "options-in-effect", "buffers-in-effect", "snapshot-adds-up", "unknown-command", "drain-idle"],
    ),
    (
        "immortal",
        &[
            "sigterm",
            "sigint",
            "stdin-end",
            "parent-killed",
            "address-in-use",
            "unknown-option",
            "bad-value",
            "unsupported-refused",
            "udp-drain",
            "drain-idle",
        ],
    ),
];

fn target(variant: &str) -> Target {
    let manifest = Manifest::parse(include_str!("faulty_engine/engine.toml")).expect("valid");
    Target { binary: PathBuf::from(env!("CARGO_BIN_EXE_faulty-engine")), manifest, variants: vec![variant.to_owned()] }
}

#[test]
fn an_engine_without_a_fault_passes_every_case() {
    let outcome = verify(&[target("sound")], &Options::quick(), &|_| {});
    assert!(outcome.findings.iter().all(|finding| finding.verdict == Verdict::Pass), "{}", outcome.terminal());
}

#[test]
fn every_fault_is_caught_by_the_cases_meant_for_it() {
    let mut unnoticed = Vec::new();
    for (fault, expected) in CATCHES {
        let selection = Selection::Named(expected.iter().map(|name| (*name).to_owned()).collect());
        // What fails by waiting need not wait long.
        let patience = Duration::from_millis(1500);
        let options = Options { selection, patience, jobs: 12, ..Options::quick() };
        let outcome = verify(&[target(fault)], &options, &|_| {});
        for name in *expected {
            let verdicts: Vec<_> = outcome.findings.iter().filter(|finding| finding.case == *name).collect();
            assert!(!verdicts.is_empty(), "there is no case {name}");
            for finding in verdicts {
                if !matches!(finding.verdict, Verdict::Fail(_) | Verdict::Measured(_)) {
                    unnoticed.push(format!("{fault} by {name} over {}: {:?}", finding.transport, finding.verdict));
                }
            }
        }
    }
    assert!(unnoticed.is_empty(), "not noticed:\n{}", unnoticed.join("\n"));
}

#[test]
fn every_case_has_a_fault_to_catch() {
    let caught: BTreeSet<&str> = CATCHES.iter().flat_map(|(_, cases)| cases.iter().copied()).collect();
    let all: BTreeSet<&str> = cases().map(|case| case.name).collect();
    assert_eq!(all, caught);
}
