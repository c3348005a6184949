//! The checks: pure functions of the facts, each with the threshold it uses and the reason for it.

use super::{Facts, Finding};

/// Connections of the largest quick cell and its ends: what a process should be able to open.
const OPEN_FILES: u64 = 20_000;
/// Two io_uring rings a worker on a small host.
const MEMLOCK_BYTES: u64 = 8 << 20;
/// The backlog that every engine asks for.
const BACKLOG: u64 = 4_096;
/// Ports that the largest cells of one client process take.
const PORTS: u64 = 20_000;
/// Two maps a stackful coroutine, at 32 k coroutines.
const MAPS: u64 = 65_530;
/// Bytes that TCP may hold before the kernel presses: 64 k connections with one page in each of four queues.
const TCP_BYTES: u64 = 1 << 30;
/// What a run with 16 k connections and its build take.
const MEMORY_BYTES: u64 = 2 << 30;
/// Share of the host's CPU time that others may use: the same as the gate's.
const FOREIGN_SHARE: f64 = 0.02;
/// Stolen share: the same as the gate's.
const STEAL_SHARE: f64 = 0.01;
/// The oldest kernel that everything here works on.
const KERNEL: (u32, u32) = (5, 8);

/// Every check, in the order of a report.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<Finding> {
    vec![
        kernel(facts),
        cpus(facts),
        build(facts),
        git(facts),
        open_files(facts),
        memlock(facts),
        somaxconn(facts),
        ports(facts),
        tcp_mem(facts),
        maps(facts),
        congestion(facts),
        io_uring(facts),
        slabinfo(facts),
        governor(facts),
        turbo(facts),
        smt(facts),
        clocksource(facts),
        mitigations(facts),
        huge_pages(facts),
        swap(facts),
        memory(facts),
        stolen(facts),
        foreign(facts),
        load(facts),
    ]
}

fn sysctl<'a>(facts: &'a Facts, name: &str) -> Option<&'a str> {
    facts.environment.sysctls.get(name).map(String::as_str)
}

fn number(facts: &Facts, name: &str) -> Option<u64> {
    sysctl(facts, name)?.parse().ok()
}

/// A setting that should be at least `least`.
fn at_least(facts: &Facts, check: &'static str, name: &'static str, least: u64, why: &str) -> Finding {
    match number(facts, name) {
        None => Finding::warn(check, format!("{name} cannot be read"), why),
        Some(value) if value >= least => Finding::ok(check, format!("{name} = {value}")),
        Some(value) => {
            Finding::warn(check, format!("{name} = {value}, below {least}"), why).set(name, least.to_string())
        }
    }
}

fn kernel(facts: &Facts) -> Finding {
    let kernel = &facts.environment.kernel;
    let release = kernel.split(' ').nth(1).unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= KERNEL {
        Finding::ok("kernel", kernel.split(' ').take(2).collect::<Vec<_>>().join(" "))
    } else {
        let why = format!("Linux {}.{} or later is needed", KERNEL.0, KERNEL.1);
        Finding::fail("kernel", kernel.clone(), why).mended_by("install a newer kernel, and reboot")
    }
}

fn cpus(facts: &Facts) -> Finding {
    match facts.environment.cpus {
        0 | 1 => {
            let why = "server and client share one CPU: each waits for the other, and latency says nothing";
            Finding::warn("CPUs", "1 CPU", why)
        }
        cpus => Finding::ok("CPUs", format!("{cpus} CPUs")),
    }
}

fn build(facts: &Facts) -> Finding {
    let why = "numbers of a build without optimisation are no measurement, and are marked so";
    let fix = "cargo run --release -- …";
    if facts.cargo_profile != "release" {
        Finding::fail("build", format!("engines and client are built with profile {}", facts.cargo_profile), why)
            .mended_by("leave --cargo-profile out")
    } else if facts.debug_assertions {
        // The suite only samples; the programs that are measured are built by it, as releases.
        let why = "the suite itself samples more slowly; engines and client are release builds all the same";
        Finding::warn("build", "the suite has debug assertions", why).mended_by(fix)
    } else {
        Finding::ok("build", "release, no debug assertions")
    }
}

fn git(facts: &Facts) -> Finding {
    let why = "a run of this tree is marked, and cannot be published";
    match &facts.environment.revision {
        None => Finding::warn("git", "no git revision", why).mended_by("run inside a git checkout"),
        Some(_) if facts.environment.dirty => {
            Finding::warn("git", "uncommitted changes", why).mended_by("git add -A && git commit")
        }
        Some(revision) => Finding::ok("git", format!("clean, {}", revision.get(..12).unwrap_or(revision))),
    }
}

fn open_files(facts: &Facts) -> Finding {
    match facts.open_files_max {
        Some(most) if most < OPEN_FILES => {
            let why = "cells with more connections are split over more processes on both sides";
            Finding::warn("open files", format!("hard limit {most}, below {OPEN_FILES}"), why)
                .mended_by("ulimit -n 1048576   (as root; or nofile in /etc/security/limits.conf)")
        }
        Some(most) => Finding::ok("open files", format!("hard limit {most}")),
        None => Finding::ok("open files", "no limit"),
    }
}

