//! The quick set against every engine that builds here, in the tests' own profile.

use std::path::Path;
use std::process::Command;

use suite::catalog::{Builder, Engine, Program, engines};
use suite::verify::{Options, Target, verify};

/// Why this host cannot run an engine; none means that it can.
fn refusal(binary: &Path) -> Option<String> {
    let output = Command::new(binary).args(["--addr", "tcp://127.0.0.1:0"]).output().expect("the engine starts");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn every_engine_conforms() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the suite lies in the workspace").to_owned();
    let engines: Vec<Engine> = engines(&root.join("engines")).expect("the manifests are right");
    // Engines that other toolchains build are verified by `suite verify`.
    let ours = engines.iter().filter(|engine| engine.manifest.program.is_none());
    let builder = Builder { root, cargo_profile: "dev".into(), quiet: true };
    let mut targets = Vec::new();
    for engine in ours {
        let binary = match builder.engine(engine) {
            Program::Built { path, .. } => path,
            Program::Failed { error, tail } => panic!("{}: {error}\n{}", engine.name(), tail.join("\n")),
        };
        if let Some(reason) = refusal(&binary) {
            eprintln!("{} does not run here: {reason}", engine.name());
            continue;
        }
        let variants = engine.manifest.variant.iter().map(|variant| variant.name.clone()).collect();
        targets.push(Target { binary, manifest: engine.manifest.clone(), variants });
    }
    assert!(targets.iter().any(|target| target.manifest.name == "tokio"), "no engine runs here");
    let outcome = verify(&targets, &Options::quick(), &|_| {});
    assert!(!outcome.failed(), "{}", outcome.terminal());
}
