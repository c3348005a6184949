//! One trial from its first process to its last.

use std::time::{Duration, Instant};

use harness::control::Snapshot;
use loadclient::report::Report;

use super::client::Client;
use super::crew::Crew;
use super::{CommandLines, Interrupt, Server, Trouble};
use crate::experiment::LoadSpec;
use crate::measure::{Expected, Foreign, HostSample, ProcessSample, foreign, gates, host, memory, processes};
use crate::plan::Plan;
use crate::record::{Cell, Failure, Load, Mode, State, Transport, Trial, Usage};

/// How long a state is given to settle before memory is sampled.
const SETTLE: Duration = Duration::from_millis(5);
/// How long servers may take to accept what is connected already.
const ACCEPT_PATIENCE: Duration = Duration::from_secs(2);
/// Processes whose last words a failed trial keeps.
const TAILS_MAX: usize = 3;
/// What every connection adds to the time in which a process must answer: closing one, or freeing its memory, takes
/// far less, on a CPU that all processes of a side share.
const PATIENCE_PER_CONNECTION: Duration = Duration::from_micros(100);

/// Drives one trial and fills in its record.
pub(super) struct Drive<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cell: Cell,
    pub(super) commands: &'a CommandLines,
    pub(super) interrupt: &'a Interrupt,
    /// The command lines of another plan for the same servers, with the seed moved on by so much.
    pub(super) lines: &'a dyn Fn(&Plan, u64) -> CommandLines,
}

/// Why a trial stopped early.
pub(super) enum Stop {
    Failed(Failure),
    Interrupted,
}

/// Counters of all sides at one edge of a window.
struct Edge {
    servers: ProcessSample,
    clients: ProcessSample,
    host: HostSample,
    snapshot: Snapshot,
}

