//! How long each request's payload is: one length, or a mix such as `64:90%,4096-65536:10%`.
//!
//! A length is a pure function of the seed, the connection's number and the request's sequence number on it. So every
//! server gets the same requests, whatever its timing, and nobody needs to remember what was drawn.

use std::fmt;
use std::str::FromStr;

/// The end of a range that is meant as 64 KiB: the wire's longest payload is one byte less.
const ROUND_MAX: u32 = 65_536;
/// Parts of one mix: more is no distribution that anybody could read in a report.
const PARTS_MAX: usize = 16;
/// Shares must sum up to 100 % but for the rounding of their text.
const PERCENT_SLACK: f64 = 0.01;

/// What `--payload` says.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// Every payload has this many bytes.
    Fixed(u16),
    /// Drawn for each request.
    Mix(Mix),
}

/// Lengths and how often they come.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    parts: Vec<Part>,
    seed: u64,
}

/// Lengths from `bytes_min` to `bytes_max`, all equally likely, for a share of the requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub bytes_min: u16,
    pub bytes_max: u16,
    pub percent: f64,
    /// Draws below this, of 2³², and of no earlier part, belong here.
    below: u64,
}

impl Payload {
    /// The same, drawn with this seed.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        if let Self::Mix(mix) = &mut self {
            mix.seed = seed;
        }
        self
    }

    /// Payload bytes of request `sequence` (from 0) on connection `number`.
    #[inline]
    #[must_use]
    pub fn length(&self, number: u32, sequence: u64) -> u16 {
        match self {
            Self::Fixed(length) => *length,
            Self::Mix(mix) => mix.draw(number, sequence).1,
        }
    }

    /// The shortest and the longest there can be.
    #[must_use]
    pub fn bounds(&self) -> (u16, u16) {
        match self {
            Self::Fixed(length) => (*length, *length),
            Self::Mix(Mix { parts, .. }) => (
                parts.iter().map(|part| part.bytes_min).min().unwrap_or(0),
                parts.iter().map(|part| part.bytes_max).max().unwrap_or(0),
            ),
        }
    }

    /// The expected length.
    #[must_use]
    pub fn mean_bytes(&self) -> f64 {
        match self {
            Self::Fixed(length) => f64::from(*length),
            Self::Mix(Mix { parts, .. }) => parts
                .iter()
                .map(|part| (f64::from(part.bytes_min) + f64::from(part.bytes_max)) / 2.0 * part.percent / 100.0)
                .sum(),
        }
    }
}

