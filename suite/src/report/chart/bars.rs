//! Stacked horizontal bars, one per variant.

use super::svg::{Anchor, Drawing, text_width};

const WIDTH: f64 = 860.0;
const TOP: f64 = 78.0;
const ROW: f64 = 28.0;

/// The parts of a bar from the left, told apart by how solid they are.
pub(super) const OPACITIES: [f64; 3] = [1.0, 0.6, 0.28];

/// One bar.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) colour: String,
    /// One per part, in a common unit, none below 0.
    pub(super) parts: Vec<f64>,
    /// What stands at its end.
    pub(super) text: String,
}

/// The chart; `None` without a bar.
pub(super) fn draw(title: &str, subtitle: &str, parts: &[&str], bars: &[Bar]) -> Option<String> {
    let longest = bars.iter().map(|bar| bar.parts.iter().sum::<f64>()).reduce(f64::max).filter(|sum| *sum > 0.0)?;
    let left = bars.iter().map(|bar| text_width(&bar.label)).fold(0.0, f64::max) + 20.0;
    let right = WIDTH - bars.iter().map(|bar| text_width(&bar.text)).fold(0.0, f64::max) - 20.0;
    let height = TOP + ROW * bars.len() as f64 + 16.0;
    let mut drawing = Drawing::new(WIDTH, height);
    drawing.text(left, 20.0, Anchor::Start, "title", title);
    drawing.text(left, 38.0, Anchor::Start, "soft", subtitle);
    let mut x = left;
    for (part, opacity) in parts.iter().zip(OPACITIES) {
        drawing.bar((x, 50.0), (12.0, 12.0), "#57606a", opacity);
        drawing.text(x + 18.0, 60.0, Anchor::Start, "", part);
        x += 36.0 + text_width(part);
    }
    for (place, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * place as f64;
        drawing.text(left - 8.0, y + 15.0, Anchor::End, "", &bar.label);
        let mut x = left;
        for (part, opacity) in bar.parts.iter().zip(OPACITIES) {
            let width = part.max(0.0) / longest * (right - left);
            drawing.bar((x, y), (width, ROW - 8.0), &bar.colour, opacity);
            x += width;
        }
        drawing.text(x + 8.0, y + 15.0, Anchor::Start, "", &bar.text);
    }
    Some(drawing.finish(title))
}
