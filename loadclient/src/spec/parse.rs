//! The small texts of the command line: durations, address lists, CPU lists.

use std::net::Ipv4Addr;

/// Most source addresses that a list may expand to: a typing error must not become a /8.
const SOURCE_ADDRESSES_MAX: u32 = 4096;

/// A duration with its unit, such as `500ms`, `2s`, `1m`, in nanoseconds.
pub(crate) fn duration_ns(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_ns: f64 = match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return Err("expected a number and a unit, such as 500ms, 2s, 1m".into()),
    };
    let number: f64 = number.parse().map_err(|_| "expected a number and a unit, such as 500ms, 2s, 1m".to_owned())?;
    let ns = number * unit_ns;
    // A week bounds every sum of times well inside u64.
    if ns > 7.0 * 24.0 * 3600e9 { Err("longer than a week".into()) } else { Ok(ns.round() as u64) }
}

/// A number of bytes above 0, plain or with its unit: `4096`, `64KiB`, `1MiB`, `1GiB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wanted = "expected a number of bytes, such as 4096, 64KiB, 1MiB, 1GiB";
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(wanted.into()),
    };
    let number: u64 = number.parse().map_err(|_| wanted.to_owned())?;
    match number.checked_mul(1 << shift) {
        Some(0) => Err("must be above 0".into()),
        // A rate of so many bytes times a week of nanoseconds stays inside u128, and a sum of them inside u64.
        Some(bytes) if bytes <= 1 << 50 => Ok(bytes),
        _ => Err("more than a pebibyte".into()),
    }
}

/// `40000-49999` as its ends.
pub(super) fn ports(text: &str) -> Result<(u16, u16), String> {
    let number = |text: &str| -> Result<u16, String> {
        text.trim().parse().ok().filter(|&port| port > 0).ok_or_else(|| format!("`{text}` is no port number"))
    };
    let (first, last) = text.split_once('-').ok_or("expected a range of ports, such as 40000-49999")?;
    let (first, last) = (number(first)?, number(last)?);
    if first > last { Err(format!("the range `{text}` is backwards")) } else { Ok((first, last)) }
}

/// Frames per second: above 0, at most one a nanosecond.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number of frames per second".to_owned())?;
    if rate > 0.0 && rate <= 1e9 { Ok(rate) } else { Err("must be above 0 and at most 1e9 frames per second".into()) }
}

/// A share, above 0 and at most 1.
pub(super) fn fraction(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "expected a number above 0 and at most 1".to_owned())?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("must be above 0 and at most 1".into()) }
}

/// Addresses in the order given. A type of its own, as clap takes a bare `Vec` for a repeated option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceAddresses(pub(super) Vec<Ipv4Addr>);

/// CPU numbers in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cpus(pub(crate) Vec<usize>);

/// `127.0.0.1,127.0.0.5-127.0.0.8` as the addresses it names.
pub(super) fn source_addresses(text: &str) -> Result<SourceAddresses, String> {
    let address = |text: &str| -> Result<u32, String> {
        text.trim().parse::<Ipv4Addr>().map(u32::from).map_err(|_| format!("`{text}` is no IPv4 address"))
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (address(first)?, address(last)?);
        if first > last {
            return Err(format!("the range `{part}` is backwards"));
        }
        if last - first >= SOURCE_ADDRESSES_MAX || all.len() as u32 + (last - first) >= SOURCE_ADDRESSES_MAX {
            return Err(format!("more than {SOURCE_ADDRESSES_MAX} addresses"));
        }
        all.extend((first..=last).map(Ipv4Addr::from));
    }
    Ok(SourceAddresses(all))
}

/// `0,2-3` as the CPU numbers it names.
pub(crate) fn cpus(text: &str) -> Result<Cpus, String> {
    let number = |text: &str| -> Result<usize, String> {
        text.trim().parse().ok().filter(|&cpu| cpu < 1024).ok_or_else(|| format!("`{text}` is no CPU number"))
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(format!("the range `{part}` is backwards"));
        }
        all.extend(first..=last);
    }
    Ok(Cpus(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration_ns("500ms"), Ok(500_000_000));
        assert_eq!(duration_ns("1.5s"), Ok(1_500_000_000));
        assert_eq!(duration_ns("1m"), Ok(60_000_000_000));
        assert_eq!(duration_ns("0s"), Ok(0));
        for wrong in ["", "5", "s", "-1s", "1.2.3s", "2 s", "8760h"] {
            assert!(duration_ns(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("1"), Ok(1));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        for wrong in ["", "0", "0MiB", "1.5MiB", "MiB", "-1", "1 MiB", "1mb", "99999999999999GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn port_ranges() {
        assert_eq!(ports("40000-49999"), Ok((40_000, 49_999)));
        assert_eq!(ports("7-7"), Ok((7, 7)));
        for wrong in ["", "5", "0-5", "6-5", "1-65536", "a-b"] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn address_ranges() {
        let all = source_addresses("127.0.0.9,127.0.0.254-127.0.1.1").expect("well formed");
        let shown: Vec<_> = all.0.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.9", "127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1"]);
        for wrong in ["", "127.0.0", "127.0.0.2-127.0.0.1", "127.0.0.0-127.255.255.255"] {
            assert!(source_addresses(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cpu_lists() {
        assert_eq!(cpus("0,2-4"), Ok(Cpus(vec![0, 2, 3, 4])));
        for wrong in ["", "a", "3-1", "0,,1", "4096"] {
            assert!(cpus(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "inf", "NaN", "x", "2e9"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
