//! What the user sees while a run goes on: one bar on a terminal, a line per trial elsewhere, or nothing.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use loadclient::report::Report;

use crate::plan::{Plan, PlannedTrial};
use crate::record::{Cell, Mode, Trial};
use crate::search::{Goal, GoalResult};

/// How a run is shown on stderr.
#[derive(Debug)]
pub struct Progress {
    shown: Shown,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

/// What is left to do, by the plan's estimate corrected by what was seen so far.
#[derive(Debug)]
struct State {
    began: Instant,
    all: u64,
    done: u64,
    ahead_ms: u64,
    /// Estimate of the trials that ended in this session.
    estimated_ms: u64,
    last: String,
}

impl Progress {
    /// Nothing when `quiet`, a bar when stderr is a terminal, lines otherwise.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let shown = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (false, true) => Shown::Bar(bar()),
            (false, false) => Shown::Lines,
        };
        let began = Instant::now();
        let state = State { began, all: 0, done: 0, ahead_ms: 0, estimated_ms: 0, last: String::new() };
        Self { shown, state: Mutex::new(state) }
    }

    /// `all` trials, of which `done` are recorded; the others should take `ahead_ms`.
    pub fn begin(&self, all: u64, done: u64, ahead_ms: u64) {
        self.with(|state| {
            *state = State { began: Instant::now(), all, done, ahead_ms, estimated_ms: 0, last: String::new() };
        });
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_length(all);
                bar.set_position(done);
            }
            Shown::Lines => {
                let expected = spell(Duration::from_millis(ahead_ms));
                say(&format!("{} trials to run, about {expected}", all - done));
            }
            Shown::Nothing => {}
        }
    }

    /// A trial starts.
    pub fn starts(&self, plan: &Plan, trial: &PlannedTrial) {
        if let Shown::Bar(bar) = &self.shown {
            let variant = &plan.variant[trial.variant];
            let name = name(&variant.engine, &variant.variant, trial.twin);
            let (left, last) = self.with(|state| (state.left(), state.last.clone()));
            bar.set_message(format!("{} left · {name} {}{last}", spell(left), cell(trial.cell)));
        }
    }

    /// A trial ended; the plan expected `estimated_ms`.
    pub fn ended(&self, record: &Trial, estimated_ms: u64) {
        let result = result(record);
        let name = name(&record.engine, &record.variant, record.twin);
        let (done, all, left) = self.with(|state| {
            state.done += 1;
            state.estimated_ms += estimated_ms;
            state.ahead_ms = state.ahead_ms.saturating_sub(estimated_ms);
            state.last = format!(" · last: {name} {result}");
            (state.done, state.all, state.left())
        });
        match &self.shown {
            Shown::Bar(bar) => bar.set_position(done),
            Shown::Lines => say(&format!("{done}/{all} {name} {}: {result} ({} left)", cell(record.cell), spell(left))),
            Shown::Nothing => {}
        }
    }

    /// No more trials.
    pub fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl State {
    fn left(&self) -> Duration {
        let seen = self.began.elapsed().as_secs_f64() * 1000.0;
        // Until a trial has ended the estimate is all there is.
        let factor = if self.estimated_ms == 0 { 1.0 } else { seen / self.estimated_ms as f64 };
        Duration::from_secs_f64(self.ahead_ms as f64 * factor / 1000.0)
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:24}] {pos}/{len} · {wide_msg}")
        .expect("the template is well formed")
        .progress_chars("=> ");
    // No ticker: a thread that draws would use CPU time inside the measured windows.
    ProgressBar::new(0).with_style(style)
}

fn say(line: &str) {
    // Nobody may be reading; that is no reason to end a run.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn name(engine: &str, variant: &str, twin: bool) -> String {
    format!("{engine}/{variant}{}", if twin { " (twin)" } else { "" })
}

fn cell(cell: Cell) -> String {
    format!("{} {} × {} B", cell.transport.name(), cell.connections, cell.payload_bytes)
}

/// The trial in a few words.
fn result(record: &Trial) -> String {
    if let Some(failure) = &record.failure {
        return format!("FAILED ({}): {}", failure.stage, failure.error);
    }
    if let Some(search) = &record.search {
        let peak = |(goal, result): (&Goal, &GoalResult)| {
            let peak = result.throughput_per_s.map_or_else(|| "–".into(), |peak| format!("{peak:.0}/s"));
            let doubt = if result.irregular.is_empty() { "" } else { " irregular" };
            format!("{} {peak}{doubt}", goal.title())
        };
        let peaks: Vec<String> = search.spec.goal.iter().zip(&search.results).map(peak).collect();
        return format!("{} in {} steps", peaks.join(", "), search.steps.len());
    }
    let loads = record.loads.iter().chain(record.ladder.iter().map(|rung| &rung.load)).map(|load| {
        let gates: Vec<&str> = load.gates.iter().map(|gate| gate.gate.as_str()).collect();
        let doubt = if gates.is_empty() { String::new() } else { format!(" [{}]", gates.join(", ")) };
        match load.mode {
            Mode::Open | Mode::Search => format!("{}{doubt}", p99(&load.client)),
            Mode::Hold => format!("{} held{doubt}", load.client.conns_live),
            Mode::SlowReader => format!("{} slow readers{doubt}", load.client.conns_live),
            Mode::Saturate => format!("peak {:.0}/s{doubt}", load.client.rate_achieved_per_s),
        }
    });
    loads.collect::<Vec<_>>().join(", ")
}

fn p99(report: &Report) -> String {
    let p99 = report.response_ns.p99.map_or_else(|| "–".into(), |ns| format!("{:.0} µs", ns as f64 / 1000.0));
    format!("p99 {p99} at {:.0}/s", report.rate_achieved_per_s)
}

/// A duration for people: `42 s`, `5 min 03 s`, `2 h 05 min`.
#[must_use]
pub fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let check = |seconds, expected: &str| assert_eq!(spell(Duration::from_secs(seconds)), expected);
        check(7, "7 s");
        check(303, "5 min 03 s");
        check(7500, "2 h 05 min");
    }
}
