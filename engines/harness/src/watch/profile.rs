//! `/debug/pprof/profile`: where the engine's threads spend their CPU time.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::flame;
use super::http::{Request, Response};
use super::perf::{self, PERIOD_NS, enable};
use super::pprof::Builder;
use super::ring::{Record, Ring};
use super::stacks::Stacks;
use super::symbols::{Function, Symbols};

const SECONDS_DEFAULT: u64 = 30;
const SECONDS_MAX: u64 = 300;
/// Samples are taken off the kernel's hands this often; its buffers hold more.
const STEP: Duration = Duration::from_millis(10);

/// One profile at a time: two would measure each other.
static BUSY: Mutex<()> = Mutex::new(());

/// Takes the profile that is asked for, and answers when it is over.
pub(super) fn answer(request: &Request, client: &TcpStream, flamegraph: bool) -> Response {
    let (duration, flamegraph) = match asked(&request.query, flamegraph) {
        Ok(asked) => asked,
        Err(reason) => return Response::error("400 Bad Request", reason),
    };
    if request.head_only {
        return Response::ok(content_type(flamegraph), []);
    }
    let Ok(_alone) = BUSY.try_lock() else {
        return Response::error("409 Conflict", "another profile is being taken: ask again when it is over");
    };
    let profile = match Profile::take(duration, || has_gone(client)) {
        Ok(profile) => profile,
        Err(error) => {
            let advice = "the kernel's sampling is not to be had here (perf_event_open; \
                          see kernel.perf_event_paranoid, CAP_PERFMON, or the container's seccomp filter)";
            return Response::error("501 Not Implemented", format!("{advice}: {error}"));
        }
    };
    match flamegraph {
        true => match flame::svg("CPU time", &profile.folded()) {
            Ok(svg) => Response::ok(content_type(true), svg),
            // inferno draws nothing of nothing.
            Err(error) => Response::error("503 Service Unavailable", format!("{error}: was the engine idle?")),
        },
        false => Response::ok(content_type(false), profile.pprof())
            .header("Content-Disposition", "attachment; filename=\"profile.pb.gz\""),
    }
}

const fn content_type(flamegraph: bool) -> &'static str {
    if flamegraph { "image/svg+xml" } else { "application/octet-stream" }
}

/// How long, and whether as a flame graph; or what is wrong with the query.
fn asked(query: &[(String, String)], mut flamegraph: bool) -> Result<(Duration, bool), String> {
    let mut seconds = SECONDS_DEFAULT;
    for (name, value) in query {
        match (name.as_str(), value.as_str()) {
            ("seconds", text) => {
                let in_range = text.parse().ok().filter(|seconds| (1..=SECONDS_MAX).contains(seconds));
                seconds =
                    in_range.ok_or_else(|| format!("seconds={text}: write a whole number from 1 to {SECONDS_MAX}"))?;
            }
            ("format", "flamegraph") => flamegraph = true,
            ("format", "pprof") => flamegraph = false,
            ("format", other) => return Err(format!("format={other}: write pprof or flamegraph")),
            (other, _) => return Err(format!("{other}: only seconds and format can be given")),
        }
    }
    Ok((Duration::from_secs(seconds), flamegraph))
}

/// Whether the client has closed its connection; one that has only ended its side still waits.
fn has_gone(client: &TcpStream) -> bool {
    let mut fds = [PollFd::new(client, PollFlags::empty())];
    matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(n) if n > 0)
}

/// Samples, counted by where they were taken.
struct Profile {
    stacks: Stacks,
    counts: HashMap<Place, u64>,
    threads: BTreeMap<i32, String>,
    lost: u64,
    /// Time in the kernel is sampled, too.
    kernel: bool,
    began: SystemTime,
    duration: Duration,
}

#[derive(PartialEq, Eq, Hash)]
struct Place {
    thread: i32,
    in_kernel: bool,
    /// The innermost first.
    addresses: Vec<u64>,
}

