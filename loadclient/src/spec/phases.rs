//! The text form of a load whose rate changes: `10s@1000,20s@1000..5000,1s@20000`.

use std::str::FromStr;

use super::parse::duration_ns;
use crate::schedule::Phase;

/// Each phase keeps histograms of its own.
const PHASES_MAX: usize = 64;
const RATE_MAX_PER_S: f64 = 1e9;

/// At least one phase, and at least one frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phases(pub(super) Vec<Phase>);

impl FromStr for Phases {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let phases = text.split(',').map(phase).collect::<Result<Vec<_>, _>>()?;
        if phases.len() > PHASES_MAX {
            return Err(format!("{} phases, at most {PHASES_MAX}", phases.len()));
        }
        if phases.iter().map(Phase::frames).sum::<f64>() < 1.0 {
            return Err("less than one frame is due in all of it".into());
        }
        Ok(Self(phases))
    }
}

/// `LENGTH@RATE` or `LENGTH@RATE..RATE`.
fn phase(text: &str) -> Result<Phase, String> {
    let wrong = |why: &str| format!("phase `{text}`: {why}");
    let (length, rates) = text.trim().split_once('@').ok_or_else(|| {
        wrong("expected LENGTH@RATE or LENGTH@RATE..RATE in frames per second, such as 10s@1000 or 20s@1000..5000")
    })?;
    let length_ns = duration_ns(length).map_err(|why| wrong(&why))?;
    if length_ns == 0 {
        return Err(wrong("must be longer than 0s"));
    }
    let rate = |text: &str| match text.parse::<f64>() {
        Ok(rate) if (0.0..=RATE_MAX_PER_S).contains(&rate) => Ok(rate),
        _ => Err(wrong(&format!("`{text}` is no rate from 0 to 1e9 frames per second"))),
    };
    let (begin, end) = rates.split_once("..").unwrap_or((rates, rates));
    Ok(Phase { length_ns, begin_per_s: rate(begin)?, end_per_s: rate(end)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn steps_ramps_bursts_and_pauses() {
        let phases: Phases = "10s@1000,20s@1000..5000, 500ms@2e4,1m@0,1s@0..0.5".parse().expect("well formed");
        let of = |length_ns, begin_per_s, end_per_s| Phase { length_ns, begin_per_s, end_per_s };
        assert_eq!(
            phases.0,
            [
                of(10 * SECOND, 1000.0, 1000.0),
                of(20 * SECOND, 1000.0, 5000.0),
                of(SECOND / 2, 20_000.0, 20_000.0),
                of(60 * SECOND, 0.0, 0.0),
                of(SECOND, 0.0, 0.5),
            ]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, words) in [
            ("", "LENGTH@RATE"),
            ("10s", "LENGTH@RATE"),
            ("10@5", "500ms, 2s, 1m"),
            ("0s@5", "longer than 0s"),
            ("1s@x", "`x` is no rate"),
            ("1s@-1", "`-1` is no rate"),
            ("1s@1..2..3", "`2..3` is no rate"),
            ("1s@1,", "phase ``"),
            ("1s@NaN", "`NaN` is no rate"),
            ("1s@inf", "`inf` is no rate"),
            ("1s@0", "less than one frame"),
        ] {
            let error = text.parse::<Phases>().expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(vec!["1s@1"; 65].join(",").parse::<Phases>().is_err());
    }
}
