//! A logarithmic axis and its ticks.

/// Maps values onto a stretch of the drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    lo: f64,
    hi: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// The axis from `lo` to `hi`, both above 0, onto `from`..`to`. Equal bounds are spread.
    pub(super) fn new(lo: f64, hi: f64, from: f64, to: f64) -> Self {
        let (lo, hi) = if hi / lo < 1.01 { (lo / 1.2, hi * 1.2) } else { (lo, hi) };
        Self { lo, hi, from, to }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value / self.lo).ln() / (self.hi / self.lo).ln()
    }

    /// Round values within the axis: of the series 1, 2, 5; over a short range in even steps; over a long one by tens.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let powers = self.lo.log10().floor() as i32..=self.hi.log10().ceil() as i32;
        let of = |steps: &'static [f64]| {
            let ticks = powers.clone().flat_map(move |power| steps.iter().map(move |step| step * 10f64.powi(power)));
            ticks.filter(|tick| self.holds(*tick)).collect::<Vec<f64>>()
        };
        let ticks = of(&[1.0, 2.0, 5.0]);
        match ticks.len() {
            0..3 => self.even_ticks(),
            3..10 => ticks,
            _ => of(&[1.0]),
        }
    }

    fn even_ticks(&self) -> Vec<f64> {
        let range = self.hi - self.lo;
        let base = 10f64.powf((range / 5.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * base).into_iter().find(|step| range / step <= 6.0);
        let step = step.unwrap_or(range);
        let first = (self.lo / step).ceil() as u64;
        (first..first + 8).map(|place| place as f64 * step).take_while(|tick| self.holds(*tick)).collect()
    }

    fn holds(&self, value: f64) -> bool {
        value >= self.lo * 0.999 && value <= self.hi * 1.001
    }
}
