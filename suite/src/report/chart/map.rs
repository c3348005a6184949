//! The winner map: connections across, payload down, each field in the colour of who leads there.

use super::svg::{Anchor, Drawing, text_width};

const LEFT: f64 = 90.0;
const TOP: f64 = 56.0;
const ROW: f64 = 46.0;

/// Who leads in a field.
#[derive(Debug, Clone)]
pub(super) enum Winner {
    /// One, established: its name and colour.
    One(String, String),
    /// Several that are not told apart: their names.
    Even(Vec<String>),
    /// Nothing is known, and why in a word or two.
    Nobody(&'static str),
}

/// One field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) connections: u32,
    pub(super) payload_bytes: u32,
    pub(super) winner: Winner,
}

/// The map; `None` without a field.
pub(super) fn draw(title: &str, subtitle: &str, fields: &[Field]) -> Option<String> {
    let distinct = |of: fn(&Field) -> u32| {
        let values: std::collections::BTreeSet<u32> = fields.iter().map(of).collect();
        values.into_iter().collect::<Vec<u32>>()
    };
    let (xs, ys) = (distinct(|field| field.connections), distinct(|field| field.payload_bytes));
    let widest = fields.iter().flat_map(|field| lines(&field.winner)).map(|line| text_width(&line)).reduce(f64::max)?;
    let column = (widest + 16.0).max(90.0);
    let names = |text: &str| text_width(text);
    let width = (LEFT + column * xs.len() as f64).max(LEFT + names(subtitle)).max(LEFT + names(title) * 1.2) + 20.0;
    let tallest = fields.iter().map(|field| lines(&field.winner).len()).max().unwrap_or(1) as f64;
    let row = ROW.max(tallest * 15.0 + 14.0);
    let bottom = TOP + row * ys.len() as f64;
    let mut drawing = Drawing::new(width, bottom + 52.0);
    drawing.text(LEFT, 20.0, Anchor::Start, "title", title);
    drawing.text(LEFT, 38.0, Anchor::Start, "soft", subtitle);
    for (place, y) in ys.iter().enumerate() {
        let middle = TOP + row * (place as f64 + 0.5) + 4.0;
        drawing.text(LEFT - 10.0, middle, Anchor::End, "soft", &format!("{y} B"));
    }
    for (place, x) in xs.iter().enumerate() {
        let middle = LEFT + column * (place as f64 + 0.5);
        drawing.text(middle, bottom + 18.0, Anchor::Middle, "soft", &x.to_string());
    }
    drawing.text(LEFT + column * xs.len() as f64 / 2.0, bottom + 38.0, Anchor::Middle, "soft", "connections");
    for field in fields {
        let place = |of: &[u32], value: u32| of.binary_search(&value).expect("it was collected from the fields") as f64;
        let corner = (LEFT + column * place(&xs, field.connections), TOP + row * place(&ys, field.payload_bytes));
        draw_field(&mut drawing, corner, (column, row), &field.winner);
    }
    Some(drawing.finish(title))
}

fn draw_field(drawing: &mut Drawing, corner: (f64, f64), size: (f64, f64), winner: &Winner) {
    let class = match winner {
        Winner::One(_, colour) => {
            drawing.bar(corner, size, colour, 0.45);
            "none"
        }
        Winner::Even(_) => "even",
        Winner::Nobody(_) => "none",
    };
    drawing.tile(corner, size, class);
    let lines = lines(winner);
    let first = corner.1 + size.1 / 2.0 + 4.0 - 7.5 * (lines.len() as f64 - 1.0);
    for (place, line) in lines.iter().enumerate() {
        let tone = if matches!(winner, Winner::Nobody(_)) { "soft" } else { "" };
        drawing.text(corner.0 + size.0 / 2.0, first + 15.0 * place as f64, Anchor::Middle, tone, line);
    }
}

/// What is written in a field: a name a line, the last ones of many counted.
fn lines(winner: &Winner) -> Vec<String> {
    match winner {
        Winner::One(name, _) => vec![name.clone()],
        Winner::Even(names) if names.len() <= 3 => names.clone(),
        Winner::Even(names) => {
            let mut lines = names[..2].to_vec();
            lines.push(format!("and {} more", names.len() - 2));
            lines
        }
        Winner::Nobody(why) => vec![(*why).to_owned()],
    }
}
