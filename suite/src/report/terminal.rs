//! The report in a terminal: aligned tables that never wrap; what is wider than the terminal is cut into several.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, TableStyle};

use super::grid::{Grid, GridCell, Heading, Tone};
use super::{grids, label, summary};
use crate::analyse::Analysis;

/// Spaces between two columns.
const GAP: usize = 2;

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

/// The report for a terminal: the tables, and last the answer in sentences.
#[must_use]
pub fn render(analysis: &Analysis, style: Style) -> String {
    let mut out = format!("{}\n", analysis.context.question);
    push_wrapped(&mut out, &label::origin(analysis), "", style.width);
    let grids = grids::main_or_all(analysis, style.all);
    for (place, grid) in grids.iter().enumerate() {
        push_grid(&mut out, grid, style);
        // Tables of one kind follow each other, and are read the same way.
        if grids.get(place + 1).is_none_or(|next| next.legend != grid.legend) {
            push_wrapped(&mut out, &format!("({})", grid.legend), "", style.width);
        }
    }
    push_paragraphs(&mut out, analysis, style);
    out
}

fn push_paragraphs(out: &mut String, analysis: &Analysis, style: Style) {
    out.push('\n');
    for failed in summary::failures(analysis) {
        push_wrapped(out, &failed, "", style.width);
    }
    out.push_str(&bold("Summary", style));
    out.push('\n');
    for sentence in summary::sentences(analysis) {
        push_wrapped(out, &sentence, "- ", style.width);
    }
    if !style.all {
        out.push_str("More metrics, their formulae and every pair: report.md and report.html in the run's folder.\n");
    }
}

fn push_grid(out: &mut String, grid: &Grid, style: Style) {
    out.push('\n');
    push_line(out, &bold(&grid.title, style));
    for caption in &grid.captions {
        push_wrapped(out, caption, "", style.width);
    }
    let widths: Vec<Width> = (0..grid.columns.len()).map(|column| Width::of(grid, column)).collect();
    for cut in cuts(grid, &widths, usize::from(style.width)) {
        push_cut(out, grid, &widths, &cut, style);
    }
    for note in grid.notes.lines() {
        push_wrapped(out, &note, "", style.width);
    }
}

/// What a column needs: for its values, and for the marks beside them.
struct Width {
    value: usize,
    mark: usize,
    heading: usize,
}

impl Width {
    fn of(grid: &Grid, column: usize) -> Self {
        let most = |of: fn(&GridCell) -> &str| {
            grid.rows.iter().map(|row| chars(of(&row.cells[column]))).max().unwrap_or_default()
        };
        let heading = grid.columns[column].lines.iter().map(|line| chars(line)).max().unwrap_or_default();
        Self { value: most(|cell| &cell.value), mark: most(|cell| &cell.mark), heading }
    }

    /// Both, and the space between.
    fn total(&self) -> usize {
        let inner = if self.mark == 0 { self.value } else { self.value + 1 + self.mark };
        inner.max(self.heading)
    }
}

/// The columns of each part, so that no part is wider than the terminal; whole groups where they fit.
fn cuts(grid: &Grid, widths: &[Width], width: usize) -> Vec<Vec<usize>> {
    let stub = |place: usize| {
        let names = grid.rows.iter().map(|row| chars(&row.stubs[place]));
        names.max().unwrap_or_default().max(chars(&grid.stubs[place])) + GAP
    };
    let room = width.saturating_sub((0..grid.stubs.len()).map(stub).sum());
    let needs = |columns: &[usize]| columns.iter().map(|column| widths[*column].total() + GAP).sum::<usize>();
    let mut cuts: Vec<Vec<usize>> = Vec::new();
    for group in groups(&grid.columns) {
        let fits = |cut: &Vec<usize>| needs(cut) + needs(&group) <= room + GAP;
        match cuts.last_mut() {
            Some(cut) if fits(cut) => cut.extend(group),
            _ if needs(&group) <= room + GAP => cuts.push(group),
            _ => {
                // A group that is too wide by itself is cut where it must be; it starts a part of its own.
                cuts.push(Vec::new());
                for column in group {
                    let cut = cuts.last_mut().expect("one was just pushed");
                    if !cut.is_empty() && needs(cut) + needs(&[column]) > room + GAP {
                        cuts.push(vec![column]);
                    } else {
                        cut.push(column);
                    }
                }
            }
        }
    }
    cuts
}

fn groups(columns: &[Heading]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if columns[group[0]].group == column.group => group.push(place),
            _ => groups.push(vec![place]),
        }
    }
    groups
}

fn push_cut(out: &mut String, grid: &Grid, widths: &[Width], cut: &[usize], style: Style) {
    let rule = comfy_table::LineStyle::none().fill('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(rule)).set_content_arrangement(ContentArrangement::Disabled);
    if style.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let mut header: Vec<Cell> = grid.stubs.iter().map(Cell::new).collect();
    header.extend(cut.iter().map(|column| {
        let lines = &grid.columns[*column].lines;
        Cell::new(lines.join("\n")).set_alignment(CellAlignment::Right)
    }));
    table.set_header(header);
    for row in &grid.rows {
        let mut cells: Vec<Cell> = row.stubs.iter().map(Cell::new).collect();
        cells.extend(cut.iter().map(|column| laid_out(&row.cells[*column], &widths[*column], style)));
        table.add_row(cells);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP as u16));
    }
    for line in table.lines() {
        push_line(out, &line);
    }
}

/// Values line up on the right, marks on the left, within one column.
fn laid_out(cell: &GridCell, width: &Width, style: Style) -> Cell {
    let mut text = format!("{:>value$}", cell.value, value = width.value);
    if width.mark > 0 {
        text = format!("{text} {:<mark$}", cell.mark, mark = width.mark);
    }
    let laid_out = Cell::new(text).set_alignment(CellAlignment::Right);
    match cell.tone {
        _ if !style.colour => laid_out,
        Tone::Plain => laid_out,
        Tone::Best => laid_out.add_attribute(Attribute::Bold).fg(Color::Green),
        Tone::Near => laid_out.fg(Color::Green),
        Tone::Faint => laid_out.add_attribute(Attribute::Dim),
    }
}

fn bold(text: &str, style: Style) -> String {
    if style.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Breaks a text at spaces; what follows the first line is indented like its bullet.
fn push_wrapped(out: &mut String, text: &str, bullet: &str, width: u16) {
    let indent = " ".repeat(chars(bullet).max(2));
    let mut line = bullet.to_owned();
    let mut fresh = true;
    for word in text.split(' ') {
        if !fresh && chars(&line) + 1 + chars(word) > usize::from(width) {
            push_line(out, &line);
            line.clone_from(&indent);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    push_line(out, &line);
}

/// Every character used in tables is one column wide.
fn chars(text: &str) -> usize {
    text.chars().count()
}
