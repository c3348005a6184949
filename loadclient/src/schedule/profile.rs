//! A rate that changes over time, and its inverse: when is the n-th frame due?
//!
//! The frames due until t are the integral of the rate. Every shape of schedule is drawn at a rate of one frame a unit,
//! and the profile says at which time a position in units is reached. So a schedule is as random, or as even, in a ramp
//! as at a constant rate, and no error adds up: each time is computed from the begin of its phase.

/// A stretch of time with one rate, or with one that changes evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    pub length_ns: u64,
    /// Frames per second as it begins, and as it ends.
    pub begin_per_s: f64,
    pub end_per_s: f64,
}

impl Phase {
    /// Frames due in it.
    #[must_use]
    pub fn frames(&self) -> f64 {
        f64::midpoint(self.begin_per_s, self.end_per_s) * self.length_ns as f64 / 1e9
    }
}

/// How many frames are due since the begin: whole ones, and a fraction in 0..1. A float alone would grow coarse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    pub(super) whole: u64,
    pub(super) part: f64,
}

impl Position {
    pub(super) const ZERO: Self = Self { whole: 0, part: 0.0 };

    #[inline]
    pub(super) fn advance(&mut self, units: f64) {
        let part = self.part + units;
        let whole = part.floor();
        self.whole += whole as u64;
        self.part = part - whole;
    }

    /// From `earlier` to here.
    #[inline]
    fn since(self, earlier: Self) -> f64 {
        (self.whole - earlier.whole) as f64 + (self.part - earlier.part)
    }
}

/// Phases one after the other. Asked for times in rising order.
#[derive(Debug, Clone)]
pub struct Profile {
    pieces: Vec<Piece>,
    /// The piece of the last answer.
    at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    begin_ns: u64,
    length_ns: u64,
    begin: Position,
    /// Frames due in it.
    units: f64,
    per_ns: f64,
    /// Between two frames at `per_ns`: a constant rate's times are its multiples.
    gap_ns: f64,
    /// By how much `per_ns` rises in a nanosecond.
    slope: f64,
}

impl Profile {
    /// One rate, without end.
    ///
    /// # Panics
    /// The rate is not above 0: a mistake of the caller.
    #[must_use]
    pub fn constant(per_s: f64) -> Self {
        assert!(per_s > 0.0, "a load has a rate");
        let (per_ns, gap_ns) = (per_s / 1e9, 1e9 / per_s);
        let (begin, units) = (Position::ZERO, f64::INFINITY);
        Self {
            pieces: vec![Piece { begin_ns: 0, length_ns: u64::MAX, begin, units, per_ns, gap_ns, slope: 0.0 }],
            at: 0,
        }
    }

    /// `phases`, each rate multiplied by `share`: one thread's part of them.
    #[must_use]
    pub fn new(phases: &[Phase], share: f64) -> Self {
        let mut pieces = Vec::new();
        let (mut begin_ns, mut begin) = (0, Position::ZERO);
        for phase in phases {
            let units = phase.frames() * share;
            let [per_ns, last_per_ns] = [phase.begin_per_s, phase.end_per_s].map(|per_s| per_s * share / 1e9);
            let slope = (last_per_ns - per_ns) / phase.length_ns.max(1) as f64;
            let gap_ns = 1e9 / (phase.begin_per_s * share);
            pieces.push(Piece { begin_ns, length_ns: phase.length_ns, begin, units, per_ns, gap_ns, slope });
            begin_ns += phase.length_ns;
            begin.advance(units);
        }
        Self { pieces, at: 0 }
    }

    /// When `position` is reached, in nanoseconds from the begin; `u64::MAX` if never. No earlier position may follow.
    #[inline]
    pub(super) fn time_ns(&mut self, position: Position) -> u64 {
        loop {
            let Some(piece) = self.pieces.get(self.at) else { return u64::MAX };
            let units = position.since(piece.begin);
            // The sums of the pieces are rounded: a position just before this piece is its begin.
            if units < piece.units {
                return piece.begin_ns + (piece.elapsed_ns(units.max(0.0)) as u64).min(piece.length_ns);
            }
            self.at += 1;
        }
    }
}