fn memlock(facts: &Facts) -> Finding {
    match facts.memlock_max {
        Some(most) if most < MEMLOCK_BYTES => {
            let why = "io_uring engines may be refused their rings";
            Finding::warn("memlock", format!("hard limit {most} B, below {MEMLOCK_BYTES}"), why)
                .mended_by("ulimit -l unlimited   (as root; or memlock in /etc/security/limits.conf)")
        }
        Some(most) => Finding::ok("memlock", format!("hard limit {most} B")),
        None => Finding::ok("memlock", "no limit"),
    }
}

fn somaxconn(facts: &Facts) -> Finding {
    let why = "the kernel cuts every engine's backlog to this, and connects are dropped in bursts";
    at_least(facts, "accept queue", "net.core.somaxconn", BACKLOG, why)
}

fn ports(facts: &Facts) -> Finding {
    let name = "net.ipv4.ip_local_port_range";
    let range = sysctl(facts, name).and_then(|text| {
        let (low, high) = text.split_once(' ')?;
        Some((low.parse::<u64>().ok()?, high.trim().parse::<u64>().ok()?))
    });
    let why = "a client process runs out of ports towards one server";
    match range {
        None => Finding::warn("ports", format!("{name} cannot be read"), why),
        Some((low, high)) if (high + 1).saturating_sub(low) >= PORTS => {
            Finding::ok("ports", format!("{} from {low} to {high}", high + 1 - low))
        }
        Some((low, high)) => {
            let seen = format!("{} from {low} to {high}, below {PORTS}", (high + 1).saturating_sub(low));
            Finding::warn("ports", seen, why).set(name, "32768 60999")
        }
    }
}

fn tcp_mem(facts: &Facts) -> Finding {
    let name = "net.ipv4.tcp_mem";
    let pages: Option<Vec<u64>> =
        sysctl(facts, name).map(|text| text.split_whitespace().filter_map(|word| word.parse().ok()).collect());
    let why = "above this the kernel shrinks windows and drops: a result of the host, not of an engine";
    match pages.as_deref() {
        Some([_, _, most]) => {
            let bytes = most * facts.page_bytes;
            let seen = format!("at most {} MB for all TCP buffers", bytes / 1_000_000);
            if bytes >= TCP_BYTES {
                Finding::ok("TCP memory", seen)
            } else {
                let pages = TCP_BYTES / facts.page_bytes;
                let wanted = format!("{} {} {pages}", pages / 2, pages / 4 * 3);
                Finding::warn("TCP memory", seen, why).set(name, wanted)
            }
        }
        _ => Finding::warn("TCP memory", format!("{name} cannot be read"), why),
    }
}

fn maps(facts: &Facts) -> Finding {
    let why = "stackful coroutines and threads take up to two maps each, and abort beyond it";
    at_least(facts, "memory maps", "vm.max_map_count", MAPS, why)
}

fn congestion(facts: &Facts) -> Finding {
    let control = sysctl(facts, "net.ipv4.tcp_congestion_control").unwrap_or("unknown");
    let has = |name: &str| facts.congestion_available.iter().any(|known| known == name);
    if has("reno") || has("cubic") {
        // Experiments set it for each socket of both sides.
        Finding::ok("congestion control", format!("{control}; {} available", facts.congestion_available.join(", ")))
    } else {
        let why = "experiments that name reno or cubic fail; bbr paces with timers and distorts loopback";
        Finding::warn("congestion control", format!("only {control}"), why).mended_by("modprobe tcp_cubic")
    }
}

fn io_uring(facts: &Facts) -> Finding {
    let Some(error) = &facts.io_uring_error else { return Finding::ok("io_uring", "available") };
    let why = "engines on io_uring cannot run, and are left out";
    let finding = Finding::warn("io_uring", format!("refused: {error}"), why);
    match number(facts, "kernel.io_uring_disabled") {
        Some(disabled) if disabled > 0 => finding.set("kernel.io_uring_disabled", "0"),
        _ => finding.mended_by(
            "allow io_uring_setup in the container's seccomp profile, or build the kernel with CONFIG_IO_URING",
        ),
    }
}

fn slabinfo(facts: &Facts) -> Finding {
    if facts.slabinfo_readable {
        Finding::ok("kernel memory", "/proc/slabinfo is readable")
    } else {
        let why = "kernel memory per connection shows as 0";
        Finding::warn("kernel memory", "/proc/slabinfo is not readable", why).mended_by("run as root")
    }
}

