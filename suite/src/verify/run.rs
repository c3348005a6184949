//! Runs the cases: every case against every variant on every transport that both know.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use harness::manifest::{Manifest, Variant};

use super::case::{Case, NotSupported, Proven, cases};
use super::outcome::{Finding, Outcome, Verdict};
use super::subject::Subject;

/// One engine to verify.
#[derive(Debug, Clone)]
pub struct Target {
    /// The engine's program, built.
    pub binary: PathBuf,
    pub manifest: Manifest,
    /// Names of the variants to verify.
    pub variants: Vec<String>,
}

/// Which cases to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    All,
    /// Cases whose name contains this.
    Containing(String),
    Named(Vec<String>),
}

impl Selection {
    /// Whether the case of this name is among them.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Containing(pattern) => name.contains(pattern.as_str()),
            Self::Named(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

/// How to verify.
#[derive(Debug, Clone)]
pub struct Options {
    pub selection: Selection,
    /// The long set: a 1 GiB stream, 100 drains, …
    pub long: bool,
    /// How long to wait for what must come. Never what a passing case waits for.
    pub patience: Duration,
    /// Cases at a time.
    pub jobs: usize,
}

impl Options {
    /// The quick set, patiently, a few cases at a time.
    #[must_use]
    pub const fn quick() -> Self {
        Self { selection: Selection::All, long: false, patience: Duration::from_secs(10), jobs: 4 }
    }
}

/// Runs every case that `options` asks for, and tells `progress` of each as it ends.
#[must_use]
pub fn verify(targets: &[Target], options: &Options, progress: &(dyn Fn(&Finding) + Sync)) -> Outcome {
    let work: Vec<_> = targets.iter().flat_map(|target| subjects(target, options)).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::with_capacity(work.len()));
    thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, work.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((case, subject)) = work.get(index) else { return };
                    let finding = judge(case, subject);
                    progress(&finding);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((index, finding));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    Outcome { findings: found.into_iter().map(|(_, finding)| finding).collect() }
}

fn subjects<'a>(target: &'a Target, options: &'a Options) -> Vec<(&'static Case, Subject<'a>)> {
    let wanted = |case: &&Case| options.selection.wants(case.name);
    let variants = target.variants.iter().filter_map(|name| target.manifest.variant(name));
    let pairs = variants.flat_map(|variant| cases().filter(wanted).map(move |case| (variant, case)));
    let transports = |(variant, case): (&'a Variant, &'static Case)| {
        case.scope.transports().iter().map(move |transport| (case, Subject::new(target, variant, transport, options)))
    };
    pairs.flat_map(transports).collect()
}

fn judge(case: &Case, subject: &Subject<'_>) -> Finding {
    let served = subject.target.manifest.transports(subject.variant);
    let verdict = if served.iter().any(|name| name == subject.transport) {
        // A bug in one case must not hide what the others find.
        catch_unwind(AssertUnwindSafe(|| verdict(case, subject)))
            .unwrap_or_else(|_| Verdict::Fail("the case itself panicked".to_owned()))
    } else {
        let reason = subject.target.manifest.refusal(subject.variant, subject.transport, "");
        Verdict::NotSupported(reason.unwrap_or("engine.toml does not list this transport").to_owned())
    };
    Finding {
        case: case.name,
        engine: subject.target.manifest.name.clone(),
        variant: subject.variant.name.clone(),
        transport: subject.transport,
        verdict,
    }
}

fn verdict(case: &Case, subject: &Subject<'_>) -> Verdict {
    match (case.run)(subject) {
        Ok(Proven::Holds) => Verdict::Pass,
        Ok(Proven::Measured(figure)) => Verdict::Measured(figure),
        Err(error) => match error.downcast_ref::<NotSupported>() {
            Some(NotSupported(reason)) => Verdict::NotSupported(reason.clone()),
            None => {
                let stderr = subject.stderr();
                let said = if stderr.is_empty() { String::new() } else { format!(" [stderr: {stderr}]") };
                Verdict::Fail(format!("{error:#}{said}"))
            }
        },
    }
}