impl Piece {
    /// Solves per_ns × t + slope × t² ÷ 2 = units. In this form nothing cancels, whether the rate rises or falls.
    #[inline]
    fn elapsed_ns(&self, units: f64) -> f64 {
        if self.slope == 0.0 {
            return units * self.gap_ns;
        }
        let root = (self.per_ns * self.per_ns + 2.0 * self.slope * units).max(0.0).sqrt();
        if units == 0.0 { 0.0 } else { 2.0 * units / (self.per_ns + root) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn phase(seconds: u64, begin_per_s: f64, end_per_s: f64) -> Phase {
        Phase { length_ns: seconds * SECOND, begin_per_s, end_per_s }
    }

    fn times(phases: &[Phase], frames: u64) -> Vec<u64> {
        let mut profile = Profile::new(phases, 1.0);
        (0..frames).map(|whole| profile.time_ns(Position { whole, part: 0.0 })).collect()
    }

    #[test]
    fn steps_follow_each_other() {
        let times = times(&[phase(1, 2.0, 2.0), phase(2, 4.0, 4.0), phase(1, 1.0, 1.0)], 12);
        let quarters: Vec<u64> = times.iter().map(|ns| ns / 250_000_000).collect();
        // In quarters of a second: two frames, eight, one, and no more.
        assert_eq!(quarters[..11], [0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(times[11], u64::MAX);
    }

    #[test]
    fn nothing_is_due_in_a_pause() {
        let times = times(&[phase(1, 2.0, 2.0), phase(5, 0.0, 0.0), phase(1, 2.0, 2.0)], 5);
        assert_eq!(times, [0, SECOND / 2, 6 * SECOND, 6 * SECOND + SECOND / 2, u64::MAX]);
    }

    /// From 0 to 8 in 4 s: t² frames after t seconds. And back: 16 − (4 − t)².
    #[test]
    fn ramps_rise_and_fall() {
        let rising = times(&[phase(4, 0.0, 8.0)], 17);
        for (k, &at_ns) in rising[..16].iter().enumerate() {
            assert!((at_ns as f64 / 1e9 - (k as f64).sqrt()).abs() < 2e-9, "{k}: {at_ns}");
        }
        assert_eq!(rising[16], u64::MAX);
        for (k, &at_ns) in times(&[phase(4, 8.0, 0.0)], 16).iter().enumerate() {
            assert!((at_ns as f64 / 1e9 - (4.0 - (16.0 - k as f64).sqrt())).abs() < 2e-9, "{k}: {at_ns}");
        }
    }

    /// Ten hours of a ramp, against exact integers: a frame's time is right to the nanosecond, from the first to the last.
    #[test]
    fn a_ramp_of_ten_hours_is_exact() {
        let (length, r0, r1) = (10 * 3600 * i128::from(SECOND), 100i128, 300i128);
        let mut profile = Profile::new(&[phase(10 * 3600, 100.0, 300.0)], 1.0);
        // Frames due until t, times 2 × length × 10⁹.
        let due = |t: i128| 2 * r0 * t * length + (r1 - r0) * t * t;
        for k in (0..7_200_000u64).step_by(7) {
            let at = i128::from(profile.time_ns(Position { whole: k, part: 0.0 }));
            let wanted = i128::from(k) * 2 * length * i128::from(SECOND);
            assert!(due(at - 1) <= wanted && wanted <= due(at + 2), "frame {k} at {at} ns");
        }
    }

    #[test]
    fn shares_of_threads_add_up() {
        let phases = [phase(3, 10.0, 50.0)];
        let frames = |share| {
            let mut profile = Profile::new(&phases, share);
            (0..).take_while(|&whole| profile.time_ns(Position { whole, part: 0.0 }) != u64::MAX).count()
        };
        assert_eq!((frames(1.0), frames(0.5), frames(0.25)), (90, 45, 23));
    }
}
