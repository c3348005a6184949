//! What changed between two looks at the environment.

use super::Environment;

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub kind: Kind,
    /// What it is: `sysctl net.core.somaxconn`, `kernel`.
    pub what: String,
    pub before: String,
    pub after: String,
}

/// What a drift is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Kernel, hardware and settings.
    Host,
    /// Compilers.
    Tools,
    /// The source tree: what two runs of different commits differ in on purpose.
    Tree,
    /// What comes and goes: load, free memory, stolen time.
    State,
}

/// Share of the host's memory by which free memory may move.
const MEMORY_SHARE: f64 = 0.10;
/// Runnable tasks per CPU by which the load average may move. A run itself keeps all CPUs busy.
const LOAD_PER_CPU: f64 = 1.5;
/// Stolen share of all CPU time since boot that may be added.
const STEAL_SHARE: f64 = 0.01;

/// Everything in `after` that is not as in `before`, apart from time itself. What is in only one of the two is
/// compared as `absent`.
#[must_use]
pub fn drift(before: &Environment, after: &Environment) -> Vec<Drift> {
    let mut found = Vec::new();
    let mut differ = |kind, what: &str, a: String, b: String| {
        if a != b {
            found.push(Drift { kind, what: what.to_owned(), before: a, after: b });
        }
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".into());
    let of = |e: &Environment| {
        [
            (Kind::Host, "hostname", e.hostname.clone()),
            (Kind::Host, "kernel", e.kernel.clone()),
            (Kind::Host, "kernel command line", text(&e.kernel_command_line)),
            (Kind::Host, "CPU", text(&e.cpu_model)),
            (Kind::Host, "number of CPUs", e.cpus.to_string()),
            (Kind::Host, "memory", e.memory_bytes.to_string()),
            (Kind::Host, "clocksource", text(&e.clocksource)),
            (Kind::Host, "frequency governor", text(&e.frequency_governor)),
            (Kind::Host, "huge pages", text(&e.huge_pages)),
            (Kind::Host, "SMT", e.smt.map_or("absent", |on| if on { "on" } else { "off" }).to_owned()),
            (Kind::Tools, "rustc", text(&e.rustc)),
            (Kind::Tree, "Cargo.lock", text(&e.cargo_lock_sha256)),
            (Kind::Tree, "revision", text(&e.revision)),
            (Kind::Tree, "uncommitted changes", if e.dirty { "yes" } else { "none" }.to_owned()),
        ]
    };
    for ((kind, what, a), (_, _, b)) in of(before).into_iter().zip(of(after)) {
        differ(kind, what, a, b);
    }
    for (engine, old) in &before.frameworks {
        if let Some(new) = after.frameworks.get(engine) {
            differ(Kind::Tree, &format!("framework of {engine}"), old.clone(), new.clone());
        }
    }
    let maps = [
        ("mitigation", &before.mitigations, &after.mitigations),
        ("sysctl", &before.sysctls, &after.sysctls),
        ("limit", &before.limits, &after.limits),
        ("hard limit", &before.hard_limits, &after.hard_limits),
    ];
    for (kind_of, a, b) in maps {
        // A key that only one of them has: a newer suite looks at more.
        for (name, old) in a {
            let Some(new) = b.get(name) else { continue };
            differ(Kind::Host, &format!("{kind_of} {name}"), old.clone(), new.clone());
        }
    }
    found.extend(state(before, after));
    found
}

fn state(before: &Environment, after: &Environment) -> Vec<Drift> {
    let mut found = Vec::new();
    let mut push = |what: &str, before: String, after: String| {
        found.push(Drift { kind: Kind::State, what: what.into(), before, after });
    };
    let moved = after.memory_available_bytes.abs_diff(before.memory_available_bytes) as f64;
    if moved > MEMORY_SHARE * before.memory_bytes as f64 {
        let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
        push("available memory", megabytes(before.memory_available_bytes), megabytes(after.memory_available_bytes));
    }
    if let (Some(a), Some(b)) = (before.load_average_1min, after.load_average_1min)
        && (b - a).abs() > LOAD_PER_CPU * f64::from(before.cpus.max(1))
    {
        push("load average", format!("{a:.2}"), format!("{b:.2}"));
    }
    if let (Some(a), Some(b)) = (before.steal_share, after.steal_share)
        && b - a > STEAL_SHARE
    {
        push("stolen share of CPU time since boot", format!("{:.1} %", a * 100.0), format!("{:.1} %", b * 100.0));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::environment;

    #[test]
    fn only_what_changed_is_named() {
        let before = environment(std::path::Path::new(env!("CARGO_MANIFEST_DIR")), 1);
        let check = |change: fn(&mut Environment), expected: &[(Kind, &str)]| {
            let mut after = before.clone();
            after.unix_ms += 1_000;
            change(&mut after);
            let drifts = drift(&before, &after);
            let found: Vec<(Kind, &str)> = drifts.iter().map(|drift| (drift.kind, drift.what.as_str())).collect();
            assert_eq!(found, expected);
        };
        check(|_| {}, &[]);
        check(|e| e.clocksource = None, &[(Kind::Host, "clocksource")]);
        check(
            |e| drop(e.sysctls.insert("net.core.somaxconn".into(), "1".into())),
            &[(Kind::Host, "sysctl net.core.somaxconn")],
        );
        check(|e| e.dirty = !e.dirty, &[(Kind::Tree, "uncommitted changes")]);
        check(|e| e.rustc = Some("rustc 1.0.0".into()), &[(Kind::Tools, "rustc")]);
        check(|e| e.memory_available_bytes += e.memory_bytes / 2, &[(Kind::State, "available memory")]);
        check(|e| e.load_average_1min = Some(1e3), &[(Kind::State, "load average")]);
    }
}
