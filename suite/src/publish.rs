//! Publishing: a complete run of a clean tree is copied into `results/`, and the index is made anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::analyse::Analysis;
use crate::conclude::Run;
use crate::plan::trials;
use crate::record::{RunFolder, write_whole};
use crate::report::{headline, write_all};
use crate::schema;

/// Where published runs are, below the workspace root.
const RESULTS: &str = "results";

/// Where the schemas of the records are, below the results.
const SCHEMAS: &str = "schema";

/// What a published run may take: the tree is cloned by everybody.
const BYTES_MAX: u64 = 5_000_000;

/// The experiment whose headline the README shows.
const HEADLINE: &str = "crossover";

/// Copies the run into `results/` of the workspace at `root` with a fresh report, rewrites the index, and
/// puts the headline of the default experiment into the README.
/// Returns the run's new folder, and the files that were written outside it.
///
/// # Errors
/// When the run is not fit to be published, or was published before: a published run is never rewritten.
pub fn publish(root: &Path, folder: &RunFolder) -> anyhow::Result<Vec<PathBuf>> {
    let run = Run::load(folder)?;
    check(&run, folder)?;
    let analysis = run.analysis(&folder.name());
    let readme = root.join("README.md");
    // Before anything is written: a README without a place for the headline stops the whole.
    let spliced = if run.plan.experiment == HEADLINE {
        let text = std::fs::read_to_string(&readme).with_context(|| format!("failed to read {}", readme.display()))?;
        let headline = headline::render(&analysis);
        Some(headline::splice(&text, &headline).with_context(|| readme.display().to_string())?)
    } else {
        None
    };
    let results = root.join(RESULTS);
    let target = results.join(folder.name());
    if target.exists() {
        bail!("{} is published already, and is never rewritten: run again, or remove it by hand", target.display());
    }
    // Beside its place, so that a run that turns out too large leaves nothing behind.
    let partial = tempfile_beside(&target);
    let written = write_folder(&partial, folder, &run, &analysis);
    let moved = written.and_then(|()| std::fs::rename(&partial, &target).map_err(Into::into));
    if let Err(error) = moved {
        // The reason is in `error`; what was never made cannot be removed.
        let _ = std::fs::remove_dir_all(&partial);
        return Err(error);
    }
    for (file, text) in schema::files() {
        let folder = results.join(SCHEMAS);
        std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        write_whole(&folder.join(file), &text)?;
    }
    let index = results.join("README.md");
    write_whole(&index, &render_index(&results)?)?;
    let mut written = vec![target, index];
    if let Some(text) = spliced {
        write_whole(&readme, &text)?;
        written.push(readme);
    }
    Ok(written)
}

/// A hidden name in the same folder: a rename within one file system is whole or not at all.
fn tempfile_beside(target: &Path) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    target.with_file_name(format!(".{name}.partial"))
}

/// Writes everything that is published of a run into `to`, and checks its size.
fn write_folder(to: &Path, folder: &RunFolder, run: &Run, analysis: &Analysis) -> anyhow::Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to).with_context(|| format!("failed to remove {}", to.display()))?;
    }
    let published = RunFolder::create(to)?;
    for (from, to) in [
        (folder.plan(), published.plan()),
        (folder.environment(), published.environment()),
        (folder.records(), published.records()),
    ] {
        std::fs::copy(&from, &to).with_context(|| format!("failed to copy {}", from.display()))?;
    }
    // Runs from before there were calibrations have none.
    if folder.calibration().exists() {
        std::fs::copy(folder.calibration(), published.calibration()).context("failed to copy calibration.json")?;
    }
    write_all(published.path(), analysis, &run.trials, &run.sessions)?;
    let bytes = size(published.path())?;
    if bytes > BYTES_MAX {
        let (is, may) = (bytes as f64 / 1e6, BYTES_MAX as f64 / 1e6);
        bail!(
            "{} would take {is:.1} MB in {RESULTS}/, at most {may:.0} MB are published: run fewer cells or blocks",
            folder.name()
        );
    }
    Ok(())
}

/// Bytes of all files below `path`.
fn size(path: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in path.read_dir().with_context(|| format!("failed to list {}", path.display()))? {
        let entry = entry?;
        let data = entry.metadata()?;
        bytes += if data.is_dir() { size(&entry.path())? } else { data.len() };
    }
    Ok(bytes)
}

fn check(run: &Run, folder: &RunFolder) -> anyhow::Result<()> {
    let name = folder.name();
    if run.plan.cargo_profile != "release" {
        bail!("{name} was built with profile {}: only release builds are published", run.plan.cargo_profile);
    }
    if run.plan.dirty || run.plan.revision.is_none() {
        bail!("{name} was made from a tree with uncommitted changes: commit, and run again");
    }
    let environments =
        run.sessions.sessions.iter().flat_map(|session| std::iter::once(&session.before).chain(&session.after));
    if let Some(dirty) =
        environments.into_iter().find(|environment| environment.dirty || environment.revision != run.plan.revision)
    {
        let state = if dirty.dirty { "had uncommitted changes" } else { "was at another revision" };
        bail!("the tree {state} while {name} ran: its numbers cannot be made again; commit, and run again");
    }
    let mut programs = run.trials.iter().flat_map(|trial| &trial.commands).filter_map(|command| command.argv.first());
    if let Some(program) = programs.find(|program| Path::new(program.as_str()).is_absolute()) {
        bail!("{name} names a program of this machine alone, {program}: run with engines and client of the workspace");
    }
    let recorded: BTreeSet<u32> = run.trials.iter().map(|trial| trial.trial).collect();
    let missing = trials(&run.plan).iter().filter(|trial| !recorded.contains(&trial.trial)).count();
    if missing > 0 {
        bail!("{name} is not complete, {missing} trials are missing: finish it with --resume");
    }
    Ok(())
}

/// The index of everything in `results`, newest first, and what is in the files.
///
/// # Errors
/// When a published run cannot be read.
pub fn render_index(results: &Path) -> anyhow::Result<String> {
    let mut names = Vec::new();
    for entry in results.read_dir()? {
        let entry = entry?;
        if entry.path().join("plan.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable_by(|a, b| b.cmp(a));
    let mut text = String::from(
        "# Published runs\n\nGenerated by `suite publish`. Each folder holds the plan, the environment before and after, every trial's\nrecord, and the report that `suite report` rebuilds from them.\n\n| run | experiment | profile | trials | host | revision |\n|---|---|---|---:|---|---|\n",
    );
    for name in names {
        let run = Run::load(&RunFolder::open(&results.join(&name))?).with_context(|| name.clone())?;
        let host = run.sessions.sessions.first().map(|session| &session.before);
        let host = host.map_or_else(String::new, |host| {
            let cpu = host.cpu_model.as_deref().unwrap_or("unknown CPU");
            format!("{cpu}, {} CPUs, {}", host.cpus, host.kernel.split(' ').take(2).collect::<Vec<_>>().join(" "))
        });
        let revision: String = run.plan.revision.iter().flat_map(|revision| revision.chars()).take(12).collect();
        writeln!(
            text,
            "| [{name}]({name}/report.md) | {} | {} | {} | {host} | `{revision}` |",
            run.plan.experiment,
            run.plan.profile,
            run.trials.len()
        )?;
    }
    text.push('\n');
    text += &schema::markdown();
    Ok(text)
}