impl Drive<'_> {
    /// Runs the trial. `record` keeps what was measured, also when the trial stops early.
    pub(super) fn run(&self, record: &mut Trial) -> Result<(), Stop> {
        let mut servers = self.start(record)?;
        let mut nobody = Crew::new();
        self.sample(State::Before, &mut servers, &nobody, record)
            .map_err(|trouble| self.blame("start", trouble, &mut servers, &mut nobody))?;
        for (index, load) in self.plan.load.iter().enumerate() {
            let mut clients = Crew::new();
            let applied = match &load.search {
                Some(spec) => self.search(load, spec, &mut servers, &mut clients, record),
                None => self.apply(index, load, &mut servers, &mut clients, record),
            };
            applied.map_err(|(stage, trouble)| self.blame(stage, trouble, &mut servers, &mut clients))?;
        }
        let drained = servers.drain(self.patience());
        record.drained = Some(drained.map_err(|trouble| self.blame("drain", trouble, &mut servers, &mut nobody))?);
        Ok(())
    }

    fn start(&self, record: &mut Trial) -> Result<Crew<Server>, Stop> {
        let servers = match Crew::<Server>::start(&self.commands.servers, self.patience(), self.interrupt) {
            Ok(servers) => servers,
            Err((Trouble::Interrupted, _)) => return Err(Stop::Interrupted),
            Err((Trouble::Failed(error), stderr_tail)) => {
                return Err(Stop::Failed(Failure { stage: "start".into(), error, stderr_tail }));
            }
        };
        record.ready = servers.first().map(|server| server.ready.clone());
        Ok(servers)
    }

    /// One load, from its clients' start to their reports. The first load also shows memory in every state.
    pub(super) fn apply(
        &self,
        index: usize,
        load: &LoadSpec,
        servers: &mut Crew<Server>,
        clients: &mut Crew<Client>,
        record: &mut Trial,
    ) -> Result<(), (&'static str, Trouble)> {
        let timing = &self.plan.timing;
        let first = record.memory.iter().all(|memory| memory.state == State::Before);
        let patience = self.patience();
        let connecting = |trouble| ("connect", trouble);
        let connect_begin = Instant::now();
        clients.start(&self.commands.clients[index], self.interrupt).map_err(connecting)?;
        let at_rate =
            |connections: u32| Duration::from_secs_f64(f64::from(connections) / f64::from(timing.connect_rate_per_s));
        let ramp = at_rate(self.cell.connections);
        for client in clients.iter_mut() {
            client.connected(patience + ramp * 4).map_err(connecting)?;
        }
        self.accepted(servers).map_err(connecting)?;
        let connect_elapsed_ns = connect_begin.elapsed().as_nanos() as u64;
        if first {
            self.sample(State::Connected, servers, clients, record).map_err(connecting)?;
        }

        let loading = |trouble| ("load", trouble);
        let warmup = Duration::from_millis(timing.warmup_ms);
        let window = Duration::from_millis(load.window_ms.unwrap_or(timing.window_ms));
        let own: Vec<u32> = [servers.pids(), clients.pids()].concat();
        let before = foreign(&own);
        for client in clients.iter_mut() {
            client.go().map_err(loading)?;
        }
        let touch = at_rate(load.touched(self.cell.connections));
        if first {
            // In the warm-up, when all were used: reading the sizes of all mappings takes time that no window should contain.
            self.interrupt.sleep(touch + warmup / 2).map_err(loading)?;
            self.sample(State::Active, servers, clients, record).map_err(loading)?;
        }
        for client in clients.iter_mut() {
            client.measuring(patience + touch + warmup).map_err(loading)?;
        }
        let begin = self.edge(servers, clients).map_err(loading)?;
        for client in clients.iter_mut() {
            client.measured(patience + window).map_err(loading)?;
        }
        let end = self.edge(servers, clients).map_err(loading)?;
        let others = foreign(&own).since(&before);
        if first {
            std::thread::sleep(SETTLE);
            self.sample(State::Used, servers, clients, record).map_err(loading)?;
        }
        let report = clients.report(patience).map_err(loading)?;
        let mut concluded = self.conclude(load, report, (&begin, &end), others);
        concluded.connect_elapsed_ns = connect_elapsed_ns;
        record.loads.push(concluded);
        Ok(())
    }

    fn conclude(&self, load: &LoadSpec, client: Report, (begin, end): (&Edge, &Edge), others: Foreign) -> Load {
        let server: Usage = end.servers.since(&begin.servers);
        let client_usage = end.clients.since(&begin.clients);
        let mut concluded = Load {
            mode: load.mode,
            host: end.host.since(&begin.host, &server, &client_usage, others),
            server_frames: end.snapshot.frames_total.saturating_sub(begin.snapshot.frames_total),
            server_allocs: end.snapshot.allocs_total.saturating_sub(begin.snapshot.allocs_total),
            client,
            server,
            client_usage,
            connect_elapsed_ns: 0,
            gates: Vec::new(),
        };
        let expected = Expected {
            cell: self.cell,
            in_flight: if load.mode == Mode::Saturate { load.in_flight.unwrap_or(1) } else { 1 },
            server_conns: (self.cell.transport != Transport::Udp).then_some(begin.snapshot.conns_open),
            accepts_matter: false,
        };
        concluded.gates = gates(&concluded, &expected);
        concluded
    }

    /// Reads all counters, cheapest last: the frames next to the CPU time they took.
    fn edge(&self, servers: &mut Crew<Server>, clients: &Crew<Client>) -> Result<Edge, Trouble> {
        let failed = |error: anyhow::Error| Trouble::Failed(format!("{error:#}"));
        let clients = processes(&clients.pids()).map_err(failed)?;
        let servers_sample = processes(&servers.pids()).map_err(failed)?;
        let host = host().map_err(failed)?;
        Ok(Edge { servers: servers_sample, clients, host, snapshot: servers.snapshot(self.patience())? })
    }

    fn sample(
        &self,
        state: State,
        servers: &mut Crew<Server>,
        clients: &Crew<Client>,
        record: &mut Trial,
    ) -> Result<(), Trouble> {
        let snapshot = servers.snapshot(self.patience())?;
        let sample = memory(&servers.pids(), &clients.pids(), state, &snapshot);
        record.memory.push(sample.map_err(|error| Trouble::Failed(format!("{error:#}")))?);
        Ok(())
    }

    /// Waits until the servers have accepted every connection: the kernel completes a connect before that.
    /// If some never are, the window's gate says so.
    fn accepted(&self, servers: &mut Crew<Server>) -> Result<(), Trouble> {
        let asked = u64::from(self.cell.connections);
        let deadline = Instant::now() + ACCEPT_PATIENCE;
        while self.cell.transport != Transport::Udp
            && servers.snapshot(self.patience())?.conns_open < asked
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.plan.timing.patience_ms) + PATIENCE_PER_CONNECTION * self.cell.connections
    }

    /// Turns trouble into a failure. A server that died is to blame, whoever noticed it first.
    fn blame(&self, stage: &str, trouble: Trouble, servers: &mut Crew<Server>, clients: &mut Crew<Client>) -> Stop {
        let error = match trouble {
            Trouble::Interrupted => return Stop::Interrupted,
            Trouble::Failed(error) => error,
        };
        // A client sees a reset before the kernel has finished the server.
        let deadline = Instant::now() + Duration::from_millis(100);
        let dead = loop {
            if let Some(dead) = servers.iter_mut().position(Server::died) {
                break Some(dead);
            }
            if Instant::now() >= deadline {
                break None;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let (error, stderr_tail) = match dead {
            Some(dead) => (servers[dead].epitaph(&error), servers[dead].post_mortem()),
            None => {
                // All at a time: each takes a while to give its sockets back.
                servers.doom();
                clients.doom();
                let tails: Vec<Vec<String>> = match error.starts_with("client") {
                    true => clients.iter_mut().map(Client::post_mortem).collect(),
                    false => servers.iter_mut().map(Server::post_mortem).collect(),
                };
                // A hundred processes say the same: those who have something to say, up to a few.
                (error, tails.into_iter().filter(|tail| !tail.is_empty()).take(TAILS_MAX).flatten().collect())
            }
        };
        Stop::Failed(Failure { stage: stage.into(), error, stderr_tail })
    }
}
