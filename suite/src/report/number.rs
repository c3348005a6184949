//! Numbers for people: three digits at most, and the unit that fits.

use crate::analyse::Unit;

/// A value in its base unit, compact: `9.8 µs`, `112 k/s`, `2.9 KB`, `2.4`.
#[must_use]
pub fn compact(value: f64, unit: Unit) -> String {
    const NANOSECONDS: [&str; 4] = ["ns", "µs", "ms", "s"];
    const PER_SECOND: [&str; 4] = ["/s", "k/s", "M/s", "G/s"];
    const BYTES: [&str; 4] = ["B", "KB", "MB", "GB"];
    match unit {
        Unit::Nanoseconds => scaled(value, &NANOSECONDS),
        Unit::FramesPerSecond => scaled(value, &PER_SECOND),
        Unit::Bytes => scaled(value, &BYTES),
        Unit::Count => digits(value),
    }
}

/// How many times: two decimals, then one, then none.
#[must_use]
pub fn ratio(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// An offered rate, to two digits: a random schedule meets its rate no better.
#[must_use]
pub fn rate(per_second: f64) -> String {
    let scale = 10f64.powf(per_second.max(1.0).log10().floor() - 1.0);
    let rounded = (per_second / scale).round() * scale;
    compact(rounded, Unit::FramesPerSecond).replace(".0 ", " ")
}

/// A count of things: `4096`, `100 k`, `1 M`.
#[must_use]
pub fn count(value: u32) -> String {
    match value {
        v if v >= 1_000_000 && v.is_multiple_of(100_000) => format!("{} M", f64::from(v) / 1e6),
        v if v >= 10_000 && v.is_multiple_of(1_000) => format!("{} k", v / 1_000),
        v => v.to_string(),
    }
}

/// A ratio as a difference: `−31 %`.
#[must_use]
pub fn signed_percent(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    let sign = if percent < 0.0 { '−' } else { '+' };
    let size = percent.abs();
    if size < 9.95 { format!("{sign}{size:.1} %") } else { format!("{sign}{size:.0} %") }
}

/// A log ratio as a percentage.
#[must_use]
pub fn percent(log_ratio: f64) -> String {
    let percent = log_ratio.exp_m1() * 100.0;
    if percent.abs() < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

fn scaled(value: f64, units: &[&str; 4]) -> String {
    let mut value = value;
    let mut step = 0;
    // 999.5 would be printed as 1000.
    while value.abs() >= 999.5 && step + 1 < units.len() {
        value /= 1000.0;
        step += 1;
    }
    let number = if step == 0 { whole_or_digits(value) } else { digits(value) };
    format!("{number} {}", units[step])
}

fn whole_or_digits(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { digits(value) }
}

fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 0.995 || v == 0.0 => format!("{value:.1}"),
        v if v >= 0.0995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_at_most_and_the_unit_that_fits() {
        let check = |value, unit, expected| assert_eq!(compact(value, unit), expected);
        check(9_812.0, Unit::Nanoseconds, "9.8 µs");
        check(99_949.0, Unit::Nanoseconds, "99.9 µs");
        check(99_960.0, Unit::Nanoseconds, "100 µs");
        check(999_499.0, Unit::Nanoseconds, "999 µs");
        check(999_500.0, Unit::Nanoseconds, "1.0 ms");
        check(112_345.0, Unit::FramesPerSecond, "112 k/s");
        check(2_945.0, Unit::Bytes, "2.9 KB");
        check(378.0, Unit::Bytes, "378 B");
        check(0.0, Unit::Bytes, "0 B");
        check(2.35, Unit::Count, "2.4");
        check(0.204, Unit::Count, "0.20");
        check(0.0, Unit::Count, "0.0");
        check(-4_000.0, Unit::Bytes, "-4.0 KB");
    }

    #[test]
    fn rates_have_two_digits_and_counts_stay_whole() {
        assert_eq!([rate(19_934.0), rate(8_123.0), rate(1_946.0)], ["20 k/s", "8.1 k/s", "1.9 k/s"]);
        assert_eq!([count(4096), count(100_000), count(1_000_000)], ["4096", "100 k", "1 M"]);
        assert_eq!([signed_percent(0.69), signed_percent(1.021)], ["−31 %", "+2.1 %"]);
    }
}
