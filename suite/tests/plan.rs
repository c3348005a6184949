//! Plans: what the trials of a plan must be, whatever the experiment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use harness::manifest::Manifest;
use proptest::prelude::*;
use suite::catalog::{Choice, Engine};
use suite::experiment::{self, Experiment};
use suite::plan::{CpuSplit, HostLimits, HostShape, Occasion, Plan, estimate_ms, trials};
use suite::record::{Cell, Transport};

fn engines(count: usize) -> Vec<Engine> {
    let engine = |index: usize| {
        let transports = if index.is_multiple_of(2) { r#"["tcp", "unix", "udp"]"# } else { r#"["tcp", "unix"]"# };
        let text = format!(
            "name = \"e{index}\"\nframework = \"f\"\nline = \"\"\ntransports = {transports}\n\
             unsupported = {{ udp = \"no datagrams\" }}\n[[variant]]\nname = \"v\"\nline = \"\"\n"
        );
        Engine { folder: "nowhere".into(), manifest: Manifest::parse(&text).expect("a manifest") }
    };
    (0..count).map(engine).collect()
}

fn plan(name: &str, profile: &str, engine_count: usize, seed: u64) -> Plan {
    plan_on(name, profile, engine_count, seed, HostLimits::default())
}

fn plan_on(name: &str, profile: &str, engine_count: usize, seed: u64, limits: HostLimits) -> Plan {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let (name, experiment): (String, Experiment) = experiment::find(root, name).expect("an experiment");
    let engines = engines(engine_count);
    let chosen: Vec<Choice> = (0..engine_count).map(|engine| Choice { engine, variant: 0 }).collect();
    let host = HostShape { cpus: CpuSplit { server: vec![0], client: vec![1] }, open_files_max: 20_000, limits };
    let occasion = Occasion {
        date: "2026-01-02".into(),
        command: "suite run".into(),
        seed,
        revision: None,
        dirty: false,
        cargo_profile: "release".into(),
    };
    Plan::draft((&name, &experiment), profile, &engines, &chosen, host, occasion).expect("a plan")
}

proptest! {
    #[test]
    fn every_block_is_complete_and_fair(seed in 0_u64..1 << 53, engine_count in 1_usize..7) {
        let plan = plan("crossover", "quick", engine_count, seed);
        let all = trials(&plan);
        prop_assert_eq!(&all, &trials(&plan), "the same plan gives the same trials");
        let numbers: Vec<u32> = all.iter().map(|trial| trial.trial).collect();
        prop_assert_eq!(numbers, (0..all.len() as u32).collect::<Vec<_>>());
        for block in 0..plan.timing.blocks {
            let mut seeds: BTreeMap<Cell, BTreeSet<u64>> = BTreeMap::new();
            let mut seen: BTreeMap<(Cell, usize, bool), u32> = BTreeMap::new();
            for trial in all.iter().filter(|trial| trial.block == block) {
                seeds.entry(trial.cell).or_default().insert(trial.seed);
                *seen.entry((trial.cell, trial.variant, trial.twin)).or_default() += 1;
            }
            prop_assert!(seen.values().all(|count| *count == 1), "each trial once");
            prop_assert!(seeds.values().all(|seeds| seeds.len() == 1), "one seed a cell");
            for cell in &plan.cell {
                for (index, variant) in plan.variant.iter().enumerate() {
                    let able = variant.transports.contains(&cell.transport);
                    prop_assert_eq!(seen.contains_key(&(*cell, index, false)), able);
                }
            }
            let twins: Vec<_> = seen.keys().filter(|(_, _, twin)| *twin).collect();
            prop_assert_eq!(twins.len(), plan.twin.len(), "one A/A pair in each twin cell");
            prop_assert!(twins.iter().all(|(cell, ..)| plan.twin.contains(cell)));
        }
    }
}

#[test]
fn the_order_follows_the_seed() {
    let order = |seed| trials(&plan("crossover", "quick", 5, seed));
    assert_ne!(order(1), order(2));
    let blocks = order(1);
    let cells = |block| blocks.iter().filter(|t| t.block == block).map(|t| (t.cell, t.variant)).collect::<Vec<_>>();
    assert_ne!(cells(0), cells(1), "blocks are shuffled on their own");
}

#[test]
fn what_is_left_out_has_a_reason() {
    let plan = plan("crossover", "quick", 2, 1);
    let absent: Vec<_> = plan.absent.iter().map(|a| (a.engine.as_str(), a.transport, a.reason.as_str())).collect();
    assert_eq!(absent, [("e1", Some(Transport::Udp), "no datagrams")]);
}

/// What does not fit is said before anything starts, cell by cell, and everything else is run.
#[test]
fn counts_that_do_not_fit_are_left_out_with_their_reason() {
    let limits = HostLimits { memory_available_bytes: 2_000_000_000, ..HostLimits::default() };
    let plan = plan_on("fleet", "full", 2, 1, limits);
    let absent: BTreeSet<_> = plan.absent.iter().map(|absent| (absent.engine.as_str(), absent.connections)).collect();
    let expected = ["e0", "e1"].map(|engine| [300_000, 1_000_000].map(|count| (engine, Some(count)))).concat();
    assert_eq!(absent, expected.into_iter().collect());
    assert!(plan.absent.iter().all(|absent| absent.reason.contains("MB of memory")), "{:?}", plan.absent);
    let counts: BTreeSet<u32> = trials(&plan).iter().map(|trial| trial.cell.connections).collect();
    assert_eq!(counts, BTreeSet::from([10_000, 30_000, 100_000]));
}

#[test]
fn a_plan_survives_its_file() {
    let mut plan = plan("crossover", "full", 3, (1 << 53) - 1);
    plan.seal("c0ffee".into(), |engine| (engine == "e0").then(|| "ab".into()));
    let text = toml::to_string(&plan).expect("it encodes");
    assert_eq!(toml::from_str::<Plan>(&text).expect("it decodes"), plan);
}

#[test]
fn processes_follow_the_limit_on_open_files() {
    let plan = plan("crossover", "quick", 1, 1);
    assert_eq!(plan.processes(4096), 1);
    assert_eq!(plan.processes(19_744), 1);
    assert_eq!(plan.processes(19_745), 2);
    assert_eq!(plan.processes(1_000_000), 51);
}

/// The promise of the README, as far as arithmetic goes: five variants within six minutes.
#[test]
fn the_quick_profile_fits_into_six_minutes() {
    let plan = plan("crossover", "quick", 5, 1);
    assert!(plan.timing.blocks >= 3);
    assert!(estimate_ms(&plan) < 6 * 60 * 1000, "{} ms", estimate_ms(&plan));
    let counts: BTreeSet<u32> = plan.cell.iter().filter(|c| c.payload_bytes == 64).map(|c| c.connections).collect();
    assert!(counts.len() >= 5, "a slope of memory needs five counts");
}

#[test]
fn the_suites_own_experiments_are_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let known = experiment::known(root);
    assert!(known.contains(&"crossover".to_owned()) && known.contains(&"seam".to_owned()));
    for name in known {
        experiment::find(root, &name).expect("a sound experiment");
    }
}

