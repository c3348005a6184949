//! Texts in the charts never cover each other nor leave the drawing, whatever the run: many engines, long names, values that
//! lie close together, counts from one to a million.

use suite::analyse::analyse;
use suite::report::chart;

use crate::synthetic::{Synthetic, Truth, tcp};

/// Where a text stands. Widths are those of a wide font: DejaVu Sans, which is what many Linux readers have.
struct Placed {
    text: String,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

fn attribute(element: &str, name: &str) -> f64 {
    let (_, rest) = element.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name} in {element}"));
    rest.split('"').next().and_then(|value| value.parse().ok()).expect("a number")
}

/// The boxes of all texts of a drawing.
fn boxes(svg: &str) -> Vec<Placed> {
    let texts = svg.lines().filter(|line| line.starts_with("<text"));
    let of = |line: &str| {
        let size = if line.contains("class=\"title\"") { 14.0 } else { 12.0 };
        let text = line.split_once('>').and_then(|(_, rest)| rest.split_once("</text>")).expect("a text").0;
        let width: f64 = text.replace("&amp;", "&").chars().map(|letter| advance(letter) * size).sum();
        let (x, y) = (attribute(line, "x"), attribute(line, "y"));
        let left = match () {
            () if line.contains("text-anchor=\"end\"") => x - width,
            () if line.contains("text-anchor=\"middle\"") => x - width / 2.0,
            () => x,
        };
        Placed { text: text.into(), left, right: left + width, top: y - 0.76 * size, bottom: y + 0.24 * size }
    };
    texts.map(of).collect()
}

/// Advance of a letter as a share of the font's size, rounded up from DejaVu Sans.
fn advance(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ' ' | '|' | '\'' => 0.34,
        'f' | 't' | 'r' | '/' | '(' | ')' | '-' => 0.42,
        'm' | 'w' | 'W' | 'M' | '%' => 0.98,
        letter if letter.is_uppercase() => 0.76,
        _ => 0.64,
    }
}

#[track_caller]
fn check(name: &str, variants: &[&str], counts: &[u32], payloads: &[u32], spread: f64) {
    let cells: Vec<_> = payloads.iter().flat_map(|payload| counts.iter().map(|count| tcp(*count, *payload))).collect();
    let mut run = Synthetic::new(variants, &cells, move |variant, cell| {
        let factor = 1.0 + spread * variant as f64;
        let growth = 1.0 + f64::from(cell.connections).ln() / 20.0;
        Truth {
            cpu_ns: 8_000.0 * factor * growth,
            p50_ns: 30_000.0 * factor,
            rate_per_s: 90_000.0 / factor,
            user_bytes_per_connection: 190.0 * (1.0 + 40.0 * spread * variant as f64),
        }
    });
    run.detailed = true;
    let run = run.blocks(3);
    let trials = run.trials();
    let charts = chart::all(&analyse(&trials, &run.context), &trials);
    assert!(charts.len() >= 3, "{name}: only {} charts", charts.len());
    for chart in charts {
        let view = chart.svg.split_once("viewBox=\"0 0 ").and_then(|(_, rest)| rest.split('"').next()).expect("a size");
        let (width, height) = view.split_once(' ').expect("two numbers");
        let (width, height): (f64, f64) = (width.parse().expect("a number"), height.parse().expect("a number"));
        let boxes = boxes(&chart.svg);
        for (place, one) in boxes.iter().enumerate() {
            let inside = one.left >= 0.0 && one.right <= width && one.top >= 0.0 && one.bottom <= height;
            assert!(inside, "{name}, {}: {:?} leaves {width} × {height}", chart.file, one.text);
            for other in &boxes[..place] {
                let apart = one.right <= other.left
                    || other.right <= one.left
                    || one.bottom <= other.top
                    || other.bottom <= one.top;
                assert!(apart, "{name}, {}: {:?} covers {:?}", chart.file, one.text, other.text);
            }
        }
    }
}

#[test]
fn of_a_small_run() {
    check("two engines", &["mio/default", "tokio/per-core"], &[16, 64, 256, 1024, 4096], &[64], 0.1);
}

#[test]
fn of_many_engines_that_lie_close_together() {
    let names: Vec<String> =
        (0..6).flat_map(|engine| ["default", "defer-taskrun"].map(|of| format!("engine{engine}/{of}"))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check("twelve variants", &names, &[16, 64, 256, 1024, 4096], &[64, 4096], 0.002);
}

#[test]
fn of_counts_from_one_to_a_million() {
    let counts = [1, 2, 4, 16, 64, 100, 256, 1000, 1024, 4096, 10_000, 65_536, 100_000, 1_000_000];
    check("many counts", &["mio/default", "tokio/per-core", "may/default"], &counts, &[64], 0.4);
}

#[test]
fn of_long_names_and_many_payloads() {
    let names = ["an-engine-with-a-long-name/and-a-variant-to-match", "may/default", "b/c"];
    check("long names", &names, &[1000, 2000, 4000, 8000, 16_000], &[0, 64, 1024, 4096, 16_384, 65_535], 0.0);
}
