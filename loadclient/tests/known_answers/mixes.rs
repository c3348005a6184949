//! Mixed payloads: every length is verified, in every mode and transport, and what was drawn is told and the same for all.

use loadclient::report::{PayloadMix, Report};

use crate::client::{refused, report};
use crate::server::{DatagramScript, Script, Server};

const MIX: &str = "--payload 8:50%,100-200:40%,20000-65536:10%";

fn mix(report: &Report) -> &PayloadMix {
    report.payload.as_ref().expect("payloads are mixed")
}

fn check(report: &Report) {
    assert_eq!((report.frames_wrong, report.frames_unanswered), (0, 0), "{}", report.mode);
    assert!(report.errors.is_empty(), "{}: {:?}", report.mode, report.errors);
    let mix = mix(report);
    assert_eq!(mix.text, "8:50%,100-200:40%,20000-65535:10%");
    assert_eq!(mix.parts.iter().map(|part| part.frames).collect::<Vec<_>>().len(), 3);
    for part in &mix.parts {
        let mean = part.bytes as f64 / part.frames as f64;
        assert!((f64::from(part.bytes_min)..=f64::from(part.bytes_max)).contains(&mean), "{part:?}");
    }
    assert_eq!(mix.parts[0].bytes, 8 * mix.parts[0].frames);
    // 0.5 × 8 + 0.4 × 150 + 0.1 × 42 767.5
    assert_eq!(report.payload_bytes, 4341);
}

#[test]
fn every_frame_mode_verifies_every_length() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let servers = [Server::tcp(Script::Echo), Server::unix(&folder.path().join("socket"), Script::Echo)];
    let modes = [
        "--conns 5 --total-rate 2000",
        "--conns 5 --total-rate 2000 --in-flight 2",
        "--mode saturate --conns 3 --in-flight 8",
        "--mode hold --conns 100 --heartbeat 100ms",
        "--mode churn --total-rate 500 --frames 3",
        "--mode slow-reader --conns 5 --rate 100 --read-rate 1GiB",
    ];
    for server in &servers {
        for mode in modes {
            let line =
                format!("--target {} {mode} {MIX} --verify --warmup 0s --duration 200ms --grace 10s", server.target);
            check(&report(&line, 0));
        }
    }
}

/// Frames of mixed lengths cut by full sockets: what was written whole, what was not, and what was answered still
/// add up, and the rest is verified when the server reads on.
#[test]
fn full_sockets_cut_frames_of_any_length() {
    let server = Server::tcp(Script::Delay(std::time::Duration::from_millis(20)));
    let line = format!(
        "--target {} --conns 2 --total-rate 3000 {MIX} --verify --warmup 0s --duration 500ms --grace 20s",
        server.target
    );
    let all = report(&line, 0);
    check(&all);
    assert_eq!(all.frames_ok, all.frames_intended);
    // The grace time over before the server has read: nothing is counted twice or lost.
    let server = Server::tcp(Script::AnswerOnly(50));
    let line = format!(
        "--target {} --conns 2 --total-rate 3000 {MIX} --verify --warmup 0s --duration 300ms --grace 0s",
        server.target
    );
    let cut = report(&line, 0);
    assert_eq!(cut.frames_intended, cut.frames_ok + cut.frames_unsent + cut.frames_unanswered);
    assert!(cut.frames_wrong == 0 && cut.frames_unanswered > 0);
}

/// A closed loop is not needed for this: in an open one the same seed makes the same requests, however they are timed.
#[test]
fn the_same_seed_draws_the_same_for_every_server() {
    let drawn = |script, seed: u32| {
        let server = Server::tcp(script);
        let line = format!(
            "--target {} --conns 4 --total-rate 1000 --schedule fixed {MIX} --seed {seed} --warmup 0s --duration 500ms --grace 10s",
            server.target
        );
        // By what is encoded in the window: the last few may be encoded after it.
        mix(&report(&line, 0)).parts.iter().map(|part| part.frames).collect::<Vec<_>>()
    };
    let [fast, slow, other] =
        [(Script::Echo, 1), (Script::Delay(std::time::Duration::from_millis(3)), 1), (Script::Echo, 2)]
            .map(|(script, seed)| drawn(script, seed));
    let apart = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).sum::<u64>();
    // A busy host may leave the last of them to the time after the window; their shares stay.
    assert!(apart(&fast, &slow) <= 100, "{fast:?} {slow:?}");
    assert!(other != fast, "{other:?}");
}

#[test]
fn wrong_bytes_are_found_at_any_length() {
    let server = Server::tcp(Script::WrongByte(20));
    let line =
        format!("--target {} --conns 2 --total-rate 500 {MIX} --verify --warmup 0s --duration 500ms", server.target);
    let found = report(&line, 1);
    // Payloads of 8 bytes are all stamp.
    let kinds = ["wrong_content", "wrong_sequence"].iter().filter_map(|kind| found.errors.get(*kind)).sum::<u64>();
    assert_eq!((kinds, found.frames_wrong), (2, 2), "{:?}", found.errors);
}

#[test]
fn datagrams_are_mixed_too() {
    let server = Server::udp(DatagramScript::Echo);
    let line =
        "--conns 4 --total-rate 300 --payload 8:50%,100-1000:50% --verify --warmup 0s --duration 300ms --timeout 1m";
    let mixed = report(&format!("--target {} {line}", server.target), 0);
    assert!(mixed.errors.is_empty() && mixed.frames_wrong == 0, "{:?}", mixed.errors);
    assert_eq!(mixed.frames_ok, mixed.frames_intended);
    refused("--target udp://127.0.0.1:9 --conns 1 --rate 1 --payload 0:50%,100:50%", "at least 8");
}

#[test]
fn a_mix_that_is_none_is_refused_with_its_fix() {
    let line = |mix: &str| format!("--target tcp://127.0.0.1:9 --conns 1 --rate 1 --payload {mix}");
    refused(&line("64:90%,128:5%"), "95 %, not to 100 %");
    refused(&line("64,128"), "has no share");
    refused(&line("64:50%,70000:50%"), "70000");
}

#[test]
fn mixes_merge_if_they_are_the_same() {
    let server = Server::tcp(Script::Echo);
    let of = |payload: &str| {
        let line = format!("--target {} --conns 2 --total-rate 200 --warmup 0s --duration 200ms", server.target);
        report(&format!("{line} --payload {payload}"), 0)
    };
    let [a, b, c] = ["8:50%,16:50%", "8:50%,16:50%", "8:60%,16:40%"].map(of);
    let both = Report::merge(&[a.clone(), b.clone()]).expect("the same load");
    assert_eq!(mix(&both).parts[0].frames, mix(&a).parts[0].frames + mix(&b).parts[0].frames);
    assert!(Report::merge(&[a, c]).is_err());
}
