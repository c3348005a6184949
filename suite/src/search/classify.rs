//! Load classification and conditional throughput, as RFC 9971 gives them in its appendices.

use super::goal::Goal;

/// What all steps at one load together say of it (RFC 9971, "Load Classification").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It upholds the goal, whatever the time still missing to the duration sum would bring.
    Lower,
    /// It fails the goal, whatever that time would bring.
    Upper,
    Undecided,
}

/// Classifies a load by the steps made at it: `(length in windows, loss ratio)`. RFC 9971, appendix "Load Classification Code".
/// No steps at all are undecided.
#[must_use]
pub fn classify(goal: &Goal, steps: impl IntoIterator<Item = (f64, f64)>) -> Class {
    let [mut long_low, mut long_high, mut short_low, mut short_high] = [0.0_f64; 4];
    for (windows, loss_ratio) in steps {
        let sum = match (windows >= goal.final_windows, loss_ratio > goal.loss_ratio) {
            (true, false) => &mut long_low,
            (true, true) => &mut long_high,
            (false, false) => &mut short_low,
            (false, true) => &mut short_high,
        };
        *sum += windows;
    }
    // Short steps can only speak against a load, and short low-loss ones take their share of that back.
    let balancing = short_low * goal.exceed_ratio / (1.0 - goal.exceed_ratio);
    let high = long_high + (short_high - balancing).max(0.0);
    let whole = (long_low + high).max(goal.sum_windows);
    let allowed = whole * goal.exceed_ratio;
    let optimistic_is_lower = high <= allowed;
    let pessimistic_is_lower = whole - long_low <= allowed;
    match (optimistic_is_lower, pessimistic_is_lower) {
        (true, true) => Class::Lower,
        (false, false) => Class::Upper,
        _ => Class::Undecided,
    }
}

/// Conditional Throughput at a load, in its unit: the rate of frames in time that can be expected there.
/// RFC 9971, appendix "Conditional Throughput Code". `None` without a full-length step.
#[must_use]
pub fn conditional_throughput(goal: &Goal, load: f64, steps: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let mut long: Vec<(f64, f64)> = steps.into_iter().filter(|(windows, _)| *windows >= goal.final_windows).collect();
    long.sort_by(|a, b| a.1.total_cmp(&b.1));
    let whole = long.iter().map(|(windows, _)| windows).sum::<f64>().max(goal.sum_windows);
    let mut remaining = whole * (1.0 - goal.exceed_ratio);
    let mut loss_ratio = None;
    for (windows, ratio) in long {
        if loss_ratio.is_some() && remaining <= 0.0 {
            break;
        }
        loss_ratio = Some(ratio);
        remaining -= windows;
    }
    // What was not measured could have lost everything.
    let loss_ratio = if remaining > 0.0 { loss_ratio.map(|_| 1.0) } else { loss_ratio };
    loss_ratio.map(|ratio| load * (1.0 - ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(full: f64, sum: f64, loss_ratio: f64, exceed_ratio: f64) -> Goal {
        Goal {
            deadline_us: 1,
            loss_ratio,
            exceed_ratio,
            initial_windows: 1.0,
            final_windows: full,
            sum_windows: sum,
            width: 0.1,
        }
    }

    /// The RFC's own example ("Example Search"): four goals at six points in time. U upper, L lower, - undecided.
    ///
    /// For the last goal the RFC's table has "Lower Bound" at points 5 and 6, beside exceed ratios of 42.857 % and 27.273 %
    /// where 20 % is allowed: its own code, and ours, calls that an upper bound.
    #[test]
    fn the_examples_of_the_rfc() {
        let goals = [
            goal(60.0, 60.0, 0.0, 0.0),
            goal(60.0, 120.0, 0.0, 0.5),
            goal(1.0, 120.0, 0.005, 0.5),
            goal(60.0, 60.0, 0.005, 0.2),
        ];
        let mut steps: Vec<(f64, f64)> = Vec::new();
        let mut check = |added: &[(usize, f64, f64)], expected: &str| {
            for (count, windows, loss) in added {
                steps.extend(std::iter::repeat_n((*windows, *loss), *count));
            }
            let classes: String = goals
                .iter()
                .map(|goal| match classify(goal, steps.iter().copied()) {
                    Class::Lower => 'L',
                    Class::Upper => 'U',
                    Class::Undecided => '-',
                })
                .collect();
            assert_eq!(classes, expected, "after {} steps", steps.len());
        };
        check(&[(59, 1.0, 0.0)], "----");
        check(&[(1, 1.0, 0.01)], "U---");
        check(&[(59, 1.0, 0.01)], "U--U");
        check(&[(1, 1.0, 0.0)], "U-LU");
        check(&[(1, 60.0, 0.001)], "U-LU");
        check(&[(1, 60.0, 0.0)], "ULLU");
        let throughput = |goal| conditional_throughput(goal, 1e6, steps.iter().copied());
        let expected = [Some(1e6), Some(1e6), Some(999e3)];
        assert_eq!([throughput(&goals[1]), throughput(&goals[2]), throughput(&goals[3])], expected);
    }

    #[test]
    fn conditional_throughput_is_the_quantile_of_the_full_length_steps() {
        let goal = goal(1.0, 3.0, 0.01, 0.5);
        let at = |steps: &[(f64, f64)]| conditional_throughput(&goal, 1000.0, steps.iter().copied());
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[(0.5, 0.0)]), None, "short steps say nothing of it");
        assert_eq!(at(&[(1.0, 0.0)]), Some(0.0), "half of the duration sum is not measured");
        assert_eq!(at(&[(1.0, 0.002), (1.0, 0.0)]), Some(998.0));
        assert_eq!(at(&[(1.0, 0.5), (1.0, 0.002), (1.0, 0.0)]), Some(998.0));
    }
}
