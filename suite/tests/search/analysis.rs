//! Searches of several variants and blocks together: whose peak counts, whose is only a bound, whose is not used.

use suite::analyse::{Analysis, Context, Host, Status, VariantAsked, Verdict, analyse};
use suite::record::{Cell, SCHEMA, Transport, Trial};
use suite::search::{Irregular, Role, Search};

use super::servers::{OVERHEAD, Server, spec};

const CELL: Cell = Cell { transport: Transport::Tcp, connections: 64, payload_bytes: 64 };
const BLOCKS: u32 = 4;

fn context(variants: &[&str]) -> Context {
    let asked = |name: &&str| VariantAsked {
        engine: (*name).to_owned(),
        variant: "default".into(),
        version: None,
        absent: None,
    };
    Context {
        run: "run".into(),
        date: "2026-01-02".into(),
        experiment: "peak".into(),
        question: "How much?".into(),
        profile: "quick".into(),
        blocks_asked: BLOCKS,
        cells: vec![CELL],
        variants: variants.iter().map(asked).collect(),
        skips: Vec::new(),
        engines_known: variants.iter().map(|name| (*name).to_owned()).collect(),
        host: Host {
            name: "host".into(),
            kernel: "Linux".into(),
            cpu: "CPU".into(),
            cores: 2,
            memory_bytes: 1 << 30,
            loopback: true,
        },
        revision: "0".into(),
        dirty: false,
        debug: false,
        command: "suite run peak".into(),
        seed: 7,
        remarks: Vec::new(),
    }
}

fn trial(engine: &str, block: u32, server: Server) -> Trial {
    let spec = spec(0.05);
    let (steps, results) = server.search(&spec);
    let window_ms = 1000;
    let search = Search { spec, window_ms, overhead_ms: (OVERHEAD * window_ms as f64) as u64, steps, results };
    Trial {
        schema: SCHEMA,
        trial: block,
        block,
        experiment: "peak".into(),
        engine: engine.into(),
        variant: "default".into(),
        twin: false,
        cell: CELL,
        seed: 1,
        started_unix_ms: 0,
        elapsed_ms: 0,
        commands: Vec::new(),
        ready: None,
        memory: Vec::new(),
        loads: Vec::new(),
        search: Some(search),
        ladder: Vec::new(),
        drained: None,
        failure: None,
    }
}

/// Four variants: fast, slow, one that the client limits, one that tires.
fn analysis() -> Analysis {
    let mut trials = Vec::new();
    for block in 0..BLOCKS {
        // What a block has in common; the variants' ratio stays.
        let common = 1.0 + f64::from(block) / 200.0;
        trials.push(trial("fast", block, Server::new(1, move |_, _| 150_000.0 * common)));
        trials.push(trial("slow", block, Server::new(1, move |_, _| 90_000.0 * common)));
        trials.push(trial("hidden", block, Server::new(1, |_, _| 900_000.0).client(300_000.0)));
        trials.push(trial("tired", block, Server::new(1, |number, _| 200_000.0 * 0.99_f64.powi(number as i32))));
    }
    analyse(&trials, &context(&["fast", "slow", "hidden", "tired"]))
}

#[test]
fn peaks_are_compared_where_the_server_is_the_limit() {
    let analysis = analysis();
    let peaks = analysis.peaks.expect("there are searches");
    assert_eq!(peaks.goals.len(), 2);
    let lax = &peaks.goals[1];
    let entry = |variant: usize| &lax.table.rows[variant].entries[0];
    let statuses: Vec<Status> = (0..4).map(|variant| entry(variant).status).collect();
    assert_eq!(statuses, [Status::Measured, Status::Measured, Status::Bound, Status::Invalid]);
    for (variant, truth) in [(0, 150_000.0), (1, 90_000.0)] {
        let value = entry(variant).value.expect("measured");
        assert!((0.93..=1.02).contains(&(value / truth)), "{value} where {truth} is true");
        assert_eq!(entry(variant).blocks, BLOCKS);
        let bounds = &lax.bounds[variant][0];
        assert_eq!((bounds.blocks, bounds.regular), (BLOCKS, BLOCKS));
        assert!(bounds.lower_per_s.expect("a bound") < bounds.upper_per_s.expect("a bound"));
    }
    assert_eq!(lax.bounds[2][0].client_bound, BLOCKS);
    let tired = &lax.bounds[3][0].irregular;
    assert!(tired.contains_key(&Irregular::NotRepeated) || tired.contains_key(&Irregular::Inversion), "{tired:?}");
    // While one is only a bound, and beyond the others, nobody is called the best.
    assert_eq!(entry(0).standing.expect("compared").verdict, Verdict::Undetermined);
}

#[test]
fn every_step_is_a_point_of_the_curve() {
    let peaks = analysis().peaks.expect("there are searches");
    assert_eq!(peaks.curves.iter().map(|curve| curve.variant).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let fast = &peaks.curves[0];
    assert!(fast.points.is_sorted_by_key(|point| point.rate_per_s));
    assert!(fast.points.iter().any(|point| point.role == Role::Coarse));
    for point in &fast.points {
        assert_eq!(point.loss_ratios.len(), 2);
        assert!(point.loss_ratios[0] >= point.loss_ratios[1], "a stricter goal loses more: {point:?}");
    }
    assert!(peaks.at_rates.is_empty(), "there is no second phase");
}
