//! `/metrics`: the harness's counters as OpenMetrics, read when somebody asks.

use std::fmt::Error;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use rustix::time::{ClockId, clock_gettime};

use crate::context::{Context, Shared};
use crate::control::{Ready, Snapshot};
use crate::counters::{ACCEPT_ERRORS, Counters, PROTOCOL_ERRORS};
use crate::service::BOUNDS_NS;

/// All metrics of this process.
#[derive(Debug)]
pub(super) struct Metrics(Registry);

impl Metrics {
    pub(super) fn new(ready: &Ready) -> Self {
        let mut registry = Registry::with_prefix("crossover");
        let identity = [("engine", &ready.engine), ("variant", &ready.variant), ("version", &ready.version)]
            .map(|(key, value)| (key, value.clone()));
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        registry.register_collector(Box::new(Harness { identity, started }));
        Self(registry)
    }

    pub(super) fn encode(&self) -> Result<String, Error> {
        let mut body = String::new();
        text::encode(&mut body, &self.0)?;
        Ok(body)
    }

    /// The same in Prometheus's older text format, for those who ask for no other.
    pub(super) fn encode_classic(&self) -> Result<String, Error> {
        Ok(classic(&self.encode()?))
    }
}

/// OpenMetrics as the text format 0.0.4: there a counter's family is named as its samples are, and nothing tells
/// the unit or the end.
fn classic(open_metrics: &str) -> String {
    let counter = |name: &str| open_metrics.contains(&format!("# TYPE {name} counter\n"));
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
        let descriptor = line.strip_prefix("# ").map(|descriptor| descriptor.splitn(3, ' ').collect::<Vec<_>>());
        match descriptor.as_deref() {
            Some([keyword, name, value]) if counter(name) => {
                text.push_str(&format!("# {keyword} {name}_total {value}"));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// Reads the harness's counters at scrape time: serving pays nothing for it.
#[derive(Debug)]
struct Harness {
    identity: [(&'static str, String); 3],
    /// Seconds since 1970.
    started: f64,
}

impl Collector for Harness {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let now = Shared::get().snapshot();
        let contexts = Shared::get().contexts();
        // A gauge, as Prometheus's own info metrics are: its text format has no type `info`.
        let mut engine = encoder.encode_descriptor("engine_info", "Who serves here", None, MetricType::Gauge)?;
        ConstGauge::new(1_i64).encode(engine.encode_family(&self.identity.to_vec())?)?;
        counters(&mut encoder, &now)?;
        gauges(&mut encoder, &now, self.started)?;
        errors(&mut encoder, &contexts)?;
        workers(&mut encoder, &contexts)?;
        service_time(&mut encoder, &contexts)
    }
}

fn counters(encoder: &mut DescriptorEncoder<'_>, now: &Snapshot) -> Result<(), Error> {
    let bytes = Some(&Unit::Bytes);
    for (name, help, unit, value) in [
        ("accepts", "Connections accepted", None, now.accept_total),
        ("frames", "Frames answered", None, now.frames_total),
        ("received", "Bytes received from clients", bytes, now.bytes_in_total),
        ("sent", "Bytes sent to clients", bytes, now.bytes_out_total),
        ("rejected", "Connections refused at capacity (--max-conns)", None, now.rejected_total),
        ("timeouts", "Connections closed for being idle (--idle-timeout)", None, now.timeouts_total),
        (
            "write_queue_drops",
            "Connections closed for not taking their replies (--write-timeout)",
            None,
            now.write_queue_drops_total,
        ),
        ("allocations", "Calls to the allocator, of the whole process", None, now.allocs_total),
    ] {
        let metric = ConstCounter::new(value);
        metric.encode(encoder.encode_descriptor(name, help, unit, MetricType::Counter)?)?;
    }
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let spent = ConstCounter::new(spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9);
    let help = "CPU time, user and system, of the whole process";
    spent.encode(encoder.encode_descriptor("cpu", help, Some(&Unit::Seconds), MetricType::Counter)?)
}

fn gauges(encoder: &mut DescriptorEncoder<'_>, now: &Snapshot, started: f64) -> Result<(), Error> {
    let bytes = Some(&Unit::Bytes);
    for (name, help, unit, value) in [
        ("connections_open", "Connections open now", None, now.conns_open),
        ("allocated", "Bytes allocated and not freed", bytes, now.allocated_bytes),
        ("connection_buffers", "Protocol buffers that connections hold", bytes, now.conn_buffer_bytes),
        ("resident_memory", "Resident set of the process", bytes, resident_bytes()),
    ] {
        let metric = ConstGauge::new(value as i64);
        metric.encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)?;
    }
    let help = "When the process started, since 1970-01-01 UTC";
    ConstGauge::new(started).encode(encoder.encode_descriptor(
        "start_time",
        help,
        Some(&Unit::Seconds),
        MetricType::Gauge,
    )?)
}

fn errors(encoder: &mut DescriptorEncoder<'_>, contexts: &[&Context]) -> Result<(), Error> {
    let sum = |of: &dyn Fn(&Counters) -> u64| contexts.iter().map(|own| of(&own.counters)).sum::<u64>();
    let help = "Connections and datagrams that broke the protocol, by how";
    let mut family = encoder.encode_descriptor("protocol_errors", help, None, MetricType::Counter)?;
    for (index, kind) in PROTOCOL_ERRORS.iter().enumerate() {
        let count = sum(&|counters| counters.protocol_errors.of(index));
        count_of(&mut family, "kind", kind, count)?;
    }
    let mut family =
        encoder.encode_descriptor("accept_errors", "Failed accepts, by cause", None, MetricType::Counter)?;
    for (index, kind) in ACCEPT_ERRORS.iter().enumerate() {
        let count = sum(&|counters| counters.accept_errors.of(index));
        count_of(&mut family, "kind", kind, count)?;
    }
    Ok(())
}

fn workers(encoder: &mut DescriptorEncoder<'_>, contexts: &[&Context]) -> Result<(), Error> {
    let help = "Connections open now, by the worker that accepted them";
    let mut family = encoder.encode_descriptor("worker_connections", help, None, MetricType::Gauge)?;
    for (worker, own) in contexts.iter().enumerate() {
        let open = own.open.load(std::sync::atomic::Ordering::Relaxed);
        let labels = [("worker", worker.to_string())];
        ConstGauge::new(open as i64).encode(family.encode_family(&labels)?)?;
    }
    let mut family =
        encoder.encode_descriptor("worker_frames", "Frames answered, by worker", None, MetricType::Counter)?;
    for (worker, own) in contexts.iter().enumerate() {
        count_of(&mut family, "worker", &worker.to_string(), own.counters.frames.get())?;
    }
    Ok(())
}

fn service_time(encoder: &mut DescriptorEncoder<'_>, contexts: &[&Context]) -> Result<(), Error> {
    let help = "From reading a request to handing its reply to the kernel, sampled (one read of about 128); for watching, not for results";
    let count = |bucket: usize| contexts.iter().map(|own| own.counters.service.buckets[bucket].get()).sum::<u64>();
    let bounds = BOUNDS_NS.iter().map(|bound| *bound as f64 / 1e9).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.enumerate().map(|(bucket, bound)| (bound, count(bucket))).collect();
    let samples = buckets.iter().map(|(_, count)| count).sum();
    let sum_ns: u64 = contexts.iter().map(|own| own.counters.service.sum_ns.get()).sum();
    encoder
        .encode_descriptor("service_time", help, Some(&Unit::Seconds), MetricType::Histogram)?
        .encode_histogram::<NoLabelSet>(sum_ns as f64 / 1e9, samples, &buckets, None)
}

fn count_of(family: &mut MetricEncoder<'_>, label: &str, value: &str, count: u64) -> Result<(), Error> {
    let labels = [(label, value)];
    ConstCounter::new(count).encode(family.encode_family(&labels)?)
}

/// 0 where /proc cannot be read.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::classic;

    #[test]
    fn the_older_format_names_counters_as_their_samples() {
        let open_metrics = "# HELP a_bytes h i\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 3\n\
                            # HELP b h\n# TYPE b gauge\nb 1\n# EOF\n";
        let text = "# HELP a_bytes_total h i\n# TYPE a_bytes_total counter\na_bytes_total 3\n\
                    # HELP b h\n# TYPE b gauge\nb 1\n";
        assert_eq!(classic(open_metrics), text);
    }
}
