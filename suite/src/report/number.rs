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
