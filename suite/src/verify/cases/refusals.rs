//! Command lines that cannot be served: exit code 2, and one line that says why.

use anyhow::{Context as _, Result, ensure};

use crate::verify::case::{Case, Proven, Scope};
use crate::verify::subject::{Refusal, Subject};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "address-in-use",
        "an address in use is refused: exit code 2, one line that names it",
        Scope::Stream,
        in_use,
    ),
    Case::new("unknown-option", "an unknown option is refused: exit code 2, and named", Scope::Tcp, unknown_option),
    Case::new(
        "bad-value",
        "a value out of bounds is refused: exit code 2, option and value named",
        Scope::Tcp,
        bad_value,
    ),
    Case::new(
        "unsupported-refused",
        "what engine.toml calls unsupported is refused with its reason, and nothing else is",
        Scope::Tcp,
        unsupported,
    ),
];

/// Exit code 2, nothing on stdout, and each of `words` on stderr.
fn check(refusal: &Refusal, words: &[&str]) -> Result<()> {
    ensure!(refusal.code == Some(2), "exit code {:?} instead of 2; stderr: {}", refusal.code, refusal.stderr.trim());
    ensure!(refusal.stdout.is_empty(), "stdout is not empty: {}", refusal.stdout);
    for word in words {
        ensure!(refusal.stderr.contains(word), "stderr does not name '{word}': {}", refusal.stderr.trim());
    }
    Ok(())
}

fn in_use(subject: &Subject<'_>) -> Result<Proven> {
    let server = subject.start(&[])?;
    let taken = server.addr.to_string();
    for acceptors in ["1", "2"] {
        let refusal = subject.refusal(std::slice::from_ref(&taken), &["--acceptors", acceptors])?;
        check(&refusal, &[&taken]).with_context(|| format!("--acceptors {acceptors}"))?;
        let lines = refusal.stderr.lines().count();
        ensure!(lines == 1, "{lines} lines instead of one: {}", refusal.stderr.trim());
    }
    // The one that was there is unharmed.
    subject.connect(&server)?;
    Ok(Proven::Holds)
}

fn unknown_option(subject: &Subject<'_>) -> Result<Proven> {
    check(&subject.refusal(&[subject.address()], &["--no-such-option", "1"])?, &["--no-such-option"])?;
    check(&subject.refusal(&[], &[])?, &["--addr"])?;
    Ok(Proven::Holds)
}

fn bad_value(subject: &Subject<'_>) -> Result<Proven> {
    for (option, value) in [
        ("--readbuf", "1"),
        ("--workers", "0"),
        ("--max-frame", "65536"),
        ("--idle-timeout", "soon"),
        ("--cpus", "3-1"),
        ("--nodelay", "perhaps"),
        ("--variant", "no-such-variant"),
        ("--addr", "nonsense"),
    ] {
        let refusal = subject.refusal(&[subject.address()], &[option, value])?;
        check(&refusal, &[option, value]).with_context(|| format!("{option} {value}"))?;
    }
    let refusal = subject.refusal(&[subject.address()], &["--congestion", "no-such-control"])?;
    check(&refusal, &["no-such-control"])?;
    Ok(Proven::Holds)
}

fn unsupported(subject: &Subject<'_>) -> Result<Proven> {
    let manifest = &subject.target.manifest;
    for (what, reason) in manifest.unsupported.iter().chain(&subject.variant.unsupported) {
        let refusal = if ["tcp", "unix", "udp"].contains(&what.as_str()) {
            subject.refusal(&[subject.address_of(what)], &[])?
        } else {
            let (option, value) = what.split_once('=').unwrap_or((what, any_value(what)));
            subject.refusal(&[subject.address()], &[&format!("--{option}"), value])?
        };
        check(&refusal, &[reason]).with_context(|| what.clone())?;
    }
    // What is not on the list must start.
    for (option, value) in [("--pool", "false"), ("--write-queue", "0"), ("--backlog", "16"), ("--sndbuf", "9000")] {
        if subject.supports(option.trim_start_matches("--"), value).is_ok() {
            subject.start(&[option, value]).with_context(|| format!("{option} {value}"))?;
        }
    }
    Ok(Proven::Holds)
}

/// A value that the option's reader accepts.
fn any_value(option: &str) -> &'static str {
    match option {
        "pool" | "nodelay" => "false",
        "idle-timeout" | "write-timeout" | "drain-timeout" => "1s",
        "congestion" => "reno",
        "cpus" => "0",
        "metrics-addr" => "127.0.0.1:0",
        _ => "1024",
    }
}
