//! Student's t distribution, for whole degrees of freedom.

use std::f64::consts::PI;

/// P(|T| ≥ t) with `freedom` degrees of freedom, by the finite sums 26.7.3 and 26.7.4 of Abramowitz and Stegun.
/// Exact to about 1e-15; what is smaller reads as 0.
pub(crate) fn two_sided(t: f64, freedom: u32) -> f64 {
    assert!(freedom > 0 && t >= 0.0, "of {freedom} degrees of freedom, at {t}");
    let angle = (t / f64::from(freedom).sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    let mut term = if odd { cos } else { 1.0 };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    let mut power = if odd { 1 } else { 0 };
    while power + 2 <= freedom.saturating_sub(2) {
        power += 2;
        term *= cos * cos * f64::from(power - 1) / f64::from(power);
        sum += term;
    }
    let within = if odd { (angle + sin * sum) * 2.0 / PI } else { sin * sum };
    (1.0 - within).clamp(0.0, 1.0)
}

/// The t that |T| reaches with this chance.
pub(super) fn reached_with(chance: f64, freedom: u32) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided(high, freedom) > chance {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if two_sided(middle, freedom) > chance { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided critical values from the printed tables.
    #[test]
    fn the_printed_tables() {
        for (freedom, chance, t) in [
            (1, 0.05, 12.706),
            (2, 0.05, 4.303),
            (3, 0.05, 3.182),
            (4, 0.01, 4.604),
            (5, 0.01, 4.032),
            (9, 0.05, 2.262),
            (10, 0.001, 4.587),
            (30, 0.05, 2.042),
        ] {
            assert!((reached_with(chance, freedom) - t).abs() < 6e-4, "{freedom} {chance}");
            assert!((two_sided(t, freedom) / chance - 1.0).abs() < 1e-3, "{freedom} {chance}");
        }
        assert_eq!(two_sided(0.0, 7), 1.0);
        assert_eq!(two_sided(f64::INFINITY, 7), 0.0);
    }
}
