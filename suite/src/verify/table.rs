//! The table of a verification: cases down, engine variants across.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};

use super::case::cases;
use super::outcome::{Finding, Outcome, Verdict};

const BEGIN: &str = "<!-- conformance:begin -->";
const END: &str = "<!-- conformance:end -->";

/// A file that has no place for the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {BEGIN} followed by {END}")]
pub struct SpliceError;

/// `text` with `table` between the conformance markers instead of what was there.
///
/// # Errors
/// A marker is missing, or they are the wrong way round.
pub fn splice(text: &str, table: &str) -> Result<String, SpliceError> {
    let (before, rest) = text.split_once(BEGIN).ok_or(SpliceError)?;
    let (_, after) = rest.split_once(END).ok_or(SpliceError)?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", table.trim()))
}

impl Outcome {
    /// The table for a terminal, with failures and limitations in full below it.
    #[must_use]
    pub fn terminal(&self) -> String {
        let notes = Notes::of(self);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.header());
        for (name, cells) in self.rows(&notes) {
            table.add_row(std::iter::once(name.to_owned()).chain(cells));
        }
        let failed = self.failures().count();
        let mut text = format!("{table}\n");
        for note in &notes.texts {
            let _ = writeln!(text, "{note}");
        }
        let _ = writeln!(text, "{} findings, {failed} failed", self.findings.len());
        text
    }

    /// The same as Markdown, with what each case proves.
    #[must_use]
    pub fn markdown(&self) -> String {
        let notes = Notes::of(self);
        let header = self.header();
        let mut text = format!("| {} | proves |\n", header.join(" | "));
        let _ = writeln!(text, "|---|{}---|", ":-:|".repeat(header.len() - 1));
        for (name, cells) in self.rows(&notes) {
            let proves = cases().find(|case| case.name == name).map_or("", |case| case.proves);
            let _ = writeln!(text, "| `{name}` | {} | {proves} |", cells.join(" | "));
        }
        for note in &notes.texts {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }

    fn header(&self) -> Vec<String> {
        let columns = self.columns();
        let variants = |engine: &str| columns.iter().filter(|(name, _)| name == engine).count();
        let name = |(engine, variant): &(String, String)| match variants(engine) {
            1 => engine.clone(),
            _ => format!("{engine} {variant}"),
        };
        std::iter::once("case".to_owned()).chain(columns.iter().map(name)).collect()
    }

    fn rows(&self, notes: &Notes) -> Vec<(&'static str, Vec<String>)> {
        let columns = self.columns();
        let ran = |name: &str| self.findings.iter().any(|finding| finding.case == name);
        let row =
            |name: &'static str| (name, columns.iter().map(|column| notes.cell(&self.cell(name, column))).collect());
        cases().map(|case| case.name).filter(|name| ran(name)).map(row).collect()
    }
}

/// What does not fit a cell: failures and limitations, numbered, equal ones once.
struct Notes {
    texts: Vec<String>,
    /// Which note belongs to which text.
    keys: Vec<String>,
}

impl Notes {
    fn of(outcome: &Outcome) -> Self {
        let mut notes = Self { texts: Vec::new(), keys: Vec::new() };
        for finding in &outcome.findings {
            let Some(key) = key(finding) else { continue };
            if !notes.keys.contains(&key) {
                notes.texts.push(format!("[{}] {key}", notes.keys.len() + 1));
                notes.keys.push(key);
            }
        }
        notes
    }

    /// One mark when all transports agree, otherwise one for each.
    fn cell(&self, findings: &[&Finding]) -> String {
        let marks: Vec<String> = findings.iter().map(|finding| self.mark(finding)).collect();
        match marks.as_slice() {
            [] => String::new(),
            [first, rest @ ..] if rest.iter().all(|mark| mark == first) => first.clone(),
            _ => {
                let named = findings.iter().zip(&marks).map(|(finding, mark)| format!("{} {mark}", finding.transport));
                named.collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn mark(&self, finding: &Finding) -> String {
        let number = || {
            let key = key(finding);
            1 + self.keys.iter().position(|known| Some(known) == key.as_ref()).expect("all were numbered")
        };
        match &finding.verdict {
            Verdict::Pass => "✓".to_owned(),
            Verdict::Fail(_) => format!("✗ [{}]", number()),
            Verdict::NotSupported(_) => format!("– [{}]", number()),
            Verdict::Measured(figure) => figure.clone(),
        }
    }
}

/// Equal keys share a note.
fn key(finding: &Finding) -> Option<String> {
    match &finding.verdict {
        Verdict::Pass | Verdict::Measured(_) => None,
        Verdict::Fail(detail) => {
            let Finding { case, engine, variant, transport, .. } = finding;
            Some(format!("FAILED {engine}/{variant} {case} over {transport}: {detail}"))
        }
        Verdict::NotSupported(reason) => Some(format!("{}/{} does not: {reason}", finding.engine, finding.variant)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(variant: &str, transport: &'static str, verdict: Verdict) -> Finding {
        Finding { case: "ping", engine: "x".into(), variant: variant.into(), transport, verdict }
    }

    #[test]
    fn a_cell_says_it_once_when_transports_agree() {
        let outcome = Outcome {
            findings: vec![
                finding("a", "tcp", Verdict::Pass),
                finding("a", "unix", Verdict::Pass),
                finding("b", "tcp", Verdict::Fail("no reply".into())),
                finding("b", "unix", Verdict::NotSupported("no Unix sockets".into())),
            ],
        };
        let markdown = outcome.markdown();
        assert!(markdown.starts_with("| case | x a | x b | proves |\n|---|:-:|:-:|---|\n"), "{markdown}");
        assert!(markdown.contains("| `ping` | ✓ | tcp ✗ [1], unix – [2] | PING is answered by PONG |"), "{markdown}");
        assert!(markdown.contains("[1] FAILED x/b ping over tcp: no reply"), "{markdown}");
        assert!(markdown.contains("[2] x/b does not: no Unix sockets"), "{markdown}");
        assert!(outcome.failed());
    }

    #[test]
    fn tables_are_spliced_between_their_markers() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let expected = format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n");
        assert_eq!(splice(&text, "new\n"), Ok(expected.clone()));
        assert_eq!(splice(&expected, "new"), Ok(expected));
        assert_eq!(splice("nothing", "new"), Err(SpliceError));
    }
}
