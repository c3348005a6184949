//! A plain table in every format that the command line offers: aligned text, CSV and Markdown.

use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, TableStyle};

/// A table of texts.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    columns: Vec<Column>,
    rows: Vec<(Tint, Vec<String>)>,
}

#[derive(Debug, Clone)]
struct Column {
    name: &'static str,
    right: bool,
}

/// How a row is to look in colour; never the only carrier of a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tint {
    #[default]
    Plain,
    Good,
    Doubtful,
    Bad,
}

/// Spaces between two columns.
const GAP: u16 = 2;

impl Sheet {
    /// An empty table; a name that begins with `>` is of a column of numbers.
    pub(super) fn new(names: &[&'static str]) -> Self {
        let column = |name: &&'static str| Column { name: name.trim_start_matches('>'), right: name.starts_with('>') };
        Self { columns: names.iter().map(column).collect(), rows: Vec::new() }
    }

    pub(super) fn push(&mut self, tint: Tint, row: Vec<String>) {
        assert_eq!(row.len(), self.columns.len(), "a row has a field for every column");
        self.rows.push((tint, row));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Aligned by spaces, one line a row.
    pub(super) fn text(&self, colour: bool) -> String {
        let mut table = Table::new();
        let rule = comfy_table::LineStyle::none().fill('─');
        table.load_style(TableStyle::new().header_separator(rule));
        table.set_content_arrangement(ContentArrangement::Disabled);
        if colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let aligned = |text: &str, column: &Column| {
            let side = if column.right { CellAlignment::Right } else { CellAlignment::Left };
            Cell::new(text).set_alignment(side)
        };
        table.set_header(self.columns.iter().map(|column| aligned(column.name, column)));
        for (tint, row) in &self.rows {
            let cells = row.iter().zip(&self.columns).map(|(text, column)| {
                let cell = aligned(&one_line(text), column);
                match tint {
                    _ if !colour => cell,
                    Tint::Plain => cell,
                    Tint::Good => cell.fg(Color::Green),
                    Tint::Doubtful => cell.fg(Color::Yellow),
                    Tint::Bad => cell.fg(Color::Red).add_attribute(Attribute::Bold),
                }
            });
            table.add_row(cells);
        }
        let last = self.columns.len() - 1;
        for (place, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if place < last { GAP } else { 0 }));
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// RFC 4180, with a header and `\n`.
    pub(super) fn csv(&self) -> String {
        let mut text = line(self.columns.iter().map(|column| column.name));
        for (_, row) in &self.rows {
            text.push_str(&line(row.iter().map(String::as_str)));
        }
        text
    }

    /// A Markdown table.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::from("|");
        for column in &self.columns {
            let _ = write!(text, " {} |", column.name);
        }
        text.push_str("\n|");
        for column in &self.columns {
            text.push_str(if column.right { "---:|" } else { "---|" });
        }
        for (_, row) in &self.rows {
            text.push_str("\n|");
            for field in row {
                let _ = write!(text, " {} |", one_line(field).replace('|', "\\|"));
            }
        }
        text.push('\n');
        text
    }
}

fn line<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let quoted = |field: &str| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.into()
        }
    };
    fields.map(quoted).collect::<Vec<String>>().join(",") + "\n"
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(&["name", ">count"]);
        sheet.push(Tint::Plain, vec!["a|b".into(), "1".into()]);
        sheet.push(Tint::Bad, vec!["say \"x, y\"".into(), "12".into()]);
        sheet
    }

    #[test]
    fn every_format_has_every_field() {
        assert_eq!(
            sheet().text(false),
            "name        count\n─────────────────\na|b             1\nsay \"x, y\"     12\n"
        );
        assert_eq!(sheet().csv(), "name,count\na|b,1\n\"say \"\"x, y\"\"\",12\n");
        assert_eq!(sheet().markdown(), "| name | count |\n|---|---:|\n| a\\|b | 1 |\n| say \"x, y\" | 12 |\n");
    }

    #[test]
    fn colour_is_there_only_when_asked_for() {
        assert!(sheet().text(true).contains('\u{1b}') && !sheet().text(false).contains('\u{1b}'));
    }
}
