//! Writes SVG text: elements with attributes, positions to a tenth.

use std::fmt::Write;

/// Colours that follow the reader's theme: the page's own variables where there is a page, the system's choice elsewhere.
const STYLE: &str = ".crossover-chart text{font:12px system-ui,sans-serif;fill:var(--ink,#1b1f24)}\
.crossover-chart .soft{fill:var(--soft,#57606a)}.crossover-chart .title{font-weight:600;font-size:14px}\
.crossover-chart .axis{stroke:var(--line,#d0d7de)}.crossover-chart .tile{stroke:var(--line,#d0d7de)}\
.crossover-chart .even{fill:#8c959f;fill-opacity:.35}.crossover-chart .none{fill:none}\
@media (prefers-color-scheme:dark){.crossover-chart text{fill:var(--ink,#e4e8ed)}\
.crossover-chart .soft{fill:var(--soft,#9aa5b1)}.crossover-chart .axis,.crossover-chart .tile{stroke:var(--line,#303842)}}";

/// How a text is placed at its x.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing in progress.
#[derive(Debug)]
pub(super) struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    pub(super) const fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        let _ =
            writeln!(self.body, r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
    }

    /// A line in the axes' colour.
    pub(super) fn rule(&mut self, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(self.body, r#"<line class="axis" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
    }

    /// A line in a colour.
    pub(super) fn stroke(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        let mut path = String::new();
        for (place, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { 'M' } else { 'L' });
        }
        let _ = writeln!(self.body, r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>"#);
    }

    pub(super) fn dot(&mut self, x: f64, y: f64, colour: &str) {
        let _ = writeln!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#);
    }

    pub(super) fn bar(&mut self, corner: (f64, f64), size: (f64, f64), colour: &str, opacity: f64) {
        let ((x, y), (width, height)) = (corner, size);
        let _ = writeln!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}" fill-opacity="{opacity}"/>"#
        );
    }

    /// A bordered field in a class's colour.
    pub(super) fn tile(&mut self, corner: (f64, f64), size: (f64, f64), class: &str) {
        let ((x, y), (width, height)) = (corner, size);
        let _ = writeln!(
            self.body,
            r#"<rect class="tile {class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        );
    }

    /// The document, with a title for those who cannot see it.
    pub(super) fn finish(self, title: &str) -> String {
        let Self { width, height, body } = self;
        let title = escape(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"crossover-chart\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n<style>{STYLE}</style>\n{body}</svg>\n"
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The width of a text at 12 px, on the safe side: fonts differ between readers.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 7.2
}
