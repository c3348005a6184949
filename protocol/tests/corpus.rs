//! Replays the fuzzing corpus on the stable toolchain, through the very checks that the fuzz targets run.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

#[expect(unreachable_pub, reason = "public for the fuzz targets")]
#[path = "../fuzz/src/checks.rs"]
mod checks;

/// Runs `target` on every file of its corpus; a panic names the file.
fn check(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    assert!(files.len() >= 10, "{}: {} files are no corpus", folder.display(), files.len());
    for file in files {
        let data = fs::read(&file).expect("the file can be read");
        // Printed by the test harness when the check panics.
        println!("{}", file.display());
        target(&data);
    }
}

#[test]
fn split() {
    check("split", checks::split);
}

#[test]
fn session() {
    check("session", checks::session);
}

#[test]
fn exchange() {
    check("exchange", checks::exchange);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise(data in vec(prop_oneof![0..8_u8, any::<u8>()], 0..200)) {
        checks::split(&data);
        checks::session(&data);
        checks::exchange(&data);
    }
}
