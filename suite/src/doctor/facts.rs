//! What the checks look at, read from the host once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::measure::{Environment, environment};

/// How long the host is watched for load that is not ours.
const WATCH: Duration = Duration::from_millis(500);

/// The host and the tree at one moment. `None` is what could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    pub environment: Environment,
    /// Hard limit on open files; `None` is none.
    pub open_files_max: Option<u64>,
    /// Hard limit on locked memory in bytes; `None` is none.
    pub memlock_max: Option<u64>,
    pub page_bytes: u64,
    /// Governors of all CPUs, each once.
    pub governors: Vec<String>,
    /// Two hardware threads a core are on.
    pub smt: Option<bool>,
    pub turbo: Option<bool>,
    /// `always`, `madvise`, `never`.
    pub huge_pages: Option<String>,
    pub swap_bytes: u64,
    pub swap_used_bytes: u64,
    /// Share of all CPU time that was used, and stolen, while the doctor watched.
    pub busy_share: Option<f64>,
    pub stolen_share: Option<f64>,
    /// What the kernel said to a small io_uring; `None`: it made one.
    pub io_uring_error: Option<String>,
    pub slabinfo_readable: bool,
    pub congestion_available: Vec<String>,
    /// The suite itself was built with debug assertions.
    pub debug_assertions: bool,
    /// Cargo profile of engines and load client.
    pub cargo_profile: String,
}

/// Reads the facts, which takes half a second of watching.
#[must_use]
pub fn collect(root: &Path, unix_ms: u64, cargo_profile: &str) -> Facts {
    use rustix::process::{Resource, getrlimit};
    let before = cpu_ticks();
    std::thread::sleep(WATCH);
    let after = cpu_ticks();
    let shares = before.zip(after).and_then(|(before, after)| after.since(&before));
    let memory = memory_fields();
    let kib = |name: &str| memory.get(name).copied().unwrap_or(0) * 1024;
    Facts {
        environment: environment(root, unix_ms),
        open_files_max: getrlimit(Resource::Nofile).maximum,
        memlock_max: getrlimit(Resource::Memlock).maximum,
        page_bytes: procfs::page_size(),
        governors: governors(),
        smt: read("/sys/devices/system/cpu/smt/active").map(|active| active == "1"),
        turbo: turbo(),
        huge_pages: read("/sys/kernel/mm/transparent_hugepage/enabled").and_then(|text| chosen(&text)),
        swap_bytes: kib("SwapTotal"),
        swap_used_bytes: kib("SwapTotal").saturating_sub(kib("SwapFree")),
        busy_share: shares.map(|(busy, _)| busy),
        stolen_share: shares.map(|(_, stolen)| stolen),
        io_uring_error: io_uring_error(),
        slabinfo_readable: std::fs::read("/proc/slabinfo").is_ok(),
        congestion_available: read("/proc/sys/net/ipv4/tcp_available_congestion_control")
            .map_or_else(Vec::new, |text| text.split_whitespace().map(str::to_owned).collect()),
        debug_assertions: cfg!(debug_assertions),
        cargo_profile: cargo_profile.to_owned(),
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The choice in `always [madvise] never`.
fn chosen(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

fn governors() -> Vec<String> {
    let Ok(cpus) = Path::new("/sys/devices/system/cpu").read_dir() else { return Vec::new() };
    let of = |entry: std::fs::DirEntry| read(entry.path().join("cpufreq/scaling_governor").to_str()?);
    let mut governors: Vec<String> = cpus.flatten().filter_map(of).collect();
    governors.sort();
    governors.dedup();
    governors
}

fn turbo() -> Option<bool> {
    let intel = read("/sys/devices/system/cpu/intel_pstate/no_turbo").map(|off| off == "0");
    intel.or_else(|| read("/sys/devices/system/cpu/cpufreq/boost").map(|on| on == "1"))
}

fn memory_fields() -> BTreeMap<String, u64> {
    let text = read("/proc/meminfo").unwrap_or_default();
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.split_whitespace().next()?.parse().ok()?))
    };
    text.lines().filter_map(field).collect()
}

/// Ticks of all CPUs since boot.
struct Ticks {
    all: u64,
    idle: u64,
    stolen: u64,
}

impl Ticks {
    /// Shares that were busy and stolen since `before`.
    fn since(&self, before: &Self) -> Option<(f64, f64)> {
        let all = self.all.saturating_sub(before.all) as f64;
        let share = |ticks: u64| ticks as f64 / all;
        let (idle, stolen) = (self.idle.saturating_sub(before.idle), self.stolen.saturating_sub(before.stolen));
        (all > 0.0).then(|| (1.0 - share(idle) - share(stolen), share(stolen)))
    }
}

fn cpu_ticks() -> Option<Ticks> {
    let text = read("/proc/stat")?;
    let fields: Vec<u64> = text.lines().next()?.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; guest time is contained in user time.
    Some(Ticks { all: fields.iter().take(8).sum(), idle: fields.get(3)? + fields.get(4)?, stolen: *fields.get(7)? })
}

/// Asks the kernel for the smallest io_uring, and gives it back.
fn io_uring_error() -> Option<String> {
    use std::os::fd::{FromRawFd, OwnedFd};
    /// Size of `struct io_uring_params`; zeroed, it asks for nothing special.
    const PARAMS_BYTES: usize = 120;
    let mut params = [0u64; PARAMS_BYTES / 8];
    // SAFETY: the kernel reads and fills io_uring_params, which is as large as this buffer, aligned, and lives through
    // the call.
    let made = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, params.as_mut_ptr()) };
    if made < 0 {
        return Some(std::io::Error::last_os_error().to_string());
    }
    // SAFETY: the call made this descriptor, and nobody else has it.
    drop(unsafe { OwnedFd::from_raw_fd(made as i32) });
    None
}
