//! Profiles as a flame graph, drawn by inferno.

use inferno::flamegraph::{Options, from_lines};

/// An SVG of folded stacks: `outermost;…;innermost count`, a line each.
pub(super) fn svg(title: &str, lines: &[String]) -> Result<Vec<u8>, String> {
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = "samples".to_owned();
    let mut svg = Vec::new();
    from_lines(&mut options, lines.iter().map(String::as_str), &mut svg).map_err(|error| error.to_string())?;
    Ok(svg)
}

/// `name` as a frame of a folded stack, where `;` parts the frames.
pub(super) fn frame(name: &str) -> String {
    name.replace(';', ":")
}
