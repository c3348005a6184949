//! What the command line means, with every contradiction refused.

use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use super::args::Args;
use super::mode::{self, Mode};
use super::target::Target;
use crate::payload::Payload;
use crate::schedule::Phase;

pub use super::args::Shape;

/// The largest ECHO payload that fits an IPv4 UDP datagram with its frame header.
const UDP_PAYLOAD_BYTES_MAX: u16 = 65_507 - 3;
const PAYLOAD_DEFAULT: Payload = Payload::Fixed(64);
/// A datagram of a mix must carry its whole stamp: replies are told apart by it, and only then is their length known.
const UDP_MIX_BYTES_MIN: u16 = 8;

/// A request that can be carried out as far as its own words go; [`crate::preflight`] asks the host.
#[derive(Debug, Clone)]
pub struct Spec {
    pub targets: Vec<Target>,
    pub mode: Mode,
    /// At least 1.
    pub conns: u32,
    /// Connections that carry load: 1..=`conns`, spread evenly over them.
    pub active: u32,
    /// Of each request, in the modes that send frames.
    pub payload: Payload,
    pub duration_ns: u64,
    /// Of an open load whose rate changes: what the window consists of. Empty for one rate.
    pub phases: Vec<Phase>,
    pub warmup_ns: u64,
    pub grace_ns: u64,
    /// 1..=`conns`.
    pub threads: u32,
    pub cpus: Vec<usize>,
    pub connect_rate_per_s: f64,
    pub source_addresses: Vec<IpAddr>,
    /// First and last of the source ports to take; `None` is the host's range.
    pub source_ports: Option<(u16, u16)>,
    pub connect_timeout_ns: u64,
    pub timeout_ns: u64,
    pub queue_max: u32,
    pub seed: u64,
    pub verify: bool,
    pub spin_ns: u64,
    /// `None` leaves the system's choice.
    pub congestion: Option<String>,
    pub nodelay: bool,
    pub hold: bool,
    pub linger: bool,
    pub verbose: bool,
}

/// A command line that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    #[error("--conns is missing: how many connections to open")]
    NoConns,
    #[error("--mode {0} needs --rate (frames/s per active connection), --total-rate (their sum){1}")]
    NoRate(&'static str, &'static str),
    #[error("--mode slow-reader needs --read-rate: how many bytes each connection reads per second")]
    NoReadRate,
    #[error(
        "--conns {conns} and --in-flight {in_flight} both say how many connections are open at a time: leave one out"
    )]
    TwiceAtOnce { conns: u32, in_flight: u32 },
    #[error("--total-rate is on a schedule, --in-flight as fast as possible: choose one (--conns bounds a schedule)")]
    PacedInFlight,
    #[error("--mode {0} needs connections, which udp:// targets have not: give tcp:// or unix:// ones")]
    NoDatagrams(&'static str),
    #[error("--close rst is TCP's: unix:// connections have no reset and no TIME_WAIT, leave it out")]
    UnixReset,
    #[error("--{option} has no meaning in --mode {mode}: leave it out")]
    Meaningless { option: &'static str, mode: &'static str },
    #[error("--{0} must be longer than 0s")]
    ZeroTime(&'static str),
    #[error("--payload {0} does not fit a UDP datagram: at most {UDP_PAYLOAD_BYTES_MAX} for udp:// targets")]
    DatagramTooLarge(u16),
    #[error(
        "--payload mixes down to {0} bytes: at least {UDP_MIX_BYTES_MIN} for udp:// targets, to tell replies apart"
    )]
    DatagramTooSmall(u16),
    #[error("--srcips has IPv4 addresses, but the target {0} is not an IPv4 address: leave one of them out")]
    SourceFamily(Target),
    #[error("the total rate of {0} frames/s is above one a nanosecond: lower --rate")]
    RateTooHigh(String),
}

impl Spec {
    /// How long the first use of every active connection takes, before the warm-up: an open load picks
    /// connections at random and might leave some out, a heartbeat may come after the window's end; the closed one
    /// starts on all of them by itself.
    #[must_use]
    pub fn touch_ns(&self) -> u64 {
        match self.mode {
            Mode::Open { .. } | Mode::Hold { heartbeat: Some(_) } => {
                (f64::from(self.active) * 1e9 / self.connect_rate_per_s) as u64
            }
            _ => 0,
        }
    }
}

impl TryFrom<Args> for Spec {
    type Error = SpecError;

