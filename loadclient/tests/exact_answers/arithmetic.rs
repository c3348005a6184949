//! What response times follow from a server's stand-stills, for frames that are due evenly in time.

use loadclient::report::Quantiles;

/// How far a quantile may be from the arithmetic.
pub(crate) const TOLERANCE: f64 = 0.02;

/// A time in which the server answered nothing, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Still {
    pub(crate) begin_ns: u64,
    pub(crate) end_ns: u64,
}

impl Still {
    fn length_ns(self) -> f64 {
        (self.end_ns - self.begin_ns) as f64
    }
}

/// The response time that the share `q` of all frames of the window stays within, if the server answers at once save in
/// `stills`, which lie in the window: a frame due at t of a still waits for its end, so the share of the window that
/// waits longer than x is Σ max(0, length − x) ÷ window.
pub(crate) fn quantile_ns(stills: &[Still], window_ns: u64, q: f64) -> f64 {
    let longer_than = |x: f64| stills.iter().map(|still| (still.length_ns() - x).max(0.0)).sum::<f64>();
    let wanted = (1.0 - q) * window_ns as f64;
    // Falling in x: halve until a nanosecond is left.
    let (mut low, mut high) = (0.0, stills.iter().map(|still| still.length_ns()).fold(0.0, f64::max));
    if longer_than(low) <= wanted {
        return 0.0;
    }
    while high - low > 1.0 {
        let middle = f64::midpoint(low, high);
        if longer_than(middle) > wanted { low = middle } else { high = middle }
    }
    high
}

/// The four quantiles that are checked, with what was reported for each.
pub(crate) fn reported(quantiles: &Quantiles) -> [(f64, u64); 4] {
    [(0.5, quantiles.p50), (0.9, quantiles.p90), (0.99, quantiles.p99), (0.999, quantiles.p999)]
        .map(|(q, value)| (q, value.expect("all were answered")))
}

/// Says what is too short: no disturbance makes a wait shorter, so that is the client's fault, always.
pub(crate) fn check_lower(stills: &[Still], window_ns: u64, quantiles: &Quantiles) {
    for (q, value) in reported(quantiles) {
        let expected = quantile_ns(stills, window_ns, q);
        assert!(value as f64 >= (1.0 - TOLERANCE) * expected, "q {q}: {value} ns reported, {expected:.0} is right");
    }
}

/// Names the first quantile that is too long, of those from `from` on. Where the arithmetic says that nobody waited, as
/// much as the tolerance of the longest still is allowed.
pub(crate) fn too_long(stills: &[Still], window_ns: u64, quantiles: &Quantiles, from: f64) -> Option<String> {
    let longest = stills.iter().map(|still| still.length_ns()).fold(0.0, f64::max);
    reported(quantiles).into_iter().filter(|(q, _)| *q >= from).find_map(|(q, value)| {
        let expected = quantile_ns(stills, window_ns, q);
        let allowed = if expected > 0.0 { (1.0 + TOLERANCE) * expected } else { TOLERANCE * longest };
        (value as f64 > allowed).then(|| format!("q {q}: {value} ns reported, {expected:.0} is right"))
    })
}

#[test]
fn the_arithmetic_itself() {
    const SECOND: u64 = 1_000_000_000;
    let stills = [0, 1, 2].map(|s| Still { begin_ns: s * SECOND, end_ns: s * SECOND + 200_000_000 });
    for (q, expected_ms) in [(0.5, 0.0), (0.8, 0.0), (0.9, 100.0), (0.99, 190.0), (0.999, 199.0)] {
        let got = quantile_ns(&stills, 3 * SECOND, q) / 1e6;
        assert!((got - expected_ms).abs() < 1e-3, "{q}: {got}");
    }
    let one = [Still { begin_ns: 0, end_ns: 1_400_000_000 }];
    for (q, expected_ms) in [(0.5, 400.0), (0.9, 1200.0), (0.99, 1380.0), (0.999, 1398.0)] {
        let got = quantile_ns(&one, 2 * SECOND, q) / 1e6;
        assert!((got - expected_ms).abs() < 1e-3, "{q}: {got}");
    }
}
