//! What a calibration found, as JSON, and what follows from it for a report.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::{Gate, Report};

/// Version of [`Calibration`]; fields are only ever added.
pub const SCHEMA: u32 = 1;
/// From this share of the null server's throughput on, a closed loop is bound by its client.
pub const CEILING_SHARE_MAX: f64 = 0.85;

/// One client on one host, over one number of connections and one payload size. Durations are nanoseconds, sizes bytes,
/// rates frames per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub schema: u32,
    /// Of the client.
    pub version: String,
    pub cpus_online: u32,
    /// CPUs of the load threads, a thread each in turn, and of the null server; empty and `null` where not pinned.
    pub client_cpus: Vec<u32>,
    pub server_cpu: Option<u32>,
    pub threads: u32,
    pub conns: u32,
    pub payload_bytes: u32,
    /// The measured window of each point.
    pub duration_ns: u64,
    pub points: Vec<Point>,
}

/// One load on the null server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// `tcp` or `unix`.
    pub transport: String,
    /// `saturate` or `open`.
    pub mode: String,
    /// Saturate: requests in flight on each connection; 0 in an open loop.
    pub in_flight: u32,
    /// Open: frames per second over all connections.
    pub rate_per_s: Option<f64>,
    /// Verified replies per second: of a closed loop the ceiling.
    pub frames_per_s: f64,
    /// Productive CPU time of the load threads per verified reply.
    pub cpu_ns_per_frame: f64,
    /// Largest productive share of any load thread: well below 1, the null server was the limit, not the client.
    pub thread_busy_max: f64,
    /// Share of the window that the load threads were runnable and not running: on a quiet host next to none.
    pub run_delay_share: f64,
    pub frames_per_write: f64,
    /// Open: how late the client itself was, and what the round trip to a server that does nothing takes.
    pub lag_ns_p50: Option<u64>,
    pub lag_ns_p99: Option<u64>,
    pub response_ns_p50: Option<u64>,
    pub response_ns_p99: Option<u64>,
    /// What the client itself holds against the numbers; at the ceiling `client_busy` is no surprise.
    pub gates: Vec<Gate>,
}

impl Point {
    /// What `report` says of a load on the null server, over this transport.
    #[must_use]
    pub fn of(transport: &str, report: &Report) -> Self {
        let frames = report.frames_ok.max(1) as f64;
        let threads_ns = report.duration_ns as f64 * f64::from(report.threads);
        Self {
            transport: transport.into(),
            mode: report.mode.clone(),
            in_flight: report.in_flight,
            rate_per_s: (report.mode == "open").then_some(report.rate_intended_per_s),
            frames_per_s: report.rate_achieved_per_s,
            cpu_ns_per_frame: report.cpu_ns.saturating_sub(report.spin_ns) as f64 / frames,
            thread_busy_max: report.thread_busy_max,
            run_delay_share: report.run_delay_ns as f64 / threads_ns,
            frames_per_write: report.frames_per_write,
            lag_ns_p50: report.lag_ns.p50,
            lag_ns_p99: report.lag_ns.p99,
            response_ns_p50: report.response_ns.p50,
            response_ns_p99: report.response_ns.p99,
            gates: report.gates.clone(),
        }
    }
}

impl Calibration {
    /// The most frames per second that the client reached in a closed loop like this one.
    #[must_use]
    pub fn ceiling_per_s(&self, transport: &str, in_flight: u32) -> Option<f64> {
        let alike =
            |point: &&Point| point.transport == transport && point.mode == "saturate" && point.in_flight == in_flight;
        self.points.iter().filter(alike).map(|point| point.frames_per_s).reduce(f64::max)
    }
}

/// A Markdown table, a row for each point.
impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conns, payload_bytes, threads, cpus_online, .. } = self;
        writeln!(
            f,
            "| {payload_bytes} B, {conns} connections, threads: {threads}, CPUs: {cpus_online} | frames/s | client CPU, µs/frame | busy | run delay | lag p50, µs | lag p99, µs | response p50, µs | response p99, µs |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        let micros = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), |ns| format!("{:.1}", ns as f64 / 1e3));
        for point in &self.points {
            let load = match point.rate_per_s {
                Some(rate) => format!("open, {rate:.0}/s"),
                None => format!("closed, {} in flight", point.in_flight),
            };
            writeln!(
                f,
                "| {} {load} | {:.0} | {:.2} | {:.0} % | {:.1} % | {} | {} | {} | {} |",
                point.transport,
                point.frames_per_s,
                point.cpu_ns_per_frame / 1e3,
                point.thread_busy_max * 100.0,
                point.run_delay_share * 100.0,
                micros(point.lag_ns_p50),
                micros(point.lag_ns_p99),
                micros(point.response_ns_p50),
                micros(point.response_ns_p99),
            )?;
        }
        Ok(())
    }
}

/// The gate `client_bound`, if the closed loop of `report` came within 15 % of what the same client reaches against a null
/// server, over the same transport, with the same payload and depth, on as many threads. Of several such
/// calibrations, that of the nearest number of connections (by ratio) counts. `None` too where there is none.
#[must_use]
pub fn client_bound(calibrations: &[Calibration], report: &Report) -> Option<Gate> {
    if report.mode != "saturate" {
        return None;
    }
    let transport = report.targets.first()?.split_once("://")?.0;
    let alike = |c: &&Calibration| c.payload_bytes == report.payload_bytes && c.threads == report.threads;
    let distance = |conns: u32| (f64::from(conns) / report.conns_asked.max(1) as f64).ln().abs();
    let (nearest, ceiling) = calibrations
        .iter()
        .filter(alike)
        .filter_map(|c| Some((c, c.ceiling_per_s(transport, report.in_flight)?)))
        .min_by(|(a, _), (b, _)| distance(a.conns).total_cmp(&distance(b.conns)))?;
    let share = report.rate_achieved_per_s / ceiling;
    (share >= CEILING_SHARE_MAX).then(|| Gate {
        gate: "client_bound".into(),
        detail: format!(
            "{:.0} frames/s are {:.0} % of what this client reaches against a null server ({ceiling:.0}/s over {} \
             connections), below {:.0} % asked",
            report.rate_achieved_per_s,
            share * 100.0,
            nearest.conns,
            CEILING_SHARE_MAX * 100.0
        ),
    })
}
