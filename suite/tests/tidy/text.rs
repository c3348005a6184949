//! What may not stand in the sources.

use super::sources::{Source, lines, none, rust, with_extensions};

/// This folder spells out what is forbidden.
fn is_rulebook(source: &Source) -> bool {
    source.path.starts_with("suite/tests/tidy/")
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
    let found = lines(&rust(), |source, line| {
        !is_rulebook(source)
            && (marks.iter().any(|mark| line.contains(mark)) || (is_comment(line) && line.contains("TODO")))
    });
    none("nothing is left for later", &found);
}

#[test]
fn lints_are_silenced_with_a_reason() {
    let found =
        lines(&rust(), |source, line| !is_rulebook(source) && (line.contains("#[allow") || line.contains("#![allow")));
    none("use #[expect(lint, reason = \"…\")]", &found);
}

#[test]
fn unsafe_code_says_why_it_is_sound() {
    let mut findings = Vec::new();
    for source in rust().into_iter().filter(|source| !is_rulebook(source)) {
        let all: Vec<&str> = source.text.lines().collect();
        for (index, line) in all.iter().enumerate() {
            let opens = line.contains("unsafe {") || line.trim_start().starts_with("unsafe impl");
            // The reason stands right above, perhaps over the begin of the statement.
            let reasons = all[index.saturating_sub(6)..index].iter().any(|above| above.contains("// SAFETY:"));
            if opens && !is_comment(line) && !reasons {
                findings.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    none("unsafe blocks have a // SAFETY: comment", &findings);
}

/// Time is an argument wherever a function must give the same answer twice.
#[test]
fn pure_code_reads_no_clock() {
    let pure = [
        "protocol/src/",
        "loadclient/src/schedule",
        "suite/src/plan/",
        "suite/src/experiment/",
        "suite/src/analyse/",
        "suite/src/report/",
    ];
    let clocks = ["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "thread_rng", "rand::rng()"];
    let found = lines(&rust(), |source, line| {
        pure.iter().any(|folder| source.path.starts_with(folder)) && clocks.iter().any(|clock| line.contains(clock))
    });
    none("time and randomness are arguments here", &found);
}

#[test]
fn the_protocol_knows_no_sockets_and_no_threads() {
    let outside = ["std::net", "std::io", "std::thread", "std::os", "std::fs", "std::process"];
    let found = lines(&rust(), |source, line| {
        source.path.starts_with("protocol/src/") && outside.iter().any(|module| line.contains(module))
    });
    none("the protocol is sans-IO", &found);
}

/// The machine on which something was written is nobody else's.
#[test]
fn no_machine_is_named() {
    let paths = ["/work/", "/tmp/wt-", "/tmp/target-", "/home/", "/root/", "/Users/"];
    let sources = with_extensions(&["rs", "toml", "md", "txt", "sh", "yml"]);
    let found = lines(&sources, |source, line| {
        // Published runs keep the very commands that were run.
        !is_rulebook(source) && !source.path.starts_with("results/") && paths.iter().any(|path| line.contains(path))
    });
    none("no path of one machine", &found);
}
