//! Bisection on synthetic runs: it closes in on a planted crossover, stops there, and comes to the same after a resumption.

use std::path::Path;

use suite::analyse::{Along, Lead, Lines, Metric, Resampler, Samples, bisect};
use suite::catalog::{Choice, Engine};
use suite::conclude::Run;
use suite::experiment;
use suite::extend::extension;
use suite::measure::Sessions;
use suite::plan::{CpuSplit, HostLimits, HostShape, Occasion, Plan};

use crate::synthetic::{Synthetic, Truth, tcp};

const PAIR: [&str; 2] = ["mio/default", "tokio/per-core"];

/// The first is ahead up to 200 connections.
fn run(noise: f64) -> Synthetic {
    let cells = [16, 64, 256, 1024, 4096].map(|connections| tcp(connections, 64));
    let truth = |variant, cell: suite::record::Cell| Truth {
        cpu_ns: if variant == 0 { 1e4 * (f64::from(cell.connections) / 200.0).powf(0.12) } else { 1e4 },
        ..Truth::default()
    };
    Synthetic::new(&PAIR, &cells, truth).blocks(10).noise(noise)
}

#[test]
fn bisection_closes_in_on_the_crossover_and_ends() {
    let mut run = run(0.02);
    let mut rounds = 0;
    loop {
        let asked = bisect(&run.trials(), &run.context);
        if asked.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds <= 6, "it asks for {asked:?} after {:?}", run.context.cells);
        assert!(asked.iter().all(|cell| !run.context.cells.contains(cell)), "never what exists");
        run.context.cells.extend(asked);
    }
    assert!(rounds >= 1, "64 and 256 are too far apart to leave it at that");
    let samples = Samples::collect(Metric::ServerCpuOpen, &run.trials(), &run.context);
    let lines = Lines::of(
        Metric::ServerCpuOpen,
        Along::Connections,
        &samples,
        &run.context,
        &mut Resampler::new(run.context.seed),
    );
    let lines = lines.expect("a line");
    let Lead::Crossings(crossings) = &lines.pairs[0].findings[0].lead else { panic!("{lines:?}") };
    let placed = crossings[0].interval.hi / crossings[0].interval.lo;
    let xs = &lines.lines[0].xs;
    let around = xs.windows(2).find(|pair| f64::from(pair[1]) > crossings[0].at).expect("it lies between two points");
    let apart = f64::from(around[1]) / f64::from(around[0]);
    assert!(apart <= 2.01 && (placed < 1.25 || apart < 1.25), "{crossings:?} with {xs:?}");
}

fn planned(run: &Synthetic, bisect_ms: Option<u64>) -> Run {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let (_, experiment) = experiment::find(root, "crossover").expect("an experiment");
    let engine = |name: &str| {
        let (engine, variant) = name.split_once('/').expect("engine/variant");
        let text = format!(
            "name = \"{engine}\"\nframework = \"f\"\nline = \"\"\ntransports = [\"tcp\"]\n[[variant]]\nname = \"{variant}\"\nline = \"\"\n"
        );
        Engine { folder: "nowhere".into(), manifest: harness::manifest::Manifest::parse(&text).expect("a manifest") }
    };
    let chosen: Vec<Choice> = (0..2).map(|engine| Choice { engine, variant: 0 }).collect();
    let host = HostShape {
        cpus: CpuSplit { server: vec![0], client: vec![1] },
        open_files_max: 20_000,
        limits: HostLimits::default(),
    };
    let occasion = Occasion {
        date: String::new(),
        command: String::new(),
        seed: 7,
        revision: None,
        dirty: false,
        cargo_profile: "release".into(),
    };
    let engines = PAIR.map(engine);
    let plan = Plan::draft(("crossover", &experiment), "standard", &engines, &chosen, host, occasion);
    let mut plan = plan.expect("a plan");
    plan.timing.blocks = run.context.blocks_asked;
    plan.cell.clone_from(&run.context.cells);
    plan.bisect_ms = bisect_ms;
    Run { plan, sessions: Sessions::default(), trials: run.trials(), warning: None }
}

#[test]
fn an_extension_stays_within_its_time_and_follows_from_plan_and_records() {
    let run = run(0.03);
    let hour = Some(3_600_000);
    let first = extension(&planned(&run, hour)).expect("a wide interval asks for more");
    assert_eq!(extension(&planned(&run, hour)), Some(first.clone()), "the same records ask for the same");
    assert_eq!(extension(&planned(&run, None)), None, "off");
    assert_eq!(extension(&planned(&run, Some(1_000))), None, "no time for ten blocks");
    let mut used = planned(&run, hour);
    used.plan.extension = vec![first.clone(); 1_000];
    assert_eq!(extension(&used), None, "used up");
    assert_eq!(first.cell[0], tcp(128, 64), "half way between 64 and 256, in ln x");
}
