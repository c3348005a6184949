//! Fleets: many processes a side, connections that are held, arms; and none of it left behind when the suite ends.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use suite::record::{CommandLine, Mode};

use super::stage::{Stage, children, expect, is_gone, wait_until};

/// The same command with so few open files that a process has four connections: 256 are reserved.
fn limited(run: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 260; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    limited
}

#[test]
fn a_fleet_is_held_verified_and_recorded_in_every_arm() {
    let stage = Stage::new();
    let mut run = stage.run("fleet.toml", "fake");
    run.args(["--conns", "6,12"]);
    expect(&mut limited(&run), 0);
    let trials = stage.trials();
    let cells: BTreeSet<(String, u32)> =
        trials.iter().map(|trial| (trial.variant.clone(), trial.cell.connections)).collect();
    let both = |connections| [("plain:one".to_owned(), connections), ("plain:two".to_owned(), connections)];
    assert_eq!(cells, both(6).into_iter().chain(both(12)).collect());
    for trial in &trials {
        assert_eq!(trial.failure, None);
        let (connections, processes) = (trial.cell.connections, trial.cell.connections.div_ceil(4));
        let [hold, open] = &trial.loads[..] else { panic!("two loads") };
        assert_eq!((hold.mode, open.mode), (Mode::Hold, Mode::Open));
        assert_eq!(hold.client.conns_answered, u64::from(connections), "every held connection is verified");
        assert_eq!((hold.client.frames_wrong, open.client.frames_wrong), (0, 0));
        assert!(open.client.conns_active < u64::from(connections) && open.client.conns_active > 0);
        assert!(hold.connect_elapsed_ns > 0 && open.connect_elapsed_ns > 0);
        let clients: Vec<u32> = trial.memory.iter().map(|memory| memory.client.processes).collect();
        assert_eq!(clients, [0, processes, processes, processes]);

        let count = |role: &str| {
            let own = trial.commands.iter().filter(|command| command.role == role);
            own.map(|command| command.unfold().len()).collect::<Vec<_>>()
        };
        assert_eq!(count("server"), [processes as usize], "one entry for all servers");
        assert_eq!(count("client").iter().sum::<usize>(), 2 * processes as usize);
        let of = |command: &CommandLine| command.argv.windows(2).any(|pair| pair == ["--knob", "2"]);
        assert_eq!(trial.commands.iter().any(of), trial.variant == "plain:two");
        let targets: BTreeSet<String> = trial.commands[0].unfold().into_iter().map(|argv| argv[4].clone()).collect();
        assert_eq!(targets.len(), processes as usize, "each server has an address of its own");
    }
}

fn check_that_nothing_is_left(signal: Signal) {
    let stage = Stage::new();
    let mut suite = limited(&stage.run("fleet.toml", "fake")).spawn().expect("the suite starts");
    let mut pids = Vec::new();
    wait_until("a trial with six servers and six clients", || {
        pids = children(&suite);
        pids.len() == 12
    });
    let pid = Pid::from_raw(i32::try_from(suite.id()).expect("a process id")).expect("not zero");
    kill_process(pid, signal).expect("it runs");
    suite.wait().expect("it is ours");
    for pid in pids {
        wait_until("the end of its children", || is_gone(pid));
    }
}

#[test]
fn nothing_of_a_fleet_is_left_when_the_suite_is_interrupted() {
    check_that_nothing_is_left(Signal::INT);
}

#[test]
fn nothing_of_a_fleet_is_left_when_the_suite_is_terminated() {
    check_that_nothing_is_left(Signal::TERM);
}

#[test]
fn nothing_of_a_fleet_is_left_when_the_suite_is_killed() {
    check_that_nothing_is_left(Signal::KILL);
}
