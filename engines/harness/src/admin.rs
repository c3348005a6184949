//! The side port: `/metrics` (OpenMetrics) and `/healthz`, on a thread of their own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::context::Shared;

/// A scraper that does not send its request in this time is let go: the port has one thread.
const REQUEST_MAX: Duration = Duration::from_secs(2);

/// Starts serving on `addr`.
pub(crate) fn start(addr: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(addr)?;
    let mut registry = Registry::with_prefix("crossover");
    registry.register_collector(Box::new(Harness));
    std::thread::Builder::new().name("metrics".into()).spawn(move || {
        for stream in listener.incoming() {
            match stream {
                // A scraper that goes away early is its own business.
                Ok(stream) => drop(answer(stream, &registry)),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    })?;
    Ok(())
}

fn answer(mut stream: TcpStream, registry: &Registry) -> io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_MAX))?;
    stream.set_write_timeout(Some(REQUEST_MAX))?;
    let mut request = String::new();
    let mut reader = BufReader::new(io::Read::take(&stream, 8192));
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let mut words = request.split(' ');
    let (status, content_type, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, registry).map_err(io::Error::other)?;
            ("200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
        }
        (Some("GET"), Some("/healthz")) => ("200 OK", "text/plain", "ok\n".to_owned()),
        (Some("GET"), Some(_)) => ("404 Not Found", "text/plain", "try /metrics or /healthz\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", "GET only\n".to_owned()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Reads the harness's counters at scrape time: serving pays nothing for being watched.
#[derive(Debug)]
struct Harness;

impl Collector for Harness {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let now = Shared::get().snapshot();
        let counters = [
            ("accepts", "Connections accepted", now.accept_total),
            ("frames", "Frames answered", now.frames_total),
            ("bytes_in", "Bytes received", now.bytes_in_total),
            ("bytes_out", "Bytes sent", now.bytes_out_total),
            ("protocol_errors", "Connections and datagrams that broke the protocol", now.protocol_errors_total),
            ("rejected", "Connections refused at capacity", now.rejected_total),
            ("timeouts", "Connections closed for being idle", now.timeouts_total),
            ("write_queue_drops", "Connections closed for not taking their replies", now.write_queue_drops_total),
            ("accept_errors", "Failed accepts", now.accept_errors_total),
            ("allocations", "Calls to the allocator", now.allocs_total),
        ];
        for (name, help, value) in counters {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        let gauges = [
            ("connections_open", "Connections open now", now.conns_open),
            ("allocated_bytes", "Bytes allocated and not freed", now.allocated_bytes),
            ("connection_buffer_bytes", "Protocol buffers that connections hold", now.conn_buffer_bytes),
        ];
        for (name, help, value) in gauges {
            let metric = ConstGauge::new(value as i64);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        let mut per_worker = encoder.encode_descriptor(
            "worker_connections",
            "Connections open now, by worker",
            None,
            prometheus_client::metrics::MetricType::Gauge,
        )?;
        for (worker, open) in now.conns_per_worker.iter().enumerate() {
            let labels = [("worker", worker.to_string())];
            ConstGauge::new(*open as i64).encode(per_worker.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
