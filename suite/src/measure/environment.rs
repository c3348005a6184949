//! The environment of a run: everything beside the programs that could move a number.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// `environment.json`: one entry for each time that the run was worked on, the first and every resumption.
#[derive(schemars::JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    pub schema: u32,
    pub sessions: Vec<Session>,
}

/// The environment when work began, and when it ended.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub before: Environment,
    /// `None` while it goes on, or when it was killed.
    pub after: Option<Environment>,
}

/// What the host and the tree were like at one moment. A value that cannot be read is absent, never guessed.
#[derive(schemars::JsonSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    pub unix_ms: u64,
    pub hostname: String,
    pub kernel: String,
    pub kernel_command_line: Option<String>,
    pub machine: String,
    pub cpu_model: Option<String>,
    pub cpus: u32,
    pub memory_bytes: u64,
    pub memory_available_bytes: u64,
    pub load_average_1min: Option<f64>,
    /// Stolen share of all CPU time since boot.
    pub steal_share: Option<f64>,
    pub clocksource: Option<String>,
    pub frequency_governor: Option<String>,
    /// By vulnerability.
    pub mitigations: BTreeMap<String, String>,
    pub sysctls: BTreeMap<String, String>,
    /// Soft limits of the suite, which its children inherit.
    pub limits: BTreeMap<String, String>,
    /// Hard limits, up to which the suite raises them.
    #[serde(default)]
    pub hard_limits: BTreeMap<String, String>,
    /// Two hardware threads a core are on.
    #[serde(default)]
    pub smt: Option<bool>,
    /// `always`, `madvise`, `never`.
    #[serde(default)]
    pub huge_pages: Option<String>,
    #[serde(default)]
    pub swap_used_bytes: Option<u64>,
    #[serde(default)]
    pub congestion_available: Option<String>,
    #[serde(default)]
    pub cargo: Option<String>,
    /// Versions of the frameworks that the engines are built on, from Cargo.lock, by engine.
    #[serde(default)]
    pub frameworks: BTreeMap<String, String>,
    pub rustc: Option<String>,
    pub cargo_lock_sha256: Option<String>,
    pub revision: Option<String>,
    pub dirty: bool,
}

/// Kernel settings that bear on sockets, memory and scheduling.
const SYSCTLS: [&str; 35] = [
    "fs.file-max",
    "fs.nr_open",
    "kernel.io_uring_disabled",
    "kernel.io_uring_group",
    "kernel.numa_balancing",
    "kernel.pid_max",
    "kernel.randomize_va_space",
    "kernel.threads-max",
    "net.core.busy_poll",
    "net.core.busy_read",
    "net.core.default_qdisc",
    "net.core.netdev_budget",
    "net.core.netdev_max_backlog",
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_moderate_rcvbuf",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_wmem",
    "vm.max_map_count",
    "vm.overcommit_memory",
    "vm.swappiness",
];

/// Takes stock of this host and of the tree at `root`.
#[must_use]
pub fn environment(root: &Path, unix_ms: u64) -> Environment {
    let uname = rustix::system::uname();
    let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
    let (revision, dirty) = revision(root);
    Environment {
        unix_ms,
        hostname: text(uname.nodename()),
        kernel: format!("{} {} {}", text(uname.sysname()), text(uname.release()), text(uname.version())),
        kernel_command_line: read("/proc/cmdline"),
        machine: text(uname.machine()),
        cpu_model: field("/proc/cpuinfo", "model name"),
        cpus: std::thread::available_parallelism().map_or(0, |cpus| cpus.get() as u32),
        memory_bytes: kib("MemTotal") * 1024,
        memory_available_bytes: kib("MemAvailable") * 1024,
        load_average_1min: read("/proc/loadavg").and_then(|load| load.split_whitespace().next()?.parse().ok()),
        steal_share: steal_share(),
        clocksource: read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        frequency_governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        mitigations: mitigations(),
        sysctls: SYSCTLS.iter().filter_map(|name| Some(((*name).to_owned(), sysctl(name)?))).collect(),
        limits: limits(false),
        hard_limits: limits(true),
        smt: read("/sys/devices/system/cpu/smt/active").map(|active| active == "1"),
        huge_pages: read("/sys/kernel/mm/transparent_hugepage/enabled").and_then(|text| chosen(&text)),
        swap_used_bytes: Some((kib("SwapTotal").saturating_sub(kib("SwapFree"))) * 1024),
        congestion_available: sysctl("net.ipv4.tcp_available_congestion_control"),
        cargo: output(root, "cargo", &["--version"]),
        frameworks: frameworks(root),
        rustc: output(root, "rustc", &["--version"]),
        cargo_lock_sha256: std::fs::read(root.join("Cargo.lock"))
            .ok()
            .map(|bytes| Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()),
        revision,
        dirty,
    }
}

/// The git revision of the tree at `root`, and whether it has changes that are not committed.
#[must_use]
pub fn revision(root: &Path) -> (Option<String>, bool) {
    let revision = output(root, "git", &["rev-parse", "HEAD"]);
    let dirty = revision.is_some() && output(root, "git", &["status", "--porcelain"]) != Some(String::new());
    (revision, dirty)
}

