//! Runs that go well: every trial is recorded, verified, and reported; the report can be rebuilt.

use std::collections::BTreeSet;

use suite::record::{CommandLine, Mode, State};

use super::stage::{Stage, expect, text, workspace};

#[test]
fn a_run_leaves_records_from_which_its_report_is_rebuilt() {
    let stage = Stage::new();
    let output = expect(&mut stage.run("tiny.toml", "fake"), 0);
    let stderr = text(&output.stderr);
    assert!(stderr.contains("14/14 fake/plain"), "progress is a line a trial where there is no terminal:\n{stderr}");

    let trials = stage.trials();
    let numbers: BTreeSet<u32> = trials.iter().map(|trial| trial.trial).collect();
    assert_eq!(numbers, (0..14).collect(), "six cells and a twin, in two blocks");
    assert_eq!(trials.iter().filter(|trial| trial.twin).count(), 2);
    for trial in &trials {
        assert_eq!(trial.failure, None);
        assert_eq!(trial.ready.as_ref().map(|ready| ready.version.as_str()), Some("1.2.3"));
        assert!(trial.drained.is_some());
        let states: Vec<State> = trial.memory.iter().map(|memory| memory.state).collect();
        assert_eq!(states, [State::Before, State::Connected, State::Active, State::Used]);
        let connections: Vec<u64> = trial.memory.iter().map(|memory| memory.connections).collect();
        let all = u64::from(trial.cell.connections);
        assert_eq!(connections, [0, all, all, all]);
        assert!(trial.memory.iter().all(|memory| memory.pss_anon_bytes > 0 && memory.kernel.slab_total_bytes > 0));
        let clients: Vec<u32> = trial.memory.iter().map(|memory| memory.client.processes).collect();
        assert_eq!(clients, [0, 1, 1, 1]);
        assert!(trial.memory[1..].iter().all(|memory| memory.client.pss_anon_bytes > 0));
        let modes: Vec<Mode> = trial.loads.iter().map(|load| load.mode).collect();
        assert_eq!(modes, [Mode::Open, Mode::Saturate]);
        for load in &trial.loads {
            assert!(load.client.frames_ok > 0, "{:?}: {:?}", trial.cell, load.client);
            assert_eq!(load.client.frames_wrong, 0, "{:?}: {:?}", trial.cell, load.client.errors);
            assert!(load.server.cpu_ns > 0 && load.client_usage.cpu_ns > 0);
            assert!(load.server_frames > 0 && load.host.window_ns > 0);
            assert!(!load.client.hdr.response.is_empty());
        }
    }
    let first = &trials[0];
    assert!(
        trials.iter().filter(|t| t.block == first.block && t.cell == first.cell).all(|t| t.seed == first.seed),
        "a cell has one seed in a block"
    );

    let report = std::fs::read_to_string(stage.run_folder().join("report.md")).expect("a report");
    std::fs::remove_file(stage.run_folder().join("report.md")).expect("it is there");
    let rebuilt = expect(stage.suite().arg("report").arg(stage.run_folder()), 0);
    assert_eq!(std::fs::read_to_string(stage.run_folder().join("report.md")).expect("rebuilt"), report);
    let printed = text(&output.stdout);
    assert!(printed.starts_with(&text(&rebuilt.stdout)), "`report` prints the tables that `run` printed");
    assert!(printed.contains("Run folder: "));
}

/// Under a limit on open files below the connection count, both sides become several processes, and one result.
#[test]
fn connections_beyond_the_limit_on_open_files_are_spread_over_processes() {
    let stage = Stage::new();
    let run = stage.run("tiny.toml", "fake");
    // 256 are reserved for what is no connection: this leaves four a process.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -n 260; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    expect(&mut limited, 0);
    for trial in stage.trials() {
        let processes = trial.cell.connections.div_ceil(4);
        let servers = trial.commands.iter().filter(|command| command.role == "server");
        assert_eq!(servers.flat_map(CommandLine::unfold).count(), processes as usize, "{:?}", trial.cell);
        for load in &trial.loads {
            assert_eq!(load.client.processes, processes);
            assert_eq!(load.client.conns_live, u64::from(trial.cell.connections));
            assert_eq!(load.client.conns_answered, u64::from(trial.cell.connections));
        }
        assert_eq!(trial.memory[1].connections, u64::from(trial.cell.connections));
    }
}

#[test]
fn a_trial_can_be_shown_with_the_commands_that_repeat_it() {
    let stage = Stage::new();
    expect(&mut stage.run("faults.toml", "fake"), 0);
    let shown = text(&expect(stage.suite().arg("show").arg(stage.run_folder()).arg("0"), 0).stdout);
    assert!(shown.contains("--variant plain --addr tcp://127.0.0.1:"), "{shown}");
    assert!(shown.contains("--mode open --total-rate 5000.000"), "{shown}");
    let mut commands = shown.lines().filter(|line| line.contains("--target"));
    assert!(commands.all(|line| !line.contains("--hold")), "nobody should have to type `go`:\n{shown}");
}

#[test]
fn the_environment_is_recorded_before_and_after() {
    let stage = Stage::new();
    expect(&mut stage.run("faults.toml", "fake"), 0);
    let text = std::fs::read_to_string(stage.run_folder().join("environment.json")).expect("an environment");
    let sessions: suite::measure::Sessions = serde_json::from_str(&text).expect("as it was written");
    assert_eq!(sessions.sessions.len(), 1);
    let after = sessions.sessions[0].after.as_ref().expect("the run has ended");
    assert!(after.unix_ms >= sessions.sessions[0].before.unix_ms);
    assert!(after.rustc.is_some() && after.cargo_lock_sha256.is_some());
}

/// Every engine of the workspace that runs here gets through every transport it has, every reply verified.
#[test]
fn every_real_engine_gets_through_a_trial() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let mut suite = std::process::Command::new(env!("CARGO_BIN_EXE_suite"));
    suite.arg("--root").arg(workspace()).args(["--cargo-profile", "dev", "run"]);
    suite.arg(workspace().join("suite/tests/data/smoke.toml")).args(["--engine", "all", "--out"]).arg(&run);
    let output = expect(&mut suite, 0);
    let trials = suite::record::read(&run.join("records.jsonl")).expect("records").trials;
    let variants: BTreeSet<(String, String)> =
        trials.iter().map(|trial| (trial.engine.clone(), trial.variant.clone())).collect();
    assert!(variants.len() >= 3, "{variants:?}\n{}", text(&output.stderr));
    for trial in trials {
        let name = format!("{}/{} {:?}", trial.engine, trial.variant, trial.cell);
        assert_eq!(trial.loads.len(), 2, "{name}");
        for load in trial.loads {
            assert!(load.client.frames_ok > 0, "{name}");
            assert_eq!(load.client.frames_wrong, 0, "{name}: {:?}", load.client.errors);
        }
    }
}