impl Profile {
    /// Samples every thread of the process but this one, for `duration` or until `is_over`.
    fn take(duration: Duration, is_over: impl Fn() -> bool) -> io::Result<Self> {
        let stacks = Stacks::new()?;
        let own = rustix::thread::gettid().as_raw_nonzero().get();
        let mut threads = BTreeMap::new();
        let (mut rings, mut kernel) = (Vec::new(), true);
        for (tid, name) in threads_now()?.into_iter().filter(|(tid, _)| *tid != own) {
            let event = match perf::open(tid, kernel) {
                Err(error) if kernel && error.kind() == io::ErrorKind::PermissionDenied => {
                    kernel = false;
                    perf::open(tid, false)
                }
                opened => opened,
            };
            match event {
                Ok(event) => rings.push((tid, Ring::new(event)?)),
                // It has ended meanwhile.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => continue,
                Err(error) => return Err(error),
            }
            threads.insert(tid, name);
        }
        let began = SystemTime::now();
        let mut profile = Self { stacks, counts: HashMap::new(), threads, lost: 0, kernel, began, duration };
        rings.iter().try_for_each(|(_, ring)| enable(ring.event()))?;
        let begun = Instant::now();
        while begun.elapsed() < duration && !is_over() {
            sleep(STEP);
            for (tid, ring) in &mut rings {
                ring.drain(|record| profile.add(*tid, record));
            }
        }
        profile.duration = begun.elapsed();
        Ok(profile)
    }

    fn add(&mut self, thread: i32, record: Record<'_>) {
        match record {
            Record::Lost(count) => self.lost += count,
            Record::Sample { in_kernel, body } => {
                let Some(sample) = perf::snapshot(in_kernel, body) else { return };
                let mut addresses = Vec::new();
                self.stacks.unwind(&sample, &mut addresses);
                *self.counts.entry(Place { thread, in_kernel: sample.in_kernel, addresses }).or_insert(0) += 1;
            }
        }
    }

    fn pprof(&self) -> Vec<u8> {
        let mut symbols = Symbols::new(&self.stacks.modules);
        let mut builder = Builder::new(&[("samples", "count"), ("cpu", "nanoseconds")]);
        let since = self.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        builder.times(since.as_nanos() as u64, self.duration.as_nanos() as u64);
        builder.period(("cpu", "nanoseconds"), PERIOD_NS);
        builder.modules(&self.stacks.modules);
        if !self.kernel {
            builder.comment("user time only: kernel.perf_event_paranoid hides the time in system calls");
        }
        if self.lost > 0 {
            builder.comment(&format!("{} samples were lost", self.lost));
        }
        for (place, count) in &self.counts {
            let mut locations = Vec::with_capacity(place.addresses.len() + 1);
            if place.in_kernel {
                locations.push(builder.location(0, None, &[in_kernel()]));
            }
            for address in &place.addresses {
                let module = symbols.module(*address);
                locations.push(builder.location(*address, module, symbols.at(*address)));
            }
            builder.sample(&locations, &[*count, count * PERIOD_NS], Some(("thread", &self.threads[&place.thread])));
        }
        builder.finish()
    }

    /// A line a place: `thread;outermost;…;innermost count`.
    fn folded(&self) -> Vec<String> {
        let mut symbols = Symbols::new(&self.stacks.modules);
        let line = |(place, count): (&Place, &u64)| {
            let mut frames = vec![flame::frame(&self.threads[&place.thread])];
            for address in place.addresses.iter().rev() {
                frames.extend(symbols.at(*address).iter().rev().map(|function| flame::frame(&function.name)));
            }
            if place.in_kernel {
                frames.push(in_kernel().name);
            }
            format!("{} {count}", frames.join(";"))
        };
        self.counts.iter().map(line).collect()
    }
}

/// Stands for what the kernel did on a caller's behalf; the addresses below it tell who called.
fn in_kernel() -> Function {
    Function { name: "[kernel]".to_owned(), file: String::new(), line: 0 }
}

/// The threads of this process, with their names.
fn threads_now() -> io::Result<Vec<(i32, String)>> {
    let mut threads = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        // A thread may end meanwhile.
        let Ok(name) = fs::read_to_string(task.path().join("comm")) else { continue };
        if let Some(tid) = task.file_name().to_str().and_then(|text| text.parse().ok()) {
            threads.push((tid, name.trim_end().to_owned()));
        }
    }
    Ok(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Result<(u64, bool), String> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        asked(&pairs, false).map(|(duration, flamegraph)| (duration.as_secs(), flamegraph))
    }

    #[test]
    fn a_query_is_understood_or_refused() {
        assert_eq!(query(&[]), Ok((30, false)));
        assert_eq!(query(&[("seconds", "5"), ("format", "flamegraph")]), Ok((5, true)));
        for wrong in
            [("seconds", "0"), ("seconds", "-1"), ("seconds", "301"), ("seconds", "x"), ("format", "png"), ("hz", "9")]
        {
            assert!(query(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
