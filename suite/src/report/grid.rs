//! A table ready to be laid out: texts and tones, the same for the terminal and for Markdown.

use super::notes::Notes;

/// The value of a cell that has none.
pub(super) const NOTHING: &str = "—";

/// A table of texts.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) title: String,
    /// What the numbers are and where they come from, one line each.
    pub(super) captions: Vec<String>,
    /// Names of the leading columns, which every cut of a wide table repeats.
    pub(super) stubs: Vec<String>,
    pub(super) columns: Vec<Heading>,
    pub(super) rows: Vec<GridRow>,
    /// How to read the marks.
    pub(super) legend: String,
    pub(super) notes: Notes,
}

/// A column's heading.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// One text a line.
    pub(super) lines: Vec<String>,
    /// Columns of one group stay together when a wide table is cut.
    pub(super) group: usize,
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct GridRow {
    /// One per stub.
    pub(super) stubs: Vec<String>,
    /// One per column.
    pub(super) cells: Vec<GridCell>,
}

/// One cell: the value, aligned right; the mark beside it, aligned left, its first character for a sign or a space.
#[derive(Debug, Clone, Default)]
pub(super) struct GridCell {
    pub(super) value: String,
    pub(super) mark: String,
    pub(super) tone: Tone,
}

/// How a cell is to look; never the only carrier of a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tone {
    #[default]
    Plain,
    /// Established to be the best: bold.
    Best,
    /// Not told apart from the best.
    Near,
    /// Not used, or not there.
    Faint,
}

impl GridCell {
    pub(super) fn text(value: impl Into<String>, tone: Tone) -> Self {
        Self { value: value.into(), mark: String::new(), tone }
    }

    /// The value and its mark with one space between.
    pub(super) fn joined(&self) -> String {
        [self.value.as_str(), self.mark.trim()].join(" ").trim().to_owned()
    }
}

impl Grid {
    /// Whether any cell says something that is not merely a reason for nothing.
    pub(super) fn says_something(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.value != NOTHING)
    }
}