/// The hardware threads that the suite may use, grouped by core.
#[must_use]
pub fn cores() -> Vec<Vec<u32>> {
    let allowed = rustix::thread::sched_getaffinity(None).map_or_else(
        |_| Vec::new(),
        |set| (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect::<Vec<usize>>(),
    );
    let mut cores: Vec<(String, Vec<u32>)> = Vec::new();
    for cpu in if allowed.is_empty() { vec![0] } else { allowed } {
        let siblings = read(&format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"))
            .unwrap_or_else(|| cpu.to_string());
        match cores.iter_mut().find(|(known, _)| *known == siblings) {
            Some((_, threads)) => threads.push(cpu as u32),
            None => cores.push((siblings, vec![cpu as u32])),
        }
    }
    cores.into_iter().map(|(_, threads)| threads).collect()
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn sysctl(name: &str) -> Option<String> {
    let value = read(&format!("/proc/sys/{}", name.replace('.', "/")))?;
    Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path)?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kib(name: &str) -> u64 {
    field("/proc/meminfo", name).and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn steal_share() -> Option<f64> {
    let text = read("/proc/stat")?;
    let ticks: Vec<f64> = text.lines().next()?.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    // The last two, guest time, are contained in user time.
    let all: f64 = ticks.iter().take(8).sum();
    Some(ticks.get(7)? / all)
}

fn mitigations() -> BTreeMap<String, String> {
    let Ok(entries) = Path::new("/sys/devices/system/cpu/vulnerabilities").read_dir() else { return BTreeMap::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let value = std::fs::read_to_string(entry.path()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// The choice in `always [madvise] never`.
fn chosen(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

fn limits(hard: bool) -> BTreeMap<String, String> {
    use rustix::process::{Resource, getrlimit};
    let resources = [
        ("memlock_bytes", Resource::Memlock),
        ("open_files", Resource::Nofile),
        ("processes", Resource::Nproc),
        ("stack_bytes", Resource::Stack),
    ];
    let spell = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let limit = |resource| if hard { getrlimit(resource).maximum } else { getrlimit(resource).current };
    resources.into_iter().map(|(name, resource)| (name.to_owned(), spell(limit(resource)))).collect()
}

/// What every `engine.toml` names as its framework, in the version that Cargo.lock has; several where there are several.
fn frameworks(root: &Path) -> BTreeMap<String, String> {
    let parsed = |path: &Path| std::fs::read_to_string(path).ok()?.parse::<toml::Table>().ok();
    let lock = parsed(&root.join("Cargo.lock")).unwrap_or_default();
    let packages: Vec<&toml::Value> =
        lock.get("package").and_then(toml::Value::as_array).into_iter().flatten().collect();
    let versions = |framework: &str| {
        let own =
            packages.iter().filter(|package| package.get("name").and_then(toml::Value::as_str) == Some(framework));
        own.filter_map(|package| package.get("version")?.as_str()).collect::<Vec<&str>>().join(", ")
    };
    let Ok(folders) = root.join("engines").read_dir() else { return BTreeMap::new() };
    let of = |folder: std::fs::DirEntry| {
        let manifest = parsed(&folder.path().join("engine.toml"))?;
        let framework = manifest.get("framework")?.as_str()?;
        let version = versions(framework);
        // A framework of another language, or none, is in no Cargo.lock.
        (!version.is_empty()).then(|| (manifest["name"].to_string().replace('"', ""), format!("{framework} {version}")))
    };
    folders.flatten().filter_map(of).collect()
}

fn output(folder: &Path, program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).current_dir(folder).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_is_taken() {
        let mut environment = environment(Path::new(env!("CARGO_MANIFEST_DIR")), 1);
        // A share whose shortest decimal form a hasty reader gets wrong in the last bit.
        environment.steal_share = Some(1.8041198470345085e-5);
        assert!(environment.cpus > 0 && environment.memory_bytes > 0 && !environment.kernel.is_empty());
        assert!(environment.sysctls.contains_key("net.core.somaxconn"));
        assert!(!environment.limits.is_empty() && environment.limits.len() == environment.hard_limits.len());
        let text = serde_json::to_string(&environment).unwrap();
        assert_eq!(serde_json::from_str::<Environment>(&text).unwrap(), environment);
    }

    #[test]
    fn frameworks_have_the_versions_of_the_lock_file() {
        let root = tempfile::tempdir().unwrap();
        let engine = root.path().join("engines/one");
        std::fs::create_dir_all(&engine).unwrap();
        std::fs::write(engine.join("engine.toml"), "name = \"one\"\nframework = \"fast\"\n").unwrap();
        let lock =
            "[[package]]\nname = \"fast\"\nversion = \"1.2.3\"\n[[package]]\nname = \"slow\"\nversion = \"9.0.0\"\n";
        std::fs::write(root.path().join("Cargo.lock"), lock).unwrap();
        assert_eq!(frameworks(root.path()), BTreeMap::from([("one".to_owned(), "fast 1.2.3".to_owned())]));
    }

    #[test]
    fn every_usable_cpu_is_in_one_core() {
        let mut cpus = cores().concat();
        cpus.sort_unstable();
        let before = cpus.len();
        cpus.dedup();
        assert!(before > 0 && before == cpus.len());
    }
}
