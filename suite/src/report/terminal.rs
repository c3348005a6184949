//! The tables in a terminal.

use super::markdown;
use crate::analyse::Analysis;

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Escape sequences for bold and colour.
    pub colour: bool,
    /// Columns of the terminal; tables that are wider are cut into several.
    pub width: u16,
    /// All metrics, not only the main ones.
    pub all: bool,
}

/// The report for a terminal.
#[must_use]
pub fn render(analysis: &Analysis, _style: Style) -> String {
    markdown::render(analysis)
}
