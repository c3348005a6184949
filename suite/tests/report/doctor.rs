//! The doctor on made-up hosts: each check finds its own ailment, and nothing else.

use std::collections::BTreeMap;

use suite::doctor::{Facts, Finding, Level, examine};
use suite::measure::Environment;

/// A host on which all is well.
fn healthy() -> Facts {
    let sysctls = [
        ("net.core.somaxconn", "4096"),
        ("net.ipv4.ip_local_port_range", "32768 60999"),
        ("net.ipv4.tcp_mem", "287898 383866 575796"),
        ("net.ipv4.tcp_congestion_control", "cubic"),
        ("vm.max_map_count", "65530"),
        ("kernel.io_uring_disabled", "0"),
    ];
    Facts {
        environment: Environment {
            unix_ms: 0,
            hostname: "host".into(),
            kernel: "Linux 6.1.0-13-amd64 #1 SMP".into(),
            kernel_command_line: None,
            machine: "x86_64".into(),
            cpu_model: Some("Synthetic CPU".into()),
            cpus: 8,
            memory_bytes: 32 << 30,
            memory_available_bytes: 30 << 30,
            load_average_1min: Some(0.1),
            steal_share: Some(0.0),
            clocksource: Some("tsc".into()),
            frequency_governor: Some("performance".into()),
            mitigations: BTreeMap::from([("spectre_v1".into(), "Mitigation: barriers".into())]),
            sysctls: sysctls.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            limits: BTreeMap::new(),
            hard_limits: BTreeMap::new(),
            smt: None,
            huge_pages: None,
            swap_used_bytes: None,
            congestion_available: None,
            cargo: None,
            frameworks: BTreeMap::new(),
            rustc: None,
            cargo_lock_sha256: None,
            revision: Some("0123456789abcdef".into()),
            dirty: false,
        },
        open_files_max: Some(1 << 20),
        memlock_max: None,
        page_bytes: 4096,
        governors: vec!["performance".into()],
        smt: Some(false),
        turbo: Some(false),
        huge_pages: Some("madvise".into()),
        swap_bytes: 0,
        swap_used_bytes: 0,
        busy_share: Some(0.001),
        stolen_share: Some(0.0),
        io_uring_error: None,
        slabinfo_readable: true,
        congestion_available: vec!["reno".into(), "cubic".into()],
        debug_assertions: false,
        cargo_profile: "release".into(),
    }
}

/// On a host with one ailment exactly one check is not OK: this one, at this level, mended by something with `fix`.
#[track_caller]
fn check(ail: impl FnOnce(&mut Facts), name: &str, level: Level, fix: Option<&str>) {
    let mut facts = healthy();
    ail(&mut facts);
    let ill: Vec<Finding> = examine(&facts).into_iter().filter(|finding| finding.level != Level::Ok).collect();
    assert_eq!(ill.len(), 1, "{ill:?}");
    assert_eq!((ill[0].check, ill[0].level), (name, level), "{ill:?}");
    assert!(!ill[0].why.is_empty(), "{ill:?}");
    match (fix, &ill[0].fix) {
        (Some(expected), Some(fix)) => assert!(fix.contains(expected), "{fix} should have {expected}"),
        (expected, fix) => assert_eq!(expected, fix.as_deref()),
    }
}

fn sysctl(facts: &mut Facts, name: &str, value: &str) {
    facts.environment.sysctls.insert(name.into(), value.into());
}

#[test]
fn a_healthy_host_is_all_ok() {
    let findings = examine(&healthy());
    assert!(findings.iter().all(|finding| finding.level == Level::Ok && finding.fix.is_none()), "{findings:?}");
}

