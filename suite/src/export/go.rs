//! The Go benchmark format, which `benchstat` compares.

use std::fmt::Write as _;

use crate::analyse::{Context, Metric};
use crate::record::{Mode, Trial};

use super::cells::gather;

/// The run in the Go benchmark data format (golang.org/design/14313-benchmark-format): one line a trial, so that
/// `benchstat A.txt B.txt` sees every repetition. Configuration lines come first. Only values that count.
///
/// Names are `BenchmarkEngine/variant=…/transport=…/conns=…/payload=…`; units are `ns/frame` and so on, one a metric, as
/// benchstat keys by unit.
#[must_use]
pub fn go(trials: &[Trial], context: &Context) -> String {
    let mut text = String::new();
    let plain = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
    for (key, value) in [
        ("goos", "linux"),
        ("pkg", "crossover"),
        ("cpu", &context.host.cpu),
        ("experiment", &context.experiment),
        ("profile", &context.profile),
        ("dirty", if context.dirty { "true" } else { "false" }),
    ] {
        let _ = writeln!(text, "{key}: {}", plain(value));
    }
    // Everything else is better when lower.
    let _ = writeln!(text, "Unit {} better=higher", unit(Metric::Throughput));
    for gathered in gather(trials) {
        let cell = gathered.cell;
        for value in &gathered.values {
            let frames = frames(trials, gathered.metric);
            let _ = writeln!(
                text,
                "Benchmark{}/variant={}/transport={}/conns={}/payload={} {frames} {value} {}",
                capitalised(gathered.engine),
                gathered.variant,
                cell.transport.name(),
                cell.connections,
                cell.payload_bytes,
                unit(gathered.metric)
            );
        }
    }
    text
}

/// Iterations, which the format demands and benchstat ignores: the frames of the load in the first trial that has it.
fn frames(trials: &[Trial], metric: Metric) -> u64 {
    let mode = metric.mode().unwrap_or(Mode::Open);
    let mut loads = trials.iter().flat_map(|trial| &trial.loads).filter(|load| load.mode == mode);
    loads.next().map_or(1, |load| load.client.frames_ok.max(1))
}

/// A benchmark's name goes on with an upper-case letter.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// One unit a metric.
const fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::ServerCpuOpen => "server-cpu-ns/frame",
        Metric::ResponseP50 => "response-p50-ns",
        Metric::ResponseP99 => "response-p99-ns",
        Metric::ResponseP999 => "response-p999-ns",
        Metric::ServiceP99 => "service-p99-ns",
        Metric::Throughput => "frames/s",
        Metric::ServerCpuSaturated => "server-cpu-saturated-ns/frame",
        Metric::SwitchesPerFrame => "switches/frame",
        Metric::AllocsPerFrame => "allocs/frame",
        Metric::ClientCpuOpen => "client-cpu-ns/frame",
        Metric::ConnectElapsed => "connect-ns",
        Metric::MemoryUser => "memory-user-B",
        Metric::MemoryKernel => "memory-kernel-B",
    }
}
