//! A calibration from beginning to end: for each transport a null server of its own, and one load after the other.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{self, Child, Command, Stdio};
use std::thread::available_parallelism;

use clap::Parser;
use rustix::thread::{CpuSet, sched_getaffinity};

use super::calibration::{Calibration, Point, SCHEMA};
use super::command::CalibrateArgs;
use super::null_server::Ready;
use crate::report::Report;
use crate::run;
use crate::spec::{Args, Spec};

/// Load before each measured window.
const WARMUP: &str = "200ms";

/// Measures what `args` asks for.
///
/// # Errors
/// A line for the user: no null server could be started, or a load on it could not be applied.
pub fn calibrate(args: &CalibrateArgs) -> Result<Calibration, String> {
    let (client_cpus, server_cpu) = cpus(args);
    let mut points = Vec::new();
    for transport in args.transports() {
        let server = NullServer::start(transport, server_cpu)?;
        let load = |words: &[&str]| -> Result<Point, String> {
            Ok(Point::of(transport, &apply(args, &server.addr, &client_cpus, words)?))
        };
        let mut peak_per_s: f64 = 0.0;
        for depth in &args.in_flight {
            let point = load(&["--mode", "saturate", "--in-flight", &depth.to_string()])?;
            if *depth == 1 {
                peak_per_s = point.frames_per_s;
            }
            points.push(point);
        }
        // Half of the peak: as near to it as an open loop should be measured.
        let half = (peak_per_s > 2.0 && args.rate != [0.0]).then(|| (peak_per_s / 2.0).round());
        for rate in args.rate.iter().copied().chain(half).filter(|&rate| rate != 0.0) {
            points.push(load(&["--total-rate", &rate.to_string(), "--spin-us", &args.spin_us.to_string()])?);
        }
    }
    Ok(Calibration {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").into(),
        cpus_online: available_parallelism().map_or(0, |count| count.get() as u32),
        client_cpus: client_cpus.iter().map(|&cpu| cpu as u32).collect(),
        server_cpu: server_cpu.map(|cpu| cpu as u32),
        threads: args.threads.min(args.conns),
        conns: args.conns,
        payload_bytes: args.payload.into(),
        duration_ns: args.duration,
        points,
    })
}

/// As asked; else the server on the first CPU that we may use, and the client on the others, if there are any.
fn cpus(args: &CalibrateArgs) -> (Vec<usize>, Option<usize>) {
    let own = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    let all: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| own.is_set(cpu)).collect();
    let (first, others) = match &all[..] {
        [first, others @ ..] if !others.is_empty() => (Some(*first), others.to_vec()),
        _ => (None, Vec::new()),
    };
    (args.cpus.as_ref().map_or(others, |list| list.0.clone()), args.server_cpu.or(first))
}

fn apply(args: &CalibrateArgs, addr: &str, cpus: &[usize], load: &[&str]) -> Result<Report, String> {
    let duration = format!("{}ns", args.duration);
    let cpus = cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let [conns, payload, threads] = [args.conns, args.payload.into(), args.threads].map(|number| number.to_string());
    let mut words = vec!["loadclient", "--target", addr, "--conns", &conns, "--payload", &payload];
    words.extend(["--threads", &threads, "--duration", &duration, "--warmup", WARMUP, "--verify"]);
    if !cpus.is_empty() {
        words.extend(["--cpus", &cpus]);
    }
    words.extend(load);
    let spec = Args::try_parse_from(words).map_err(|error| error.to_string())?;
    let spec = Spec::try_from(spec).map_err(|error| error.to_string())?;
    crate::preflight::check(&spec)?;
    run::run(spec, None).map_err(|error| error.to_string())
}

/// A process of its own, so that its CPU time is its own; it ends when dropped.
struct NullServer {
    process: Child,
    addr: String,
}

impl NullServer {
    fn start(transport: &str, cpu: Option<usize>) -> Result<Self, String> {
        let broken = |what: &str| format!("cannot start the null server: {what}");
        let own = env::current_exe().map_err(|error| broken(&error.to_string()))?;
        let addr = match transport {
            "unix" => {
                let path = env::temp_dir().join(format!("loadclient-null-{}.sock", process::id()));
                format!("unix://{}", path.display())
            }
            _ => "tcp://127.0.0.1:0".into(),
        };
        let mut command = Command::new(own);
        command.args(["null-server", "--addr", &addr]);
        if let Some(cpu) = cpu {
            command.args(["--cpu", &cpu.to_string()]);
        }
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut server = Self { process: process.map_err(|error| broken(&error.to_string()))?, addr };
        let mut line = String::new();
        let stdout = server.process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).map_err(|error| broken(&error.to_string()))?;
        let Ready::Ready { addr, .. } = serde_json::from_str(&line).map_err(|_| broken("it said nothing"))?;
        server.addr = addr;
        Ok(server)
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        // The end of its stdin lets it remove its socket.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