    fn try_from(args: Args) -> Result<Self, SpecError> {
        let conns = mode::conns(&args)?;
        let active = ((f64::from(conns) * args.active_frac.unwrap_or(1.0)).round() as u32).clamp(1, conns);
        let mode = mode::mode(&args, active)?;
        let payload = args.payload.clone().unwrap_or(PAYLOAD_DEFAULT).seeded(args.seed);
        if args.duration == 0 {
            return Err(SpecError::ZeroTime("duration"));
        }
        if args.connect_timeout == 0 {
            return Err(SpecError::ZeroTime("connect-timeout"));
        }
        if args.timeout == 0 {
            return Err(SpecError::ZeroTime("timeout"));
        }
        if args.targets.iter().any(Target::is_datagram) {
            let (min, max) = payload.bounds();
            if max > UDP_PAYLOAD_BYTES_MAX {
                return Err(SpecError::DatagramTooLarge(max));
            }
            if matches!(payload, Payload::Mix(_)) && min < UDP_MIX_BYTES_MIN {
                return Err(SpecError::DatagramTooSmall(min));
            }
        }
        let source_addresses: Vec<IpAddr> =
            args.srcips.map_or_else(Vec::new, |list| list.0.into_iter().map(Ipv4Addr::into).collect());
        if !source_addresses.is_empty()
            && let Some(other) = args.targets.iter().find(|target| !target.socket_addr().is_some_and(|a| a.is_ipv4()))
        {
            return Err(SpecError::SourceFamily(other.clone()));
        }
        let duration_ns =
            args.phases.as_ref().map_or(args.duration, |phases| phases.0.iter().map(|phase| phase.length_ns).sum());
        Ok(Self {
            targets: args.targets,
            mode,
            conns,
            active,
            payload,
            duration_ns,
            phases: args.phases.map_or_else(Vec::new, |phases| phases.0),
            warmup_ns: args.warmup,
            grace_ns: args.grace,
            threads: args.threads.min(conns),
            cpus: args.cpus.map_or_else(Vec::new, |list| list.0),
            connect_rate_per_s: args.connect_rate,
            source_addresses,
            source_ports: args.ports,
            connect_timeout_ns: args.connect_timeout,
            timeout_ns: args.timeout,
            queue_max: args.queue,
            seed: args.seed,
            verify: args.verify,
            spin_ns: u64::from(args.spin_us) * 1000,
            congestion: Some(args.congestion).filter(|name| name != "system"),
            nodelay: args.nodelay,
            hold: args.hold,
            linger: args.linger,
            verbose: args.verbose,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::spec::{Bulk, BulkFrame, BulkSource, Churn, Close};

    fn parse(line: &str) -> Result<Spec, String> {
        let args = Args::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        Spec::try_from(args).map_err(|error| error.to_string())
    }

    fn check(line: &str, expected_in_error: &str) {
        let error = parse(&format!("loadclient {line}")).expect_err(line);
        assert!(error.contains(expected_in_error), "{line}: {error}");
    }

    #[test]
    fn wrong_requests_are_refused_with_their_name() {
        let tcp = "--target tcp://127.0.0.1:1";
        check(&format!("{tcp} --conns 1"), "--rate");
        check(&format!("{tcp} --conns 0 --rate 1"), "--conns");
        check(&format!("{tcp} --conns 1 --rate 0"), "above 0");
        check(&format!("{tcp} --conns 1 --rate 1 --total-rate 1"), "cannot be used with");
        check(&format!("{tcp} --conns 1 --rate 1 --phases 1s@1"), "cannot be used with");
        check(&format!("{tcp} --conns 1 --duration 1s --phases 1s@1"), "cannot be used with");
        check(&format!("{tcp} --conns 1 --mode saturate --phases 1s@1"), "--phases has no meaning in --mode saturate");
        check(&format!("{tcp} --conns 1 --phases 1s"), "LENGTH@RATE");
        check(&format!("{tcp} --conns 1 --rate 1 --payload 65536"), "65536");
        check(&format!("{tcp} --conns 1 --rate 1 --duration 0s"), "--duration");
        check(&format!("{tcp} --conns 1 --rate 1 --duration 5"), "500ms");
        check(&format!("{tcp} --conns 1 --mode hold --in-flight 2"), "--in-flight has no meaning in --mode hold");
        check(&format!("{tcp} --conns 1 --mode saturate --rate 2"), "--rate has no meaning in --mode saturate");
        check(&format!("{tcp} --conns 1 --mode saturate --heartbeat 1s"), "--heartbeat has no meaning");
        check(&format!("{tcp} --conns 1 --mode hold --heartbeat 0s"), "--heartbeat must be");
        check(&format!("{tcp} --conns 2 --rate 1e9"), "above one a nanosecond");
        check(&format!("{tcp} --conns 1 --rate 1 --active-frac 1.5"), "at most 1");
        check("--conns 1 --rate 1", "--target");
        check("--target 127.0.0.1:1 --conns 1 --rate 1", "tcp://ADDRESS:PORT");
        check("--target tcp://localhost:1 --conns 1 --rate 1", "localhost:1");
        check("--target tcp://127.0.0.1:0 --conns 1 --rate 1", "port 0");
        check("--target unix:// --conns 1 --rate 1", "path is empty");
        check("--target udp://127.0.0.1:1 --conns 1 --rate 1 --payload 65505", "UDP datagram");
        check("--target unix:///x --conns 1 --rate 1 --srcips 127.0.0.1", "--srcips");
        check("--target udp://127.0.0.1:1 --conns 1 --rate 1 --payload 4:50%,64:50%", "at least 8");
        check("--target udp://127.0.0.1:1 --conns 1 --rate 1 --payload 64-65536", "UDP datagram");
        check(&format!("{tcp} --conns 1 --rate 1 --payload 64:90%"), "not to 100 %");
    }

    #[test]
    fn modes_refuse_what_they_cannot_mean() {
        let tcp = "--target tcp://127.0.0.1:1";
        check(&format!("{tcp} --rate 1"), "--conns is missing");
        check(&format!("{tcp} --mode churn --conns 1 --rate 1"), "--rate has no meaning in --mode churn");
        check(&format!("{tcp} --mode churn --conns 2 --in-flight 3"), "--conns 2 and --in-flight 3");
        check(&format!("{tcp} --mode churn --total-rate 2 --in-flight 3"), "choose one");
        check(&format!("{tcp} --mode churn --schedule fixed"), "--schedule has no meaning in --mode churn without");
        check("--target udp://127.0.0.1:1 --mode churn", "needs connections");
        check("--target unix:///x --mode churn --close rst", "--close rst is TCP's");
        check(&format!("{tcp} --mode stream --conns 1 --payload 5"), "--payload has no meaning in --mode stream");
        check(&format!("{tcp} --mode stream --conns 1 --chunk 65536"), "65536");
        check(&format!("{tcp} --mode stream --conns 1 --stream-bytes 0"), "above 0");
        check(&format!("{tcp} --mode stream --conns 1 --source disk"), "sendfile:FILE");
        check("--target udp://127.0.0.1:1 --mode stream --conns 1", "needs connections");
        check(&format!("{tcp} --mode slow-reader --conns 1 --rate 1"), "needs --read-rate");
        check(&format!("{tcp} --mode slow-reader --conns 1 --read-rate 1"), "--mode slow-reader needs --rate");
        check(&format!("{tcp} --mode open --conns 1 --rate 1 --close fin"), "--close has no meaning in --mode open");
        check(&format!("{tcp} --conns 1 --rate 1 --ports 9-8"), "backwards");
    }

    #[test]
    fn modes_have_their_defaults() {
        let of = |line: &str| parse(&format!("loadclient --target tcp://127.0.0.1:1 {line}")).expect(line);
        let churn = of("--mode churn --total-rate 5");
        assert_eq!(churn.conns, 1024);
        let expected = Churn { pace: Some((5.0, Shape::Poisson)), frames: 1, close: Close::Fin };
        assert_eq!(churn.mode, Mode::Churn(expected));
        let churn = of("--mode churn --in-flight 7 --frames 3 --close rst");
        assert_eq!(churn.conns, 7);
        assert_eq!(churn.mode, Mode::Churn(Churn { pace: None, frames: 3, close: Close::Rst }));
        let stream = of("--mode stream --conns 2 --stream-bytes 1GiB --source splice:/a:b");
        let source = BulkSource::Splice("/a:b".into());
        let bulk = Bulk { frame: BulkFrame::Stream, stream_bytes: 1 << 30, chunk_bytes: 65535, source };
        assert_eq!(stream.mode, Mode::Stream(bulk));
    }

    #[test]
    fn rates_are_sums() {
        let spec = parse("loadclient --target tcp://127.0.0.1:1 --conns 10 --active-frac 0.5 --rate 3").expect("valid");
        assert_eq!(spec.active, 5);
        assert_eq!(spec.mode, Mode::Open { total_rate_per_s: 15.0, shape: Shape::Poisson, in_flight_max: None });
    }

    #[test]
    fn phases_make_the_window() {
        let line = "loadclient --target tcp://127.0.0.1:1 --conns 10 --phases 1s@100,2s@100..400";
        let spec = parse(line).expect("valid");
        assert_eq!((spec.duration_ns, spec.phases.len()), (3_000_000_000, 2));
        assert_eq!(spec.mode, Mode::Open { total_rate_per_s: 200.0, shape: Shape::Poisson, in_flight_max: None });
    }

    #[test]
    fn no_more_threads_than_connections() {
        let spec = parse("loadclient --target unix:///x --conns 2 --threads 8 --mode saturate").expect("valid");
        assert_eq!((spec.threads, spec.mode), (2, Mode::Saturate { in_flight: 1 }));
    }
}
