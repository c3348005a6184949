//! Bulk data: every byte is framed, sent once, acknowledged and counted, from every source.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread::{self, JoinHandle};

use loadclient::report::{Report, Stream};
use protocol::{Limits, ProtocolError, Session};

use crate::client::{refused, report};
use crate::server::{Script, Server};

fn stream(report: &Report) -> &Stream {
    report.stream.as_ref().expect("the mode has its section")
}

/// What one connection brought: payload bytes by the frames' own lengths, and how its input ended.
#[derive(Debug, Default)]
struct Got {
    streams: u64,
    payload: Vec<u8>,
    cut: bool,
}

/// Serves `conns` connections to their ends, and keeps all payload that comes in CHUNKs and SINKs.
fn keeping_server(conns: usize) -> (String, JoinHandle<Vec<Got>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let addr = listener.local_addr().expect("it is bound");
    let served = thread::spawn(move || {
        let serve = |stream: std::net::TcpStream| thread::spawn(move || keep(stream));
        let all: Vec<_> = listener.incoming().take(conns).map(|stream| serve(stream.expect("accepted"))).collect();
        all.into_iter().map(|one| one.join().expect("the client speaks the protocol")).collect()
    });
    (format!("tcp://{addr}"), served)
}

fn keep(mut socket: std::net::TcpStream) -> Got {
    let limits = Limits { max_frame_bytes: 65535, write_queue_bytes: 0, readbuf_bytes: 65536, pool: true };
    let mut session = Session::new(&limits);
    let (mut got, mut input, mut piece) = (Got::default(), Vec::new(), vec![0; 65536]);
    loop {
        let n = socket.read(&mut piece).unwrap_or(0);
        if n == 0 {
            got.cut = !input.is_empty() || session.end(0).is_err();
            return got;
        }
        input.extend_from_slice(&piece[..n]);
        let (mut used, mut output) = (0, Vec::new());
        while let Ok(Some(frame)) = protocol::split(&input[used..], limits.max_frame_bytes) {
            match frame.kind {
                0x04 => got.streams += 1,
                0x03 | 0x05 => got.payload.extend_from_slice(frame.payload),
                other => panic!("a frame of type {other:#x}"),
            }
            let bytes = frame.wire_bytes();
            let answered: Result<usize, ProtocolError> = session.receive(&input[used..used + bytes], &mut output);
            assert_eq!(answered, Ok(bytes));
            used += bytes;
        }
        input.drain(..used);
        if socket.write_all(&output).is_err() {
            got.cut = true;
            return got;
        }
    }
}

fn file(folder: &Path, bytes: usize) -> (String, Vec<u8>) {
    let content: Vec<u8> = (0..bytes as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let path = folder.join("input");
    std::fs::write(&path, &content).expect("the folder is ours");
    (path.display().to_string(), content)
}

/// Streams of 150 000 bytes in chunks of 4 000, out of a file of 99 999: frames straddle the file's end, and the last
/// chunk of each stream is shorter. What arrives is the file over and over, to the byte.
#[test]
fn every_source_sends_its_bytes_once_and_in_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, content) = file(folder.path(), 99_999);
    for how in ["copy", "sendfile", "splice", "memory"] {
        let source = if how == "memory" { how.to_owned() } else { format!("{how}:{path}") };
        for bulk in ["stream", "sink"] {
            let (target, served) = keeping_server(2);
            let line = format!(
                "--target {target} --mode stream --bulk {bulk} --conns 2 --stream-bytes 150000 --chunk 4000 \
                 --source {source} --warmup 0s --duration 200ms --grace 10s"
            );
            let report = report(&line, 0);
            let got = served.join().expect("the server's checks hold");
            assert!(report.errors.is_empty(), "{source}: {:?}", report.errors);
            let section = stream(&report);
            assert_eq!((section.streams_unfinished, report.frames_unanswered), (0, 0), "{source}");
            assert!(section.bytes_acked > 0 && section.cpu_ns_per_byte.is_some(), "{source}: {section:?}");
            assert_eq!(section.bytes_acked_by_second.iter().sum::<u64>(), section.bytes_acked);
            let all: u64 = got.iter().map(|one| one.payload.len() as u64).sum();
            // What is acknowledged after the window is finished, and not counted.
            assert!(section.bytes_acked <= all, "{source}");
            for one in &got {
                assert!(!one.cut && one.payload.len() % 150_000 == 0, "{source}: {} bytes", one.payload.len());
                assert_eq!(one.streams, if bulk == "sink" { 0 } else { one.payload.len() as u64 / 150_000 });
                let same = one.payload.chunks(content.len()).all(|part| part == &content[..part.len()]);
                assert!(same || how == "memory", "{source} {bulk}: other bytes than the file's");
            }
        }
    }
}

