//! One colour per engine, the same in every chart and page; its variants share the hue.

use crate::analyse::Context;

/// Okabe and Ito's palette, told apart by all common kinds of colour blindness, in tones that are legible on white and
/// on near-black. Black is left out, as one of the grounds.
const HUES: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56a5d8", "#8c6bb1"];

/// The colour of each variant of the context, in its order. An engine's place among all engines of the tree decides;
/// a second variant is lighter, a third darker.
#[must_use]
pub(super) fn of_variants(context: &Context) -> Vec<String> {
    let mut engines = context.engines_known.clone();
    // An engine that has left the tree since comes after those that are in it.
    for variant in &context.variants {
        if !engines.contains(&variant.engine) {
            engines.push(variant.engine.clone());
        }
    }
    let of = |place: usize| {
        let variant = &context.variants[place];
        let hue = engines.iter().position(|engine| *engine == variant.engine).expect("every engine was added");
        let earlier = context.variants[..place].iter().filter(|other| other.engine == variant.engine).count();
        shade(HUES[hue % HUES.len()], earlier)
    };
    (0..context.variants.len()).map(of).collect()
}

/// The `step`th shade of a colour: itself, mixed with white, mixed with black, and over again.
fn shade(hue: &str, step: usize) -> String {
    let channel = |at: usize| u32::from_str_radix(&hue[at..at + 2], 16).expect("the palette is hexadecimal");
    let mix = |value: u32| match step % 3 {
        0 => value,
        1 => value + (255 - value) * 45 / 100,
        _ => value * 60 / 100,
    };
    format!("#{:02x}{:02x}{:02x}", mix(channel(1)), mix(channel(3)), mix(channel(5)))
}
