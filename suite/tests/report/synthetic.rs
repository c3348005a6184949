//! Synthetic runs: trials with planted truths and seeded noise, as complete as real ones.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use loadclient::report::{Gate, Histograms, Quantiles, Report};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use suite::analyse::{Context, Host, VariantAsked};
use suite::record::{
    Cell, CommandLine, HostUsage, KernelMemory, Load, Memory, Mode, ProcessMemory, SCHEMA, State, Transport, Trial,
    Usage,
};

/// What is true of one variant in one cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) cpu_ns: f64,
    pub(crate) p50_ns: f64,
    pub(crate) rate_per_s: f64,
    pub(crate) user_bytes_per_connection: f64,
}

impl Default for Truth {
    fn default() -> Self {
        Self { cpu_ns: 10_000.0, p50_ns: 40_000.0, rate_per_s: 90_000.0, user_bytes_per_connection: 2_500.0 }
    }
}

/// A run to be made up.
pub(crate) struct Synthetic {
    pub(crate) context: Context,
    /// Standard deviation of the log of every measured value, each trial by itself.
    pub(crate) noise: f64,
    /// The same for what all trials of a block share.
    pub(crate) block_noise: f64,
    pub(crate) seed: u64,
    /// Measured A/A log ratios: if there are any, every value's noise is one of them over √2, with a random sign, so that
    /// two trials differ as much as they did, whatever the distribution.
    pub(crate) measured_noise: Vec<f64>,
    /// With histograms, which take most of the time.
    pub(crate) detailed: bool,
    truth: Box<dyn Fn(usize, Cell) -> Truth>,
}

pub(crate) fn tcp(connections: u32, payload_bytes: u32) -> Cell {
    Cell { transport: Transport::Tcp, connections, payload_bytes }
}

impl Synthetic {
    /// A run of these variants (`engine/variant`) over these cells.
    pub(crate) fn new(variants: &[&str], cells: &[Cell], truth: impl Fn(usize, Cell) -> Truth + 'static) -> Self {
        let asked = |name: &&str| {
            let (engine, variant) = name.split_once('/').expect("engine/variant");
            let (engine, variant) = (engine.to_owned(), variant.to_owned());
            VariantAsked { engine, variant, version: Some("1.0.0".into()), absent: None }
        };
        let context = Context {
            run: "2026-01-02-host-crossover".into(),
            date: "2026-01-02".into(),
            experiment: "crossover".into(),
            question: "Which runtime serves a framed protocol best, and from where on does that change?".into(),
            profile: "standard".into(),
            blocks_asked: 6,
            cells: cells.to_vec(),
            variants: variants.iter().map(asked).collect(),
            skips: Vec::new(),
            engines_known: ["glommio", "may", "mio", "monoio", "tokio"].map(String::from).to_vec(),
            host: Host {
                name: "host".into(),
                kernel: "Linux 6.18.5".into(),
                cpu: "Synthetic CPU @ 2.50GHz".into(),
                cores: 2,
                memory_bytes: 24 << 30,
                loopback: true,
            },
            server_cpus: 1,
            revision: "0123456789ab".into(),
            dirty: false,
            debug: false,
            command: "cargo run --release -- run crossover --engine all".into(),
            seed: 7,
            remarks: Vec::new(),
        };
        Self {
            context,
            noise: 0.03,
            block_noise: 0.05,
            seed: 1,
            measured_noise: Vec::new(),
            detailed: false,
            truth: Box::new(truth),
        }
    }

    pub(crate) fn blocks(mut self, blocks: u32) -> Self {
        self.context.blocks_asked = blocks;
        self
    }

    pub(crate) fn noise(mut self, noise: f64) -> Self {
        self.noise = noise;
        self
    }

