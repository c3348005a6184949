//! The report of one process, from what its threads measured.

use crate::gates;
use crate::payload::{Part, Payload};
use crate::report::{self, Histograms, PayloadMix, PayloadPart, Report, SCHEMA};
use crate::spec::{Close, Mode, Spec, Target};
use crate::tally::{ChurnTally, SlowTally, StreamTally, Tally};
use crate::worker::Outcome;

/// Adds the threads up. There is at least one.
pub(crate) fn report(spec: &Spec, outcomes: &[Outcome]) -> Report {
    let (first, others) = outcomes.split_first().expect("a load has at least one thread");
    let mut tally = first.tally.clone();
    for other in others {
        tally.merge(&other.tally);
    }
    let begin_ns = tally.window.begin_ns;
    let seconds = spec.duration_ns as f64 / 1e9;
    let completed: u64 = tally.completed_by_second.iter().sum();
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").into(),
        mode: spec.mode.name().into(),
        targets: spec.targets.iter().map(ToString::to_string).collect(),
        seed: spec.seed,
        processes: 1,
        threads: spec.threads,
        payload_bytes: if spec.mode.is_of_frames() { spec.payload.mean_bytes().round() as u32 } else { 0 },
        in_flight: match spec.mode {
            Mode::Saturate { in_flight } => in_flight,
            Mode::Open { in_flight_max, .. } => in_flight_max.unwrap_or(0),
            _ => 0,
        },
        conns_asked: spec.conns.into(),
        conns_live: sum(|o| o.conns_live),
        conns_active: sum(|o| o.conns_active),
        conns_answered: sum(|o| o.conns_answered),
        duration_ns: spec.duration_ns,
        frames_intended: tally.intended,
        frames_sent: tally.intended - tally.unsent,
        frames_ok: tally.ok,
        frames_wrong: tally.wrong,
        frames_unsent: tally.unsent,
        frames_unanswered: tally.unanswered,
        rate_intended_per_s: tally.intended as f64 / seconds,
        rate_achieved_per_s: completed as f64 / seconds,
        response_ns: tally.response.quantiles(),
        service_ns: tally.service.quantiles(),
        lag_ns: tally.lag.quantiles(),
        connect_ns: tally.connect.quantiles(),
        lag_p99_ns_by_quarter: tally.lag_by_quarter.iter().map(|q| q.quantile(0.99).unwrap_or(0)).collect(),
        frames_per_write: if tally.writes > 0 { tally.frames_written as f64 / tally.writes as f64 } else { 0.0 },
        bytes_out: tally.bytes_out,
        bytes_in: tally.bytes_in,
        cpu_ns: sum(|o| o.cpu_ns),
        spin_ns: sum(|o| o.spin_ns),
        run_delay_ns: sum(|o| o.run_delay_ns),
        thread_busy_max: outcomes.iter().map(|o| o.busy(spec.duration_ns)).fold(0.0, f64::max),
        hdr: Histograms {
            response: tally.response.encode(),
            service: tally.service.encode(),
            lag: tally.lag.encode(),
            connect: tally.connect.encode(),
        },
        phases: spec.phases.iter().zip(&tally.phases).map(|(asked, seen)| seen.report(asked, begin_ns)).collect(),
        payload: mix(&spec.payload, &tally),
        churn: tally.churn.as_ref().map(|counts| churn(spec, counts)),
        stream: tally.stream.as_ref().map(|counts| stream(spec, counts, sum(|o| o.cpu_ns - o.spin_ns))),
        slow_reader: tally.slow.as_ref().map(|counts| slow_reader(spec, counts)),
        gates: gates::judge(spec, outcomes, &tally),
        frames_ok_by_second: tally.completed_by_second,
        parts: tally.parts.to_vec(),
        errors: tally.errors,
    }
}

fn mix(payload: &Payload, tally: &Tally) -> Option<PayloadMix> {
    let Payload::Mix(mix) = payload else { return None };
    let part = |(part, &(frames, bytes)): (&Part, &(u64, u64))| PayloadPart {
        bytes_min: part.bytes_min.into(),
        bytes_max: part.bytes_max.into(),
        share_asked: part.percent / 100.0,
        frames,
        bytes,
    };
    Some(PayloadMix { text: payload.to_string(), parts: mix.parts().iter().zip(&tally.drawn).map(part).collect() })
}

fn stream(spec: &Spec, counts: &StreamTally, cpu_ns: u64) -> report::Stream {
    let Mode::Stream(bulk) = &spec.mode else { unreachable!("only bulk data counts its bytes") };
    let bytes_acked = counts.bytes_acked_by_second.iter().sum();
    report::Stream {
        bulk: bulk.frame.name().into(),
        source: bulk.source.to_string(),
        stream_bytes: bulk.stream_bytes,
        chunk_bytes: bulk.chunk_bytes.into(),
        streams_finished: counts.finished,
        streams_unfinished: counts.unfinished,
        bytes_acked,
        bytes_acked_by_second: counts.bytes_acked_by_second.clone(),
        rate_bytes_per_s: bytes_acked as f64 * 1e9 / spec.duration_ns as f64,
        cpu_ns_per_byte: report::cpu_per_byte(cpu_ns, bytes_acked),
    }
}

fn slow_reader(spec: &Spec, counts: &SlowTally) -> report::SlowReader {
    let Mode::SlowReader(slow) = spec.mode else { unreachable!("only slow readers have a backlog") };
    report::SlowReader {
        read_rate_bytes_per_s: slow.read_rate_bytes_per_s,
        rcvbuf_bytes: counts.rcvbuf_bytes,
        bytes_read: counts.bytes_read,
        conns_dropped: counts.conns_dropped,
        first_drop_ns: counts.first_drop_ns,
        backlog_bytes: counts.backlog_bytes,
        backlog_received_bytes: counts.backlog_received_bytes,
        backlog_unsent_bytes: counts.backlog_unsent_bytes,
        backlog_server_bytes: counts.backlog_bytes - counts.backlog_received_bytes - counts.backlog_unsent_bytes,
        frames_held_back: counts.frames_held_back,
    }
}

fn churn(spec: &Spec, counts: &ChurnTally) -> report::Churn {
    let Mode::Churn(churn) = spec.mode else { unreachable!("only churn counts its connections") };
    let over_tcp = spec.targets.iter().any(|target| matches!(target, Target::Tcp(_)));
    report::Churn {
        frames_per_conn: churn.frames,
        close: churn.close.name().into(),
        time_wait: if churn.close == Close::Fin && over_tcp { "client" } else { "none" }.into(),
        conns_opened: counts.opened_by_second.iter().sum(),
        conns_closed: counts.closed_by_second.iter().sum(),
        conns_failed: counts.failed_by_second.iter().sum(),
        conns_unclosed: counts.unclosed,
        conns_peak: counts.peak,
        opened_by_second: counts.opened_by_second.clone(),
        closed_by_second: counts.closed_by_second.clone(),
        failed_by_second: counts.failed_by_second.clone(),
        close_ns: counts.close.quantiles(),
        close_hdr: counts.close.encode(),
    }
}
