//! One report of several client processes: histograms are added, and quantiles computed anew. Nothing is averaged.

use thiserror::Error;

use crate::report::{Gate, Histograms, Part, PhaseReport, Quantiles, Report, each};
use crate::tally::{DecodeError, Latencies};

/// Reports that cannot be added.
#[derive(Debug, Error)]
pub enum MergeError {
    #[error("no report to merge")]
    Nothing,
    #[error("the reports differ in {what}: {first} and {other}")]
    Different { what: &'static str, first: String, other: String },
    #[error("the {what} {source}")]
    Histogram { what: &'static str, source: DecodeError },
}

impl Report {
    /// The report of all processes together, which ran the same load at the same time.
    ///
    /// Counts, rates and CPU times are sums; quantiles are those of the added histograms; of busy shares, and of
    /// lag by quarter (which has no histogram here), the largest is kept: a bound, not a quantile of the whole.
    ///
    /// # Errors
    /// There is nothing to merge, the loads were not the same, or a histogram does not decode.
    pub fn merge(reports: &[Self]) -> Result<Self, MergeError> {
        let [first, others @ ..] = reports else { return Err(MergeError::Nothing) };
        let mut sum = Sum::new(first)?;
        for other in others {
            sum.add(other)?;
        }
        Ok(sum.finish())
    }
}

struct Sum {
    report: Report,
    response: Latencies,
    service: Latencies,
    lag: Latencies,
    connect: Latencies,
    /// Writes in the window, from frames per write.
    writes: f64,
}

impl Sum {
    fn new(first: &Report) -> Result<Self, MergeError> {
        let [response, service, lag, connect] = histograms(first)?;
        Ok(Self { response, service, lag, connect, writes: writes(first), report: first.clone() })
    }

    fn add(&mut self, other: &Report) -> Result<(), MergeError> {
        let own = &mut self.report;
        same("schema", &own.schema, &other.schema)?;
        same("mode", &own.mode, &other.mode)?;
        same("payload_bytes", &own.payload_bytes, &other.payload_bytes)?;
        same("in_flight", &own.in_flight, &other.in_flight)?;
        same("duration_ns", &own.duration_ns, &other.duration_ns)?;
        let [response, service, lag, connect] = histograms(other)?;
        self.response.merge(&response);
        self.service.merge(&service);
        self.lag.merge(&lag);
        self.connect.merge(&connect);
        self.writes += writes(other);

        for target in &other.targets {
            if !own.targets.contains(target) {
                own.targets.push(target.clone());
            }
        }
        own.processes += other.processes;
        own.threads += other.threads;
        own.conns_asked += other.conns_asked;
        own.conns_live += other.conns_live;
        own.conns_active += other.conns_active;
        own.conns_answered += other.conns_answered;
        own.frames_intended += other.frames_intended;
        own.frames_sent += other.frames_sent;
        own.frames_ok += other.frames_ok;
        own.frames_wrong += other.frames_wrong;
        own.frames_unsent += other.frames_unsent;
        own.frames_unanswered += other.frames_unanswered;
        for (kind, count) in &other.errors {
            *own.errors.entry(kind.clone()).or_default() += count;
        }
        own.rate_intended_per_s += other.rate_intended_per_s;
        own.rate_achieved_per_s += other.rate_achieved_per_s;
        own.bytes_out += other.bytes_out;
        own.bytes_in += other.bytes_in;
        own.cpu_ns += other.cpu_ns;
        own.spin_ns += other.spin_ns;
        own.run_delay_ns += other.run_delay_ns;
        own.thread_busy_max = own.thread_busy_max.max(other.thread_busy_max);
        each(&mut own.lag_p99_ns_by_quarter, &other.lag_p99_ns_by_quarter, |own, other| *own = (*own).max(other));
        each(&mut own.frames_ok_by_second, &other.frames_ok_by_second, |own, other| *own += other);
        same("phases", &own.phases.len(), &other.phases.len())?;
        for (own, other) in own.phases.iter_mut().zip(&other.phases) {
            add_phase(own, other)?;
        }
        if let (Some(own), Some(other)) = (&mut own.payload, &other.payload) {
            same("payload", &own.text, &other.text)?;
            own.add(other);
        }
        if let (Some(own), Some(other)) = (&mut own.churn, &other.churn) {
            same("close", &own.close, &other.close)?;
            same("frames_per_conn", &own.frames_per_conn, &other.frames_per_conn)?;
            own.add(other)?;
        }
        if let (Some(stream), Some(other)) = (&mut own.stream, &other.stream) {
            same("bulk", &stream.bulk, &other.bulk)?;
            same("stream_bytes", &stream.stream_bytes, &other.stream_bytes)?;
            same("chunk_bytes", &stream.chunk_bytes, &other.chunk_bytes)?;
            stream.add(other, own.cpu_ns - own.spin_ns);
        }
        if let (Some(own), Some(other)) = (&mut own.slow_reader, &other.slow_reader) {
            same("read_rate_bytes_per_s", &own.read_rate_bytes_per_s, &other.read_rate_bytes_per_s)?;
            own.add(other);
        }
        own.parts.resize(own.parts.len().max(other.parts.len()), Part::default());
        own.parts.iter_mut().zip(&other.parts).for_each(|(own, other)| own.merge(*other));
        for gate in &other.gates {
            add_gate(&mut own.gates, gate);
        }
        Ok(())
    }

    fn finish(self) -> Report {
        let mut report = self.report;
        report.frames_per_write = if self.writes > 0.0 { report.frames_sent as f64 / self.writes } else { 0.0 };
        report.response_ns = self.response.quantiles();
        report.service_ns = self.service.quantiles();
        report.lag_ns = self.lag.quantiles();
        report.connect_ns = self.connect.quantiles();
        report.hdr = Histograms {
            response: self.response.encode(),
            service: self.service.encode(),
            lag: self.lag.encode(),
            connect: self.connect.encode(),
        };
        report
    }
}

/// A phase's histograms are added at once: there are few, and they are not merged a thousand times.
fn add_phase(own: &mut PhaseReport, other: &PhaseReport) -> Result<(), MergeError> {
    same("phase duration_ns", &own.duration_ns, &other.duration_ns)?;
    own.rate_begin_per_s += other.rate_begin_per_s;
    own.rate_end_per_s += other.rate_end_per_s;
    own.frames_intended += other.frames_intended;
    own.frames_ok += other.frames_ok;
    own.frames_unsent += other.frames_unsent;
    own.frames_unanswered += other.frames_unanswered;
    let add = |text: &mut String, quantiles: &mut Quantiles, other_text: &str, other: &Quantiles| {
        let decode = |text: &str, infinite| {
            Latencies::decode(text, infinite).map_err(|source| MergeError::Histogram { what: "phase", source })
        };
        let mut sum = decode(text, quantiles.infinite)?;
        sum.merge(&decode(other_text, other.infinite)?);
        (*text, *quantiles) = (sum.encode(), sum.quantiles());
        Ok(())
    };
    add(&mut own.hdr.response, &mut own.response_ns, &other.hdr.response, &other.response_ns)?;
    add(&mut own.hdr.service, &mut own.service_ns, &other.hdr.service, &other.service_ns)?;
    add(&mut own.hdr.lag, &mut own.lag_ns, &other.hdr.lag, &other.lag_ns)
}

fn histograms(report: &Report) -> Result<[Latencies; 4], MergeError> {
    let decode = |what, text: &str, infinite| {
        Latencies::decode(text, infinite).map_err(|source| MergeError::Histogram { what, source })
    };
    Ok([
        decode("response", &report.hdr.response, report.response_ns.infinite)?,
        decode("service", &report.hdr.service, report.service_ns.infinite)?,
        decode("lag", &report.hdr.lag, report.lag_ns.infinite)?,
        decode("connect", &report.hdr.connect, report.connect_ns.infinite)?,
    ])
}

fn writes(report: &Report) -> f64 {
    if report.frames_per_write > 0.0 { report.frames_sent as f64 / report.frames_per_write } else { 0.0 }
}

fn same<T: PartialEq + ToString>(what: &'static str, first: &T, other: &T) -> Result<(), MergeError> {
    if first == other {
        return Ok(());
    }
    Err(MergeError::Different { what, first: first.to_string(), other: other.to_string() })
}

/// A gate that tripped in one process has tripped for all; it is named once, with every detail.
fn add_gate(gates: &mut Vec<Gate>, other: &Gate) {
    match gates.iter_mut().find(|gate| gate.gate == other.gate) {
        Some(gate) => {
            gate.detail.push_str("; ");
            gate.detail.push_str(&other.detail);
        }
        None => gates.push(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SCHEMA;

    fn part(responses: std::ops::RangeInclusive<u64>, infinite: u64, gate: &str) -> Report {
        let mut response = Latencies::new();
        responses.for_each(|ns| response.record(ns));
        response.record_infinite(infinite);
        let empty = Latencies::new();
        let none = empty.encode();
        let hdr = Histograms { response: response.encode(), service: none.clone(), lag: none.clone(), connect: none };
        let gate = Gate { gate: gate.into(), detail: infinite.to_string() };
        let json = serde_json::json!({
            "schema": SCHEMA, "version": "0", "mode": "open", "targets": ["tcp://127.0.0.1:1"], "seed": 1,
            "processes": 1, "threads": 2, "payload_bytes": 64, "in_flight": 0, "conns_asked": 10, "conns_live": 10,
            "conns_active": 10, "conns_answered": 10, "duration_ns": 1000, "frames_intended": response.count() + infinite,
            "frames_sent": response.count(), "frames_ok": response.count(), "frames_wrong": 0, "frames_unsent": infinite,
            "frames_unanswered": 0, "errors": {"eof": 1}, "rate_intended_per_s": 5.0, "rate_achieved_per_s": 4.0,
            "response_ns": response.quantiles(), "service_ns": empty.quantiles(), "lag_ns": empty.quantiles(),
            "connect_ns": empty.quantiles(), "lag_p99_ns_by_quarter": [1, infinite, 3, 4],
            "frames_per_write": response.count() as f64 / 10.0, "bytes_out": 7, "bytes_in": 8, "cpu_ns": 9,
            "spin_ns": 1, "run_delay_ns": 2, "thread_busy_max": infinite as f64 / 100.0,
            "frames_ok_by_second": vec![1; 1 + usize::from(infinite > 5)],
            "hdr": hdr, "gates": [gate],
        });
        serde_json::from_value(json).expect("all fields are there")
    }

    #[test]
    fn a_merged_report_is_the_report_of_all_samples() {
        let merged = Report::merge(&[part(1..=600, 4, "lag"), part(601..=989, 7, "lag")]).expect("alike");
        let q = merged.response_ns;
        // 989 finite of 1 000: the 990th is infinite.
        assert_eq!((q.count, q.infinite, q.p50, q.p90, q.p99), (989, 11, Some(500), Some(900), None));
        assert_eq!((merged.processes, merged.threads, merged.conns_live, merged.frames_ok), (2, 4, 20, 989));
        assert_eq!((merged.rate_achieved_per_s, merged.errors["eof"], merged.cpu_ns), (8.0, 2, 18));
        assert_eq!(merged.frames_per_write, 989.0 / 20.0);
        assert_eq!(merged.lag_p99_ns_by_quarter, [1, 7, 3, 4]);
        assert_eq!(merged.frames_ok_by_second, [2, 1]);
        assert_eq!(merged.thread_busy_max, 0.07);
        assert_eq!(merged.gates, [Gate { gate: "lag".into(), detail: "4; 7".into() }]);
        assert_eq!(merged.targets.len(), 1);
    }

    #[test]
    fn merging_in_any_order_is_the_same_and_one_is_itself() {
        let [a, b, c] = [part(1..=10, 0, "a"), part(5..=500, 3, "b"), part(900..=901, 1, "c")];
        let all = Report::merge(&[a.clone(), b.clone(), c.clone()]).expect("alike");
        let nested = Report::merge(&[Report::merge(&[a.clone(), b]).expect("alike"), c]).expect("alike");
        assert_eq!(all, nested);
        assert_eq!(Report::merge(std::slice::from_ref(&a)).expect("alike"), a);
    }

    #[test]
    fn different_loads_are_not_merged() {
        let (a, mut b) = (part(1..=2, 0, "a"), part(1..=2, 0, "a"));
        b.payload_bytes = 65;
        let error = Report::merge(&[a.clone(), b]).expect_err("payloads differ");
        assert_eq!(error.to_string(), "the reports differ in payload_bytes: 64 and 65");
        let mut c = part(1..=2, 0, "a");
        c.hdr.lag = "?".into();
        assert!(Report::merge(&[a, c]).is_err());
        assert!(matches!(Report::merge(&[]), Err(MergeError::Nothing)));
    }
}
