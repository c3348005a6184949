//! Drives a peak search: each step is one run of fresh clients against the same servers.

use std::time::{Duration, Instant};

use super::client::Client;
use super::crew::Crew;
use super::trial::Drive;
use super::{Server, Trouble};
use crate::experiment::LoadSpec;
use crate::plan::{Plan, step_overhead_ms};
use crate::record::{Load, Mode, Transport, Trial};
use crate::search::{Ask, Decision, Loss, Responses, Search, SearchSpec, Seen, Step, blame, decide};

/// How long servers may take to let go of the connections of the step before.
const EMPTY_PATIENCE: Duration = Duration::from_secs(2);
/// How much longer than the largest deadline the client waits for replies: what comes later is lost anyway.
const GRACE_MS: u64 = 50;

impl Drive<'_> {
    /// A whole search. `record` keeps the steps made so far, also when one of them fails.
    pub(super) fn search(
        &self,
        load: &LoadSpec,
        spec: &SearchSpec,
        servers: &mut Crew<Server>,
        clients: &mut Crew<Client>,
        record: &mut Trial,
    ) -> Result<(), (&'static str, Trouble)> {
        let overhead_ms = step_overhead_ms(self.plan, self.cell);
        let window_ms = self.plan.timing.window_ms;
        let overhead_windows = overhead_ms as f64 / window_ms as f64;
        let (mut steps, mut results) = (Vec::new(), Vec::new());
        let ended = loop {
            match decide(spec, &steps, overhead_windows) {
                Decision::Done(done) => {
                    results = done;
                    break Ok(());
                }
                Decision::Measure(ask) => match self.step(load, spec, (ask, steps.len()), servers, clients, record) {
                    Ok(step) => steps.push(step),
                    Err(trouble) => break Err(trouble),
                },
            }
        };
        record.search = Some(Search { spec: spec.clone(), window_ms, overhead_ms, steps, results });
        ended
    }

    fn step(
        &self,
        load: &LoadSpec,
        spec: &SearchSpec,
        (ask, number): (Ask, usize),
        servers: &mut Crew<Server>,
        clients: &mut Crew<Client>,
        record: &mut Trial,
    ) -> Result<Step, (&'static str, Trouble)> {
        self.emptied(servers).map_err(|trouble| ("load", trouble))?;
        let grace_ms = spec.goal.iter().map(|goal| goal.deadline_us.div_ceil(1000)).max().unwrap_or(0) + GRACE_MS;
        let one = LoadSpec {
            total_rate_per_s: Some(ask.load_per_s as f64),
            window_ms: Some(((ask.windows * self.plan.timing.window_ms as f64).round() as u64).max(1)),
            grace_ms: Some(grace_ms),
            spin_us: load.spin_us,
            active_frac: load.active_frac,
            ..LoadSpec::new(Mode::Open)
        };
        let plan = Plan { load: vec![one], ..self.plan.clone() };
        let commands = (self.lines)(&plan, number as u64);
        *clients = Crew::new();
        let drive = Drive { plan: &plan, commands: &commands, ..*self };
        drive.apply(0, &plan.load[0], servers, clients, record)?;
        let measured = record.loads.pop().expect("an applied load is recorded");
        let step = judge(spec, ask, &measured, self.plan.cpus.server.len());
        step.map_err(|error| ("load", Trouble::Failed(format!("client: {error}"))))
    }

    /// Waits until the servers have closed what an earlier step left: a step begins with its own connections alone.
    /// If some never go, the gate of live connections says so.
    fn emptied(&self, servers: &mut Crew<Server>) -> Result<(), Trouble> {
        let deadline = Instant::now() + EMPTY_PATIENCE;
        while self.cell.transport != Transport::Udp
            && servers.snapshot(self.patience())?.conns_open > 0
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// What came of a step, by goal and for the curve.
fn judge(spec: &SearchSpec, ask: Ask, load: &Load, server_cpus: usize) -> Result<Step, crate::search::HistogramError> {
    let client = &load.client;
    let responses = Responses::decode(&client.hdr.response)?;
    let loss = |deadline_ns: u64| Loss {
        // What was due and did not come in time: late, wrong, unanswered or unsent.
        lost: client.frames_intended.saturating_sub(responses.in_time(deadline_ns)),
        due: client.frames_intended,
        blame: blame(deadline_ns, client.lag_ns.p99, &load.gates),
    };
    let seen = Seen {
        duration_ns: client.duration_ns,
        rate_intended_per_s: client.rate_intended_per_s,
        rate_achieved_per_s: client.rate_achieved_per_s,
        frames_unsent: client.frames_unsent,
        frames_unanswered: client.frames_unanswered,
        frames_wrong: client.frames_wrong,
        response_ns: client.response_ns,
        lag_ns_p99: client.lag_ns.p99,
        client_busy: client.thread_busy_max,
        server_frames: load.server_frames,
        server_cpu_ns: load.server.cpu_ns,
        server_busy: load.server.cpu_ns as f64 / (load.host.window_ns.max(1) * server_cpus.max(1) as u64) as f64,
        gates: load.gates.clone(),
    };
    Ok(Step { ask, losses: spec.goal.iter().map(|goal| loss(goal.deadline_ns())).collect(), seen })
}