fn governor(facts: &Facts) -> Finding {
    match facts.governors.as_slice() {
        [] => Finding::ok("governor", "none: the host's or the hypervisor's firmware decides"),
        [one] if one == "performance" => Finding::ok("governor", "performance"),
        several => {
            let why = "the clock rate follows the load: CPU time per frame depends on the rate";
            Finding::warn("governor", several.join(", "), why)
                .mended_by("echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
        }
    }
}

fn turbo(facts: &Facts) -> Finding {
    match facts.turbo {
        Some(true) => {
            let why = "the clock rate depends on temperature and on what the other cores do";
            Finding::warn("turbo", "on", why).mended_by(
                "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo   (or: echo 0 > /sys/devices/system/cpu/cpufreq/boost)",
            )
        }
        Some(false) => Finding::ok("turbo", "off"),
        None => Finding::ok("turbo", "not visible here"),
    }
}

fn smt(facts: &Facts) -> Finding {
    match facts.smt {
        Some(true) => {
            let why = "two threads of a core slow each other; the suite keeps server and client on different cores";
            Finding::warn("SMT", "on", why).mended_by("echo off > /sys/devices/system/cpu/smt/control")
        }
        Some(false) => Finding::ok("SMT", "off"),
        None => Finding::ok("SMT", "not visible here"),
    }
}

fn clocksource(facts: &Facts) -> Finding {
    let source = facts.environment.clocksource.as_deref();
    // Those that are read without a system call on common machines.
    match source {
        Some("tsc" | "kvm-clock" | "hyperv_clocksource_tsc_page" | "arch_sys_counter") => {
            Finding::ok("clocksource", source.unwrap_or_default())
        }
        other => {
            let why = "reading the clock takes a system call: the client is slower, and its lag larger";
            Finding::warn("clocksource", other.unwrap_or("unknown"), why)
                .mended_by("echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource")
        }
    }
}

fn mitigations(facts: &Facts) -> Finding {
    let all = &facts.environment.mitigations;
    let active = all.values().filter(|value| value.starts_with("Mitigation")).count();
    let vulnerable = all.values().filter(|value| value.starts_with("Vulnerable")).count();
    // A fact to report, not one to change: they are part of what a system call costs on this host.
    Finding::ok("mitigations", format!("{active} active, {vulnerable} vulnerable, of {}", all.len()))
}

fn huge_pages(facts: &Facts) -> Finding {
    match facts.huge_pages.as_deref() {
        Some("always") => {
            let why = "memory per connection grows in steps of 2 MB";
            Finding::warn("huge pages", "always", why)
                .mended_by("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
        }
        Some(mode) => Finding::ok("huge pages", mode),
        None => Finding::ok("huge pages", "not in this kernel"),
    }
}

fn swap(facts: &Facts) -> Finding {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    if facts.swap_used_bytes > 0 {
        let seen = format!("{} of {} MB in use", megabytes(facts.swap_used_bytes), megabytes(facts.swap_bytes));
        let why = "pages that were swapped out are in no memory figure, and come back inside a window";
        Finding::warn("swap", seen, why).mended_by("swapoff -a")
    } else if facts.swap_bytes > 0 {
        Finding::ok("swap", format!("{} MB, unused", megabytes(facts.swap_bytes)))
    } else {
        Finding::ok("swap", "none")
    }
}

fn memory(facts: &Facts) -> Finding {
    let environment = &facts.environment;
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let (free, all) = (environment.memory_available_bytes, environment.memory_bytes);
    let seen = format!("{} of {} MB available", megabytes(free), megabytes(all));
    if free < MEMORY_BYTES {
        let why = format!("large cells need more than {} MB", megabytes(MEMORY_BYTES));
        Finding::warn("memory", seen, why).mended_by("end what uses it: ps aux --sort=-rss | head")
    } else {
        Finding::ok("memory", seen)
    }
}

fn stolen(facts: &Facts) -> Finding {
    let percent = |share: f64| format!("{:.1} % of CPU time", share * 100.0);
    match facts.stolen_share {
        Some(share) if share > STEAL_SHARE => {
            let why = "the hypervisor takes the CPUs away: trials with more than 1 % do not count";
            Finding::warn("steal", percent(share), why).mended_by("measure at another time, or on a host of your own")
        }
        Some(share) => Finding::ok("steal", percent(share)),
        None => Finding::ok("steal", "cannot be read"),
    }
}

fn foreign(facts: &Facts) -> Finding {
    match facts.busy_share {
        Some(share) if share > FOREIGN_SHARE => {
            let why = "others use the CPUs: trials with more than 2 % do not count";
            let seen = format!("{:.1} % of CPU time used by others in half a second", share * 100.0);
            Finding::warn("foreign CPU", seen, why).mended_by("end what uses it: ps aux --sort=-pcpu | head")
        }
        Some(share) => Finding::ok("foreign CPU", format!("{:.1} % of CPU time", share * 100.0)),
        None => Finding::ok("foreign CPU", "cannot be read"),
    }
}

fn load(facts: &Facts) -> Finding {
    match facts.environment.load_average_1min {
        Some(load) if load > 0.5 * f64::from(facts.environment.cpus.max(1)) => {
            let why = "something ran within the last minute, and may run again";
            Finding::warn("load", format!("{load:.2} over the last minute"), why)
                .mended_by("wait a minute, and look again")
        }
        Some(load) => Finding::ok("load", format!("{load:.2} over the last minute")),
        None => Finding::ok("load", "cannot be read"),
    }
}