    /// All trials of the run: every variant and cell once a block, and one A/A pair a block.
    pub(crate) fn trials(&self) -> Vec<Trial> {
        let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(self.seed));
        let mut trials = Vec::new();
        for block in 0..self.context.blocks_asked {
            let shared = random.factor(self.block_noise);
            for variant in 0..self.context.variants.len() {
                for (place, cell) in self.context.cells.iter().enumerate() {
                    let twins = if variant == 0 && place == 0 { 2 } else { 1 };
                    for twin in 0..twins {
                        let number = trials.len() as u32;
                        trials.push(self.trial(number, block, variant, *cell, twin == 1, shared, &mut random));
                    }
                }
            }
        }
        trials
    }

    #[expect(clippy::too_many_arguments, reason = "one trial is one row of a plan")]
    fn trial(
        &self,
        number: u32,
        block: u32,
        variant: usize,
        cell: Cell,
        twin: bool,
        shared: f64,
        random: &mut Random,
    ) -> Trial {
        let truth = (self.truth)(variant, cell);
        let asked = &self.context.variants[variant];
        let mut measured = |value: f64| match self.measured_noise.as_slice() {
            [] => value * shared * random.factor(self.noise),
            ratios => value * shared * random.one_of(ratios),
        };
        let (cpu_ns, p50_ns) = (measured(truth.cpu_ns), measured(truth.p50_ns));
        let rate_per_s = measured(truth.rate_per_s);
        let bytes = truth.user_bytes_per_connection * f64::from(cell.connections);
        let bytes = bytes * random.factor(self.noise / 3.0);
        let argv = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Trial {
            schema: SCHEMA,
            trial: number,
            block,
            experiment: self.context.experiment.clone(),
            engine: asked.engine.clone(),
            variant: asked.variant.clone(),
            twin,
            cell,
            seed: u64::from(block),
            started_unix_ms: 1_767_312_000_000 + u64::from(number) * 3_000,
            elapsed_ms: 3_000,
            commands: vec![
                CommandLine {
                    role: "server".into(),
                    argv: argv(&["engine", "--variant", &asked.variant]),
                    also: Vec::new(),
                },
                CommandLine { role: "client".into(), argv: argv(&["loadclient", "--mode", "open"]), also: Vec::new() },
            ],
            ready: None,
            memory: memory(cell, bytes),
            loads: vec![
                load(Mode::Open, cell, 20_000, cpu_ns, p50_ns, self.detailed),
                load(Mode::Saturate, cell, (rate_per_s * 2.0) as u64, cpu_ns * 0.8, p50_ns * 2.0, self.detailed),
            ],
            search: None,
            ladder: Vec::new(),
            drained: None,
            failure: None,
        }
    }
}

/// A gate that tripped.
pub(crate) fn gate(name: &str) -> Gate {
    Gate { gate: name.into(), detail: format!("{name} was seen") }
}

struct Random(Xoshiro256PlusPlus);

impl Random {
    fn one_of(&mut self, log_ratios: &[f64]) -> f64 {
        let word = self.0.next_u64();
        let ratio = log_ratios[(word >> 1) as usize % log_ratios.len()] * std::f64::consts::FRAC_1_SQRT_2;
        if word & 1 == 0 { ratio.exp() } else { (-ratio).exp() }
    }

