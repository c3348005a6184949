//! A chart of lines over two logarithmic axes, each line labelled at its end.

use super::axis::Axis;
use super::svg::{Anchor, Drawing, text_width};
use crate::analyse::Interval;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 76.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 52.0;
/// Between two labels.
const LINE_HEIGHT: f64 = 16.0;

/// One line.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) label: String,
    pub(super) colour: String,
    pub(super) points: Vec<DataPoint>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct DataPoint {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) interval: Option<Interval>,
}

/// What stands around the lines.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) subtitle: &'a str,
    pub(super) x_title: &'a str,
    /// Values along x that are named, and how.
    pub(super) x_ticks: Vec<(f64, String)>,
    pub(super) y_text: &'a dyn Fn(f64) -> String,
    /// A dot at every point: for few, measured ones.
    pub(super) dots: bool,
}

/// The chart; `None` without a line of two points.
pub(super) fn draw(series: &[Series], frame: &Frame<'_>) -> Option<String> {
    let series: Vec<&Series> = series.iter().filter(|line| line.points.len() >= 2).collect();
    let points = || series.iter().flat_map(|line| &line.points);
    let bound = |of: fn(f64, f64) -> f64, pick: fn(&DataPoint) -> f64| points().map(pick).reduce(of);
    let (x0, x1) = (bound(f64::min, |point| point.x)?, bound(f64::max, |point| point.x)?);
    let low = bound(f64::min, |point| point.interval.map_or(point.y, |interval| interval.lo))?;
    let high = bound(f64::max, |point| point.interval.map_or(point.y, |interval| interval.hi))?;
    let labels = series.iter().map(|line| text_width(&line.label)).fold(0.0, f64::max) + 40.0;
    let right = WIDTH - labels;
    let x = Axis::new(x0, x1, LEFT, right);
    let y = Axis::new(low / 1.05, high * 1.05, HEIGHT - BOTTOM, TOP);

    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    drawing.text(LEFT, 20.0, Anchor::Start, "title", frame.title);
    drawing.text(LEFT, 38.0, Anchor::Start, "soft", frame.subtitle);
    for tick in y.ticks() {
        drawing.rule((LEFT, y.at(tick)), (right, y.at(tick)));
        drawing.text(LEFT - 8.0, y.at(tick) + 4.0, Anchor::End, "soft", &(frame.y_text)(tick));
    }
    // Names that would touch the one before them are left out; their points are still there.
    let mut end = f64::NEG_INFINITY;
    for (tick, text) in frame.x_ticks.iter().filter(|(tick, _)| (x0..=x1).contains(tick)) {
        let half = text_width(text) / 2.0 + 4.0;
        if x.at(*tick) - half < end {
            continue;
        }
        end = x.at(*tick) + half;
        drawing.text(x.at(*tick), HEIGHT - BOTTOM + 20.0, Anchor::Middle, "soft", text);
    }
    drawing.text(f64::midpoint(LEFT, right), HEIGHT - 10.0, Anchor::Middle, "soft", frame.x_title);
    for line in &series {
        let path: Vec<(f64, f64)> = line.points.iter().map(|point| (x.at(point.x), y.at(point.y))).collect();
        drawing.stroke(&path, &line.colour, 2.0);
        for (point, (at_x, at_y)) in line.points.iter().zip(&path).filter(|_| frame.dots) {
            if let Some(interval) = point.interval {
                drawing.stroke(&[(*at_x, y.at(interval.lo)), (*at_x, y.at(interval.hi))], &line.colour, 1.5);
            }
            drawing.dot(*at_x, *at_y, &line.colour);
        }
    }
    let ends: Vec<f64> = series.iter().map(|line| y.at(line.points[line.points.len() - 1].y)).collect();
    for (line, at) in series.iter().zip(apart(&ends, HEIGHT - BOTTOM)) {
        drawing.bar((right + 12.0, at - 5.0), (10.0, 10.0), &line.colour, 1.0);
        drawing.text(right + 28.0, at + 4.0, Anchor::Start, "", &line.label);
    }
    Some(drawing.finish(frame.title))
}

/// Heights for labels, as near to `wanted` as can be without one covering another.
fn apart(wanted: &[f64], lowest: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut heights = wanted.to_vec();
    for pair in order.windows(2) {
        heights[pair[1]] = heights[pair[1]].max(heights[pair[0]] + LINE_HEIGHT);
    }
    // What was pushed below the axis pushes back up.
    let mut limit = lowest;
    for place in order.into_iter().rev() {
        heights[place] = heights[place].min(limit);
        limit = heights[place] - LINE_HEIGHT;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_never_cover_each_other_nor_leave_the_chart() {
        let heights = apart(&[300.0, 100.0, 301.0, 302.0, 101.0], 310.0);
        let mut sorted = heights.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= LINE_HEIGHT - 1e-9), "{heights:?}");
        assert!(heights.iter().all(|height| *height <= 310.0), "{heights:?}");
        assert!(heights[0] < heights[2] && heights[2] < heights[3] && heights[1] < heights[4], "{heights:?}");
    }
}
