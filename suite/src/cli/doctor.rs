//! `suite doctor`: what on this host stands in the way of good numbers, and how to mend it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::{DoctorArgs, WorkspaceArgs};
use super::output::{Format, OutputArgs, say};
use super::sheet::{Sheet, Tint};
use crate::catalog::workspace_root;
use crate::doctor::{Finding, Level, Setting, apply, collect, examine, restore};
use crate::run::unix_ms;

/// Where the kernel's settings are.
const SYSCTLS: &str = "/proc/sys";
/// Below the workspace root: the settings as they were before `--apply`.
const SAVED: &str = "runs/doctor-sysctls.json";

pub(super) fn answer(workspace: &WorkspaceArgs, asked: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let root = workspace_root(workspace.root.as_deref())?;
    let file = asked.state.clone().unwrap_or_else(|| PathBuf::from(SAVED));
    let file = if file.is_absolute() { file } else { root.join(file) };
    if asked.restore {
        for (name, value) in restore(Path::new(SYSCTLS), &file)? {
            say(&format!("{name} = {value}\n"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut findings = examine(&collect(&root, unix_ms(), &workspace.cargo_profile));
    if asked.apply {
        let settings: Vec<Setting> = findings.iter().filter_map(|finding| finding.setting.clone()).collect();
        for (name, old, new) in apply(&settings, Path::new(SYSCTLS), &file)? {
            eprintln!("suite: {name}: {old} → {new}");
        }
        if settings.is_empty() {
            eprintln!("suite: no kernel setting needs to change");
        } else {
            eprintln!("suite: the old values are in {}; back with: suite doctor --restore", file.display());
            findings = examine(&collect(&root, unix_ms(), &workspace.cargo_profile));
        }
    }
    print(&findings, asked.output)?;
    let failed = findings.iter().any(|finding| finding.level == Level::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(findings: &[Finding], output: OutputArgs) -> anyhow::Result<()> {
    if output.format != Format::Text {
        return output.print(&sheet(findings), &findings);
    }
    let mut text = String::new();
    for finding in findings {
        text += &line(finding, output.coloured());
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let settings = findings.iter().filter(|finding| finding.setting.is_some()).count();
    text += &format!("\n{} OK, {} WARN, {} FAIL\n", count(Level::Ok), count(Level::Warn), count(Level::Fail));
    if settings > 0 {
        text += &format!(
            "{settings} of them are kernel settings: suite doctor --apply sets them, --restore sets them back\n"
        );
    }
    say(&text)
}

/// One finding in a line, and two more where there is something to do.
fn line(finding: &Finding, colour: bool) -> String {
    let word = format!("{:<4}", finding.level.name());
    let word = match finding.level {
        _ if !colour => word,
        Level::Ok => format!("\u{1b}[32m{word}\u{1b}[0m"),
        Level::Warn => format!("\u{1b}[33m{word}\u{1b}[0m"),
        Level::Fail => format!("\u{1b}[1;31m{word}\u{1b}[0m"),
    };
    let mut text = format!("{word}  {:<18}  {}\n", finding.check, finding.seen);
    if !finding.why.is_empty() {
        text += &format!("      {}\n", finding.why);
    }
    if let Some(fix) = &finding.fix {
        text += &format!("      fix: {fix}\n");
    }
    text
}

fn sheet(findings: &[Finding]) -> Sheet {
    let mut sheet = Sheet::new(&["level", "check", "seen", "why", "fix"]);
    for finding in findings {
        let tint = match finding.level {
            Level::Ok => Tint::Good,
            Level::Warn => Tint::Doubtful,
            Level::Fail => Tint::Bad,
        };
        let fix = finding.fix.clone().unwrap_or_default();
        let row = [finding.level.name(), finding.check, &finding.seen, &finding.why, &fix];
        sheet.push(tint, row.map(str::to_owned).to_vec());
    }
    sheet
}

/// What a run says about the host before it begins: one line, and one for each failure.
pub(super) fn summary(root: &Path, cargo_profile: &str) -> String {
    let findings = examine(&collect(root, unix_ms(), cargo_profile));
    let named = |level| {
        let of = findings.iter().filter(|finding| finding.level == level);
        of.map(|finding| format!("{} ({})", finding.check, finding.seen)).collect::<Vec<String>>()
    };
    let (warnings, failures) = (named(Level::Warn), named(Level::Fail));
    if warnings.is_empty() && failures.is_empty() {
        return "doctor: all well\n".into();
    }
    let part = |name: &str, list: &[String]| {
        if list.is_empty() { String::new() } else { format!(" {name}: {}.", list.join("; ")) }
    };
    format!("doctor:{}{} See: suite doctor\n", part("FAIL", &failures), part("WARN", &warnings))
}