impl Mix {
    /// The parts, in the order given.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Which part the request is of, and how long its payload is.
    #[must_use]
    pub fn draw(&self, number: u32, sequence: u64) -> (usize, u16) {
        let random = scramble(self.seed.wrapping_add(scramble(u64::from(number) << 32 ^ sequence)));
        let (choice, position) = (random >> 32, random & 0xFFFF_FFFF);
        let at = self.parts.iter().position(|part| choice < part.below).unwrap_or(self.parts.len() - 1);
        let Part { bytes_min, bytes_max, .. } = self.parts[at];
        let span = u64::from(bytes_max - bytes_min) + 1;
        (at, bytes_min + ((position * span) >> 32) as u16)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input moves every bit of the output.
const fn scramble(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Mix(Mix { parts, .. }) = self else { return write!(f, "{}", self.bounds().0) };
        for (i, Part { bytes_min, bytes_max, percent, .. }) in parts.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            if bytes_min == bytes_max {
                write!(f, "{comma}{bytes_min}:{percent}%")?;
            } else {
                write!(f, "{comma}{bytes_min}-{bytes_max}:{percent}%")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Payload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pieces: Vec<&str> = text.split(',').collect();
        if pieces.len() > PARTS_MAX {
            return Err(format!("{} parts, at most {PARTS_MAX}", pieces.len()));
        }
        if let [only] = pieces[..]
            && !only.contains([':', '-'])
        {
            return length(only).map(Self::Fixed);
        }
        let mut parts = Vec::new();
        let mut sum = 0.0;
        for piece in &pieces {
            let (range, percent) = match piece.split_once(':') {
                Some((range, percent)) => (range, self::percent(percent)?),
                None if pieces.len() == 1 => (*piece, 100.0),
                None => return Err(format!("`{piece}` has no share: expected a mix such as 64:90%,4096-65535:10%")),
            };
            let (bytes_min, bytes_max) = match range.split_once('-') {
                Some((first, last)) => (length(first)?, range_end(last)?),
                None => length(range).map(|length| (length, length))?,
            };
            if bytes_min > bytes_max {
                return Err(format!("the range `{range}` is backwards"));
            }
            sum += percent;
            let below = (sum / 100.0 * 2f64.powi(32)).round() as u64;
            parts.push(Part { bytes_min, bytes_max, percent, below });
        }
        if (sum - 100.0).abs() > PERCENT_SLACK {
            return Err(format!("the shares sum up to {sum} %, not to 100 %"));
        }
        Ok(Self::Mix(Mix { parts, seed: 0 }))
    }
}

fn length(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is no payload length: expected 0 to 65535 bytes, the wire's longest");
    text.trim().parse().map_err(|_| wrong())
}

fn range_end(text: &str) -> Result<u16, String> {
    if text.trim().parse() == Ok(ROUND_MAX) { Ok(u16::MAX) } else { length(text) }
}

fn percent(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim().strip_suffix('%').and_then(|number| number.trim().parse().ok());
    let in_range = number.filter(|&number| number > 0.0 && number <= 100.0);
    in_range.ok_or_else(|| format!("`{text}` is no share: expected a percentage such as 10%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(text: &str) -> Mix {
        match text.parse::<Payload>().expect(text).seeded(7) {
            Payload::Mix(mix) => mix,
            Payload::Fixed(_) => panic!("{text} is no mix"),
        }
    }

    #[test]
    fn texts() {
        assert_eq!("64".parse(), Ok(Payload::Fixed(64)));
        assert_eq!("65535".parse(), Ok(Payload::Fixed(65535)));
        let both: Payload = "64:90%,4096-65536:10%".parse().expect("the example of the help");
        assert_eq!(both.to_string(), "64:90%,4096-65535:10%", "a range may end at the round number");
        assert_eq!(both.bounds(), (64, 65535));
        assert_eq!(both.mean_bytes(), 0.9 * 64.0 + 0.1 * (4096.0 + 65535.0) / 2.0);
        assert_eq!("1-9".parse::<Payload>().expect("one part").to_string(), "1-9:100%");
        assert_eq!("0:33.33%,1:33.33%,2:33.34%".parse::<Payload>().expect("thirds").bounds(), (0, 2));
        let wrong = [
            ("", "no payload length"),
            ("65536", "0 to 65535"),
            ("70000", "70000"),
            ("-1", "no payload length"),
            ("64:90%", "90 %, not to 100 %"),
            ("64:90%,65:20%", "110 %"),
            ("64,65", "has no share"),
            ("9-1:100%", "backwards"),
            ("1-65537:100%", "65537"),
            ("65536:100%", "65536"),
            ("64:0%,65:100%", "`0%` is no share"),
            ("64:0.9,65:0.1", "percentage"),
        ];
        for (text, words) in wrong {
            let error = text.parse::<Payload>().expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn draws_depend_on_all_three_and_on_nothing_else() {
        let mix = mix("0-65535:100%");
        assert_eq!([mix.draw(3, 5), mix.draw(3, 5)], [(0, 23_422); 2]);
        let draws = |seed, number| -> Vec<u16> {
            let payload = Payload::Mix(Mix { seed, ..mix.clone() });
            (0..100).map(|sequence| payload.length(number, sequence)).collect()
        };
        assert_ne!(draws(1, 1), draws(2, 1));
        assert_ne!(draws(1, 1), draws(1, 2));
        assert_eq!(Payload::Fixed(9).length(1, 2), 9);
    }

    /// A binomial count of n draws with share p has a standard deviation of √(n p (1 − p)); four of them are allowed.
    #[test]
    fn shares_are_those_asked() {
        let mix = mix("64:90%,100-199:9.5%,4096-65536:0.5%");
        let n = 200_000u32;
        let mut counts = [0u32; 3];
        let mut tens = [0u32; 10];
        for i in 0..n {
            let (part, length) = mix.draw(i % 100, u64::from(i / 100));
            counts[part] += 1;
            let Part { bytes_min, bytes_max, .. } = mix.parts()[part];
            assert!((bytes_min..=bytes_max).contains(&length));
            if part == 1 {
                tens[usize::from(length - 100) / 10] += 1;
            }
        }
        let check = |count: u32, n: u32, share: f64| {
            let (mean, deviation) = (f64::from(n) * share, (f64::from(n) * share * (1.0 - share)).sqrt());
            assert!((f64::from(count) - mean).abs() < 4.0 * deviation, "{count} of {n}, share {share}");
        };
        for (count, part) in counts.into_iter().zip(mix.parts()) {
            check(count, n, part.percent / 100.0);
        }
        for count in tens {
            check(count, counts[1], 0.1);
        }
    }
}
