//! A peak search through real sockets: its steps, what follows from them, and what is said of them.

use suite::conclude::Run;
use suite::plan::{rungs, trials};
use suite::record::{RateOf, RunFolder};
use suite::search::{Decision, Irregular, Role, decide};

use super::stage::{Stage, expect, text};

#[test]
fn a_search_is_driven_recorded_and_followed_up() {
    let stage = Stage::new();
    let output = expect(&mut stage.run("peak.toml", "fake"), 0);
    let run = Run::load(&RunFolder::open(&stage.run_folder()).expect("a run")).expect("readable");
    assert_eq!(run.trials.len(), 4, "a variant and its twin, in two phases");

    let mut steps_all = 0;
    for trial in &run.trials[..2] {
        assert_eq!((&trial.failure, trial.loads.len(), trial.ladder.len()), (&None, 0, 0));
        let search = trial.search.as_ref().expect("the first phase searches");
        let overhead = search.overhead_ms as f64 / search.window_ms as f64;
        for (number, step) in search.steps.iter().enumerate() {
            let next = decide(&search.spec, &search.steps[..number], overhead);
            assert_eq!(next, Decision::Measure(step.ask), "a record replays to the very same steps");
            let due = step.seen.rate_intended_per_s * step.seen.duration_ns as f64 / 1e9;
            assert!(step.losses.iter().all(|loss| (loss.due as f64 - due).abs() < 0.5), "{step:?}");
            assert_eq!(step.losses[0].lost, step.losses[0].due, "no frame is back within a microsecond");
            assert_eq!(step.losses[1].lost, 0, "and none takes a minute: {step:?}");
            assert!(step.seen.server_frames > 0 && step.seen.server_cpu_ns > 0);
            assert_eq!(step.seen.frames_wrong, 0);
        }
        assert_eq!(decide(&search.spec, &search.steps, overhead), Decision::Done(search.results.clone()));
        let [impossible, easy] = &search.results[..] else { panic!("{:?}", search.results) };
        assert_eq!(impossible.irregular, [Irregular::NoLowerBound]);
        assert_eq!((impossible.lower_per_s, impossible.upper_per_s), (None, Some(500)));
        assert_eq!(easy.irregular, [Irregular::NoUpperBound]);
        assert_eq!((easy.lower_per_s, easy.throughput_per_s), (Some(1500), Some(1500.0)));
        assert_eq!(search.steps[0].ask.role, Role::Coarse);
        steps_all += search.steps.len();
    }

    let planned = trials(&run.plan);
    for (trial, planned) in run.trials[2..].iter().zip(&planned[2..]) {
        assert_eq!((&trial.failure, trial.loads.len(), trial.search.is_some()), (&None, 0, false));
        let rungs = rungs(&run.plan, &run.trials, planned);
        let expected = [
            (RateOf::Fixed(100), 100.0),
            (RateOf::Fixed(1000), 1000.0),
            (RateOf::CommonPeak(80), 1200.0),
            (RateOf::OwnPeak(80), 1200.0),
        ];
        assert_eq!(rungs.iter().map(|rung| (rung.at, rung.rate_per_s)).collect::<Vec<_>>(), expected);
        assert_eq!(trial.ladder.iter().map(|rung| rung.at).collect::<Vec<_>>(), expected.map(|(at, _)| at));
        for (rung, planned) in trial.ladder.iter().zip(&rungs) {
            assert_eq!(rung.load.client.duration_ns, planned.window_ms * 1_000_000);
            assert!(rung.load.client.frames_ok > 0 && rung.load.server.cpu_ns > 0);
        }
        assert_eq!(rungs[0].window_ms, 200, "twenty frames at 100/s take longer than a window");
    }

    let analysis = run.analysis("run");
    let peaks = analysis.peaks.expect("there are searches");
    assert_eq!(peaks.curves.iter().map(|curve| curve.points.len()).sum::<usize>(), steps_all);
    assert_eq!(peaks.at_rates[0].columns.len(), 4);
    assert_eq!(peaks.goals[1].bounds[0][0].irregular[&Irregular::NoUpperBound], 1);
    let printed = text(&output.stdout);
    for said in ["Peak with p99 ≤ 60000 ms", "≥1.5 k/s", "no upper bound", "Server CPU per frame along the rate"] {
        assert!(printed.contains(said), "{said:?} is missing:\n{printed}");
    }
}

/// What follows from the peaks is the same whether or not the run was interrupted in between.
#[test]
fn a_resumed_run_goes_on_at_the_same_rates() {
    let stage = Stage::new();
    expect(&mut stage.run("peak.toml", "fake"), 0);
    let before = stage.trials();
    let path = stage.run_folder().join("records.jsonl");
    let records = std::fs::read_to_string(&path).expect("records");
    let kept: String = records.split_inclusive('\n').take(3).collect();
    std::fs::write(&path, kept).expect("cut");
    expect(&mut stage.resume(), 0);
    let after = stage.trials();
    assert_eq!(after[..3], before[..3], "what was recorded stays");
    let rates = |trial: &suite::record::Trial| {
        let rate = |words: &Vec<String>| {
            let at = words.iter().position(|word| word == "--total-rate").map(|at| words[at + 1].clone());
            at.unwrap_or_default()
        };
        trial.commands.iter().map(|command| rate(&command.argv)).collect::<Vec<_>>()
    };
    assert_eq!(rates(&after[3]), rates(&before[3]));
    assert_eq!(after.len(), before.len());
}
