//! What a verification found.

/// How one case ended for one variant on one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// What was expected, and what happened.
    Fail(String),
    /// The reason, from the engine's manifest.
    NotSupported(String),
    /// A figure to publish, where there is no wrong one.
    Measured(String),
}

/// One case, run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub case: &'static str,
    pub engine: String,
    pub variant: String,
    pub transport: &'static str,
    pub verdict: Verdict,
}

/// All findings, in the order of targets, variants, cases and transports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub findings: Vec<Finding>,
}

impl Outcome {
    /// Whether the exit code is 1.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failures().next().is_some()
    }

    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Fail(_)))
    }

    /// Engine and variant of each column, in order.
    pub(crate) fn columns(&self) -> Vec<(String, String)> {
        let mut columns: Vec<(String, String)> = Vec::new();
        for finding in &self.findings {
            let column = (finding.engine.clone(), finding.variant.clone());
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    /// The findings of one case for one column: one a transport.
    pub(crate) fn cell(&self, case: &str, (engine, variant): &(String, String)) -> Vec<&Finding> {
        let here =
            |finding: &&Finding| finding.case == case && finding.engine == *engine && finding.variant == *variant;
        self.findings.iter().filter(here).collect()
    }
}