    /// A log-normal factor around 1: Box–Muller from two uniform words.
    fn factor(&mut self, sigma: f64) -> f64 {
        let mut uniform = || (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let (a, b) = (1.0 - uniform(), uniform());
        (sigma * (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()).exp()
    }
}

fn memory(cell: Cell, bytes: f64) -> Vec<Memory> {
    let base = 3_000_000;
    let of = |state, connections: u32, growth: f64| {
        let endpoints = u64::from(connections) * 2;
        Memory {
            state,
            connections: u64::from(connections),
            rss_bytes: base * 2 + growth as u64,
            pss_bytes: base + growth as u64,
            pss_anon_bytes: base + growth as u64,
            page_tables_bytes: 65_536,
            maps: 120,
            allocated_bytes: 500_000 + (growth * 0.9) as u64,
            conn_buffer_bytes: (growth * 0.5) as u64,
            conn_state_bytes: 0,
            client: ProcessMemory::default(),
            kernel: KernelMemory {
                slab_tcp_bytes: endpoints * 2_304,
                slab_sock_inode_bytes: endpoints * 832,
                slab_filp_bytes: endpoints * 192,
                slab_dentry_bytes: endpoints * 192,
                ..KernelMemory::default()
            },
        }
    };
    vec![
        of(State::Before, 0, 0.0),
        of(State::Connected, cell.connections, bytes * 0.6),
        of(State::Active, cell.connections, bytes * 1.1),
        of(State::Used, cell.connections, bytes),
    ]
}

/// Two seconds of load; response times spread from half to eight times the median, the same shape for all.
fn load(mode: Mode, cell: Cell, frames: u64, cpu_ns: f64, p50_ns: f64, detailed: bool) -> Load {
    let quantiles = |scale: f64| quantiles(p50_ns * scale, frames);
    let hdr = |scale: f64| if detailed { encode(&histogram(p50_ns * scale, frames)) } else { String::new() };
    Load {
        mode,
        client: Report {
            schema: loadclient::report::SCHEMA,
            version: "0.1.0".into(),
            mode: if mode == Mode::Open { "open" } else { "saturate" }.into(),
            targets: vec!["tcp://127.0.0.2:20000".into()],
            seed: 1,
            processes: 1,
            threads: 1,
            payload_bytes: cell.payload_bytes,
            in_flight: 1,
            conns_asked: u64::from(cell.connections),
            conns_live: u64::from(cell.connections),
            conns_active: u64::from(cell.connections),
            conns_answered: u64::from(cell.connections),
            duration_ns: 2_000_000_000,
            frames_intended: frames,
            frames_sent: frames,
            frames_ok: frames,
            frames_wrong: 0,
            frames_unsent: 0,
            frames_unanswered: 0,
            errors: BTreeMap::new(),
            rate_intended_per_s: frames as f64 / 2.0,
            rate_achieved_per_s: frames as f64 / 2.0,
            response_ns: quantiles(1.0),
            service_ns: quantiles(0.9),
            lag_ns: quantiles(0.05),
            connect_ns: Quantiles::default(),
            lag_p99_ns_by_quarter: vec![4_000; 4],
            phases: Vec::new(),
            frames_per_write: 1.0,
            bytes_out: 0,
            bytes_in: 0,
            cpu_ns: frames * 9_200,
            spin_ns: 0,
            run_delay_ns: 0,
            thread_busy_max: 0.4,
            frames_ok_by_second: vec![frames / 2; 2],
            parts: Vec::new(),
            hdr: Histograms { response: hdr(1.0), service: hdr(0.9), lag: hdr(0.05), connect: String::new() },
            gates: Vec::new(),
            ..Report::default()
        },
        server: Usage { cpu_ns: (cpu_ns * frames as f64) as u64, voluntary_switches: frames / 2, ..Usage::default() },
        client_usage: Usage::default(),
        host: HostUsage { window_ns: 2_000_000_000, cpus: 2, ..HostUsage::default() },
        server_frames: frames,
        server_allocs: 0,
        connect_elapsed_ns: 0,
        gates: Vec::new(),
    }
}

/// The response time at a quantile: half the median at best, eight times the median at worst.
fn shape(p50_ns: f64, q: f64) -> f64 {
    p50_ns * (0.5 + 0.5 * (q * 2.0).min(1.0) + 7.0 * q.powi(40))
}

fn quantiles(p50_ns: f64, count: u64) -> Quantiles {
    let at = |q| Some(shape(p50_ns, q) as u64);
    Quantiles {
        count,
        infinite: 0,
        mean: Some(p50_ns),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: at(1.0),
    }
}

fn histogram(p50_ns: f64, frames: u64) -> Histogram<u64> {
    let mut histogram = Histogram::<u64>::new(3).expect("3 digits are allowed");
    for step in 0..1000 {
        let value = shape(p50_ns, f64::from(step) / 999.0);
        histogram.record_n(value as u64, frames / 1000).expect("in range");
    }
    histogram
}

fn encode(histogram: &Histogram<u64>) -> String {
    use base64::Engine;
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).expect("a vector takes everything");
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