#[test]
fn every_check_finds_its_own_ailment() {
    let warn = Level::Warn;
    check(|f| f.environment.kernel = "Linux 5.4.0 #1".into(), "kernel", Level::Fail, Some("newer kernel"));
    check(|f| f.environment.cpus = 1, "CPUs", warn, None);
    check(|f| f.cargo_profile = "dev".into(), "build", Level::Fail, Some("--cargo-profile"));
    check(|f| f.debug_assertions = true, "build", warn, Some("--release"));
    check(|f| f.environment.dirty = true, "git", warn, Some("git commit"));
    check(|f| f.environment.revision = None, "git", warn, Some("git checkout"));
    check(|f| f.open_files_max = Some(1024), "open files", warn, Some("ulimit -n"));
    check(|f| f.memlock_max = Some(65_536), "memlock", warn, Some("ulimit -l"));
    check(
        |f| sysctl(f, "net.core.somaxconn", "128"),
        "accept queue",
        warn,
        Some("sysctl -w net.core.somaxconn=\"4096\""),
    );
    check(|f| sysctl(f, "net.ipv4.ip_local_port_range", "50000 50100"), "ports", warn, Some("32768 60999"));
    check(|f| sysctl(f, "net.ipv4.tcp_mem", "100 200 300"), "TCP memory", warn, Some("net.ipv4.tcp_mem"));
    check(|f| sysctl(f, "vm.max_map_count", "1000"), "memory maps", warn, Some("vm.max_map_count"));
    check(|f| f.congestion_available = vec!["bbr".into()], "congestion control", warn, Some("modprobe"));
    check(|f| f.io_uring_error = Some("EPERM".into()), "io_uring", warn, Some("seccomp"));
    check(|f| f.slabinfo_readable = false, "kernel memory", warn, Some("root"));
    check(|f| f.governors = vec!["powersave".into()], "governor", warn, Some("scaling_governor"));
    check(|f| f.turbo = Some(true), "turbo", warn, Some("no_turbo"));
    check(|f| f.smt = Some(true), "SMT", warn, Some("smt/control"));
    check(|f| f.environment.clocksource = Some("hpet".into()), "clocksource", warn, Some("current_clocksource"));
    check(|f| f.huge_pages = Some("always".into()), "huge pages", warn, Some("transparent_hugepage"));
    check(|f| f.swap_used_bytes = 1, "swap", warn, Some("swapoff"));
    check(|f| f.environment.memory_available_bytes = 1 << 20, "memory", warn, Some("rss"));
    check(|f| f.stolen_share = Some(0.05), "steal", warn, Some("another time"));
    check(|f| f.busy_share = Some(0.5), "foreign CPU", warn, Some("ps aux"));
    check(|f| f.environment.load_average_1min = Some(7.0), "load", warn, Some("wait"));
}

/// What `--apply` sets is what the finding asks for, and the host is well afterwards.
#[test]
fn settings_mend_what_they_are_offered_for() {
    let mut facts = healthy();
    for (name, value) in [
        ("net.core.somaxconn", "128"),
        ("net.ipv4.ip_local_port_range", "50000 50100"),
        ("net.ipv4.tcp_mem", "100 200 300"),
        ("vm.max_map_count", "1000"),
    ] {
        sysctl(&mut facts, name, value);
    }
    let settings: Vec<_> = examine(&facts).into_iter().filter_map(|finding| finding.setting).collect();
    assert_eq!(settings.len(), 4);
    for setting in settings {
        sysctl(&mut facts, setting.name, &setting.value);
    }
    assert!(examine(&facts).iter().all(|finding| finding.level == Level::Ok));
}

#[test]
fn a_kernel_that_forbids_io_uring_is_asked_to_allow_it() {
    let mut facts = healthy();
    facts.io_uring_error = Some("EPERM".into());
    sysctl(&mut facts, "kernel.io_uring_disabled", "2");
    let finding = examine(&facts).into_iter().find(|finding| finding.check == "io_uring").expect("it is checked");
    assert_eq!(
        finding.setting.map(|setting| (setting.name, setting.value)),
        Some(("kernel.io_uring_disabled", "0".into()))
    );
}
