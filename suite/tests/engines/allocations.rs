//! Zero allocations per frame in steady state, by the engines' own counted allocator; where a framework makes
//! some, no more than `engine.toml` says.

use harness::manifest::Variant;

use crate::started::{Built, Connection, Started, variants};

const CONNECTIONS: usize = 4;
const ROUNDS: u64 = 250;
/// A runtime may grow a table when it pleases; what every frame costs shows in every attempt.
const ATTEMPTS: usize = 8;

/// What each connection sends in a round.
struct Request {
    bytes: Vec<u8>,
    reply_bytes: usize,
    /// Frames, or reads where a frame takes several: what the framework's allocations are counted by.
    units: u64,
}

fn requests() -> [Request; 5] {
    let frame = |kind: u8, payload: usize| {
        let mut bytes = vec![kind];
        bytes.extend((payload as u16).to_be_bytes());
        bytes.resize(3 + payload, 7);
        bytes
    };
    let batch = frame(0x02, 64).repeat(16);
    [
        Request { bytes: frame(0x01, 0), reply_bytes: 3, units: 1 },
        Request { bytes: frame(0x02, 64), reply_bytes: 67, units: 1 },
        Request { bytes: frame(0x03, 1000), reply_bytes: 3, units: 1 },
        Request { bytes: batch, reply_bytes: 16 * 67, units: 16 },
        // Longer than one read: it waits for its rest in a buffer of the connection.
        Request { bytes: frame(0x02, 40_000), reply_bytes: 40_003, units: 10 },
    ]
}

#[test]
fn a_frame_costs_no_allocation() {
    for (engine, variant) in variants() {
        for transport in engine.manifest.transports(variant).iter().filter(|name| *name != "udp") {
            check(engine, variant, transport, &[]);
            if engine.manifest.refusal(variant, "pool", "false").is_none() {
                check(engine, variant, transport, &["--pool", "false"]);
            }
        }
    }
}

fn check(engine: &Built, variant: &Variant, transport: &str, args: &[&str]) {
    let mut server = Started::new(engine, variant, transport, args);
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    for request in requests() {
        let what = format!("{}/{} over {transport} {args:?}", engine.manifest.name, variant.name);
        let units = ROUNDS * CONNECTIONS as u64 * request.units;
        let allowed = engine.manifest.allocates.iter().map(|one| u64::from(one.per_1000_frames_max)).sum::<u64>();
        let allowed = units * allowed / 1000;
        let mut fewest = u64::MAX;
        for _ in 0..ATTEMPTS {
            fewest = fewest.min(allocations(&mut server, &mut connections, &request));
            if fewest <= allowed {
                break;
            }
        }
        let what =
            format!("{what}: {fewest} allocations in {units} frames or reads, {} bytes a time", request.bytes.len());
        assert!(fewest <= allowed, "{what}; engine.toml declares {allowed}");
        println!("{what}");
    }
}

/// Allocations that the rounds cost beyond those of the snapshots themselves.
fn allocations(server: &mut Started, connections: &mut [Box<dyn Connection>], request: &Request) -> u64 {
    let mut round = || {
        // All at once, so that several connections are at work.
        for connection in &mut *connections {
            connection.write_all(&request.bytes).expect("the engine reads");
        }
        for connection in &mut *connections {
            connection.exchange(&[], request.reply_bytes);
        }
    };
    (0..ROUNDS / 10).for_each(|_| round());
    let first = server.snapshot().allocs_total;
    let before = server.snapshot().allocs_total;
    (0..ROUNDS).for_each(|_| round());
    let after = server.snapshot().allocs_total;
    (after - before).saturating_sub(before - first)
}