/// The plan within a budget, and what it cost.
fn within(minutes: u64, profile: &str, engine_count: usize, spend: bool) -> anyhow::Result<Plan> {
    let mut plan = plan("crossover", profile, engine_count, 1);
    plan.fit(minutes * 60_000, spend).map(|()| plan)
}

#[test]
fn a_budget_is_kept_and_says_what_it_cost() {
    for engine_count in [2, 6, 12, 24] {
        for minutes in [6, 20, 45, 240] {
            let Ok(plan) = within(minutes, "standard", engine_count, true) else { continue };
            let name = format!("{engine_count} engines, {minutes} minutes: {:?}", plan.given_up);
            assert!(estimate_ms(&plan) <= minutes * 60_000, "{name}");
            assert!(plan.timing.blocks >= 3, "{name}");
            let full = self::plan("crossover", "standard", engine_count, 1);
            let lost = full.cell.len() - plan.cell.len();
            let blocks = usize::from(plan.timing.blocks < full.timing.blocks);
            assert_eq!(plan.given_up.len(), lost + blocks, "everything that is given up is named: {name}");
            assert!(plan.twin.iter().all(|twin| plan.cell.contains(twin)), "the noise floor stays: {name}");
        }
    }
}

#[test]
fn a_budget_buys_blocks_before_cells_and_cells_go_the_least_telling_first() {
    let ample = within(600, "standard", 2, true).expect("ample");
    assert_eq!(ample.given_up, Vec::<String>::new());
    assert!(ample.timing.blocks > 6, "time that is left buys blocks");
    assert_eq!(within(600, "standard", 2, false).expect("ample").timing.blocks, 6, "unless nobody gave it");
    let full = plan("crossover", "standard", 6, 1);
    let tight = within(15, "standard", 6, true).expect("enough for the main lines");
    assert!(tight.cell.len() < full.cell.len() && tight.timing.blocks == 6, "{:?}", tight.given_up);
    let line: Vec<u32> = tight.cell.iter().filter(|c| c.payload_bytes == 64).map(|c| c.connections).collect();
    assert!([16, 64, 4096].iter().all(|count| line.contains(count)), "the main line keeps its ends: {:?}", tight.cell);
    let error = within(1, "standard", 24, true).expect_err("a minute for 24 engines").to_string();
    assert!(error.contains("minutes would do"), "{error}");
}

#[test]
fn bisection_keeps_a_share_of_the_budget_and_changes_no_planned_trial() {
    let mut plan = plan("crossover", "standard", 4, 1);
    plan.bisect_ms = Some(0);
    plan.fit(30 * 60_000, true).expect("half an hour");
    let kept = plan.bisect_ms.expect("bisection stays on");
    assert!(kept >= 9 * 60_000 && estimate_ms(&plan) + kept <= 30 * 60_000, "{kept}");
    let before = trials(&plan);
    let added = Cell { transport: Transport::Tcp, connections: 128, payload_bytes: 64 };
    plan.extension.push(suite::plan::Extension { cell: vec![added] });
    let after = trials(&plan);
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(after.len() - before.len(), 4 * plan.timing.blocks as usize);
    assert!(after[before.len()..].iter().all(|trial| trial.cell == added && !trial.twin));
    assert_eq!(after.iter().map(|t| t.trial).collect::<BTreeSet<u32>>().len(), after.len());
}