#[test]
fn unix_sockets_take_every_source() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, _) = file(folder.path(), 70_000);
    let server = Server::unix(&folder.path().join("socket"), Script::Echo);
    for source in ["memory".to_owned(), format!("copy:{path}"), format!("sendfile:{path}"), format!("splice:{path}")] {
        let line = format!(
            "--target {} --mode stream --conns 2 --stream-bytes 1MiB --source {source} --warmup 0s --duration 100ms --grace 10s",
            server.target
        );
        let report = report(&line, 0);
        assert!(report.errors.is_empty(), "{source}: {:?}", report.errors);
        assert!(stream(&report).bytes_acked > 0 && stream(&report).streams_unfinished == 0, "{source}");
    }
}

#[test]
fn what_goes_wrong_has_its_name() {
    let check = |script, kind: &str, exit| {
        let server = Server::tcp(script);
        let line =
            format!("--target {} --mode stream --conns 2 --warmup 0s --duration 300ms --grace 300ms", server.target);
        let report = report(&line, exit);
        assert_eq!(report.errors.get(kind), Some(&2), "{script:?}: {:?}", report.errors);
        assert_eq!(report.conns_live, 0);
        assert!(stream(&report).streams_unfinished >= 2, "{script:?}");
        report
    };
    // The header's reply and nine chunks' are good, the tenth's is not.
    let wrong = check(Script::WrongAck(10), "wrong_kind", 1);
    assert_eq!(wrong.frames_wrong, 2);
    assert_eq!(stream(&wrong).bytes_acked, 2 * 9 * 65_535);
    // Input is left unread: the server's end is its last words, or a reset that overtook them.
    for (script, last_words) in [(Script::Refuse, "refused_5"), (Script::Close(5), "eof")] {
        let server = Server::tcp(script);
        let line =
            format!("--target {} --mode stream --conns 2 --warmup 0s --duration 300ms --grace 300ms", server.target);
        let early = report(&line, 1);
        let ends = [last_words, "reset", "broken_pipe"].iter().filter_map(|kind| early.errors.get(*kind)).sum::<u64>();
        assert_eq!(ends, 2, "{:?}", early.errors);
    }
}

/// A server that acknowledges the first ten frames only: the socket is full, nothing is forgiven.
#[test]
fn a_stalled_server_leaves_streams_unfinished() {
    let server = Server::tcp(Script::AnswerOnly(10));
    let line = format!(
        "--target {} --mode stream --conns 3 --stream-bytes 8MiB --warmup 0s --duration 300ms --grace 200ms",
        server.target
    );
    let report = report(&line, 0);
    assert_eq!(stream(&report).streams_finished, 0);
    assert_eq!(stream(&report).bytes_acked, 3 * 9 * 65_535);
    assert!(stream(&report).streams_unfinished >= 3 && report.frames_unanswered > 0);
    assert!(report.gates.iter().any(|gate| gate.gate == "unfinished"), "{:?}", report.gates);
}

#[test]
fn a_source_must_be_a_file_with_something_in_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").expect("the folder is ours");
    let line = |source: String| format!("--target tcp://127.0.0.1:9 --mode stream --conns 1 --source {source}");
    refused(&line(format!("copy:{}", empty.display())), "is empty");
    refused(&line("sendfile:/nonexistent".into()), "/nonexistent");
    refused(&line(format!("splice:{}", folder.path().display())), "no regular file");
}
