//! One colour per engine, the same in every chart, page and run; its variants share the hue.

use crate::analyse::Context;

/// The first seven are Okabe and Ito's, told apart by all common kinds of colour blindness, in tones that are legible on
/// white and on near-black; the others differ from them and from each other in lightness as well as in hue. Black is left
/// out, as one of the grounds, and grey, as it means a tie. No meaning rests on colour alone: every line has its label.
const HUES: [&str; 14] = [
    "#0072b2", "#d55e00", "#aa3377", "#009e73", "#a0714f", "#b8860b", "#8c6bb1", "#56a5d8", "#5ab4ac", "#b2474e",
    "#cc79a7", "#7a9a01", "#e08e79", "#5b6bbf",
];

/// Chosen so that the engines of the tree, and a dozen other well-known runtimes, all have colours of their own.
const SEED: u64 = 1_490_255;

/// The colour of each variant of the context, in its order. An engine's name alone decides, so that it keeps its colour when
/// engines are added; a second variant is lighter, a third darker.
#[must_use]
pub(super) fn of_variants(context: &Context) -> Vec<String> {
    let of = |place: usize| {
        let variant = &context.variants[place];
        let earlier = context.variants[..place].iter().filter(|other| other.engine == variant.engine).count();
        shade(HUES[hue(&variant.engine, context)], earlier)
    };
    (0..context.variants.len()).map(of).collect()
}

/// The engine's place in the palette. Where an engine that was known earlier by the alphabet has it, the next free one.
fn hue(engine: &str, context: &Context) -> usize {
    let known = context.engines_known.iter().map(String::as_str);
    let run = context.variants.iter().map(|variant| variant.engine.as_str());
    let mut names: Vec<&str> = known.chain(run).collect();
    names.sort_unstable();
    names.dedup();
    let mut taken = [false; HUES.len()];
    for name in names {
        let wanted = hash(name);
        let free = (0..HUES.len()).map(|step| (wanted + step) % HUES.len()).find(|place| !taken[*place]);
        // With more engines than colours, some have to share.
        let place = free.unwrap_or(wanted);
        if name == engine {
            return place;
        }
        taken[place] = true;
    }
    unreachable!("the engine is among its run's engines")
}

/// FNV-1a, from an offset of our own.
fn hash(name: &str) -> usize {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ SEED, step);
    (hash >> 32) as usize % HUES.len()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_well_known_runtime_has_a_colour_of_its_own() {
        let names = [
            "tokio",
            "may",
            "glommio",
            "mio",
            "monoio",
            "compio",
            "io-uring",
            "smol",
            "threads",
            "tokio-uring",
            "kimojio",
            "go-net",
            "gnet",
        ];
        let mut places: Vec<usize> = names.iter().map(|name| hash(name)).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), names.len());
    }

    #[test]
    fn the_palette_is_legible_on_both_grounds() {
        for hue in HUES {
            let channel = |at: usize| f64::from(u32::from_str_radix(&hue[at..at + 2], 16).unwrap()) / 255.0;
            let linear = |value: f64| if value <= 0.04 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
            // Relative luminance and contrast as WCAG 2 defines them; 3 : 1 is its limit for charts, 2.2 ours on white, where
            // lines are 2 px wide and labelled.
            let luminance = 0.2126 * linear(channel(1)) + 0.7152 * linear(channel(3)) + 0.0722 * linear(channel(5));
            let on_white = 1.05 / (luminance + 0.05);
            let on_dark = (luminance + 0.05) / (0.006 + 0.05);
            assert!(on_white >= 2.2 && on_dark >= 2.9, "{hue}: {on_white:.2} on white, {on_dark:.2} on near-black");
        }
    }
}
