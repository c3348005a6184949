//! Servers with a known peak: the search must find it, or say why it cannot.

use suite::search::{Blame, GoalResult, Irregular, Role};

use super::servers::{Server, cost, share, spec};

/// Whether the bounds enclose the truth: the largest load that upholds the goal.
fn encloses(result: &GoalResult, truth: f64) -> bool {
    let (Some(lower), Some(upper)) = (result.lower_per_s, result.upper_per_s) else { return false };
    lower as f64 <= truth && truth < upper as f64
}

#[test]
fn a_deterministic_server_is_bounded_exactly() {
    for capacity in [1_300.5, 4_999.5, 20_000.25, 77_777.7, 123_456.7, 987_654.3] {
        // As narrow as whole frames allow: the bounds are next to each other.
        let exact = spec(1e-9);
        let (_, results) = Server::new(1, move |_, _| capacity).search(&exact);
        for (goal, result) in exact.goal.iter().zip(&results) {
            let truth = (capacity * share(goal)).floor() as u64;
            assert_eq!((result.lower_per_s, result.upper_per_s), (Some(truth), Some(truth + 1)), "{capacity}");
            assert_eq!((&result.irregular[..], result.upper_by), (&[][..], Some(Blame::Server)));
        }
        let wide = spec(0.05);
        let (steps, results) = Server::new(1, move |_, _| capacity).search(&wide);
        for (goal, result) in wide.goal.iter().zip(&results) {
            assert!(encloses(result, capacity * share(goal)), "{capacity}: {result:?}");
            let (lower, upper) = (result.lower_per_s.unwrap() as f64, result.upper_per_s.unwrap() as f64);
            assert!((upper - lower) / upper <= 0.05, "{result:?}");
            assert!(result.irregular.is_empty(), "{result:?}");
            // The frames in time at the lower bound.
            let loss = 0.01 * (lower / (capacity * share(goal))).powi(8);
            let throughput = result.throughput_per_s.unwrap();
            assert!((throughput / (lower * (1.0 - loss)) - 1.0).abs() < 1e-6, "{throughput} at {lower}");
        }
        // Nothing more than a bisection needs: fifty-odd steps, not hundreds.
        assert!(steps.len() < 70, "{} steps for {capacity}", steps.len());
    }
}

#[test]
fn a_noisy_server_is_bounded_in_95_of_100_searches() {
    const SEEDS: u64 = 1_000;
    let spec = spec(0.05);
    let mut enclosed = [0_u64; 2];
    for seed in 0..SEEDS {
        // Anywhere between 30 000/s and 300 000/s, so that no bisection happens to begin at the answer.
        let truth = 30_000.0 * 10f64.powf((seed as f64 * 0.618_034).fract());
        // Each step by itself: half a per cent up and down, and one in twenty has a bad moment of 30 %.
        let server = Server::new(seed, move |_, dice| {
            let spike = if dice.unit() < 0.05 { 0.7 } else { 1.0 };
            truth * spike * (0.005 * dice.normal()).exp()
        });
        let (_, results) = server.search(&spec);
        for ((goal, result), enclosed) in spec.goal.iter().zip(&results).zip(&mut enclosed) {
            *enclosed += u64::from(encloses(result, truth * share(goal)));
        }
    }
    assert!(enclosed.iter().all(|count| *count >= SEEDS * 95 / 100), "{enclosed:?} of {SEEDS}");
}

#[test]
fn a_server_of_two_minds_is_marked_or_its_bounds_fit_one_of_them() {
    const SEEDS: u64 = 300;
    let spec = spec(0.05);
    let [good, bad] = [100_000.0, 60_000.0];
    let [mut marked, mut missed] = [0, 0];
    for seed in 0..SEEDS {
        // It stays in a mode for a dozen steps on average.
        let mut mode = good;
        let server = Server::new(seed, move |_, dice| {
            if dice.unit() < 1.0 / 12.0 {
                mode = if mode == good { bad } else { good };
            }
            mode
        });
        let (_, results) = server.search(&spec);
        for (goal, result) in spec.goal.iter().zip(&results) {
            let inconsistent = result
                .irregular
                .iter()
                .any(|why| matches!(why, Irregular::Inversion | Irregular::NotRepeated | Irregular::BudgetEnded));
            marked += u64::from(inconsistent);
            let fits = [good, bad].iter().any(|mode| encloses(result, mode * share(goal)));
            missed += u64::from(!inconsistent && !fits);
        }
    }
    // A mode that changes twice at the right moments cannot be told from a steady server.
    let all = 2 * SEEDS;
    assert!(missed <= all / 10, "{missed} of {all} results fit no mode and are not marked ({marked} are)");
    assert!(marked >= all / 3, "only {marked} of {all} results are marked");
}

#[test]
fn a_drifting_server_does_not_repeat() {
    let spec = spec(0.05);
    for (name, drift) in [("tires", 0.99_f64), ("warms up", 1.01)] {
        let mut marked = 0;
        for seed in 0..300 {
            let server = Server::new(seed, move |number, dice| {
                100_000.0 * drift.powi(number as i32) * (0.002 * dice.normal()).exp()
            });
            let (_, results) = server.search(&spec);
            let of_strict = &results[0].irregular;
            marked +=
                u64::from(of_strict.contains(&Irregular::NotRepeated) || of_strict.contains(&Irregular::Inversion));
        }
        assert!(marked >= 285, "{name}: {marked} of 300 are marked");
    }
}

/// The client can offer less than the server could take: that is no peak of the server.
#[test]
fn a_limited_client_is_named() {
    let spec = spec(0.05);
    let (_, results) = Server::new(1, |_, _| 500_000.0).client(90_000.0).search(&spec);
    for (goal, result) in spec.goal.iter().zip(&results) {
        assert_eq!(result.upper_by, Some(Blame::Client), "{result:?}");
        assert!(encloses(result, 90_000.0 * share(goal)), "{result:?}");
    }
    // One that can offer twice what the server takes is not in the way.
    let (_, results) = Server::new(1, |_, _| 45_000.0).client(90_000.0).search(&spec);
    assert!(results.iter().all(|result| result.upper_by == Some(Blame::Server)), "{results:?}");
}

#[test]
fn others_are_named_where_they_make_the_bound() {
    let spec = spec(0.05);
    let always = Server::new(1, |_, _| 100_000.0).others(|_| true);
    assert!(always.search(&spec).1.iter().all(|result| result.upper_by == Some(Blame::Others)));
    // One disturbed step in ten does not decide a load that five decide.
    let seldom = Server::new(1, |_, _| 100_000.0).others(|number| number % 10 == 7);
    for (goal, result) in spec.goal.iter().zip(seldom.search(&spec).1) {
        assert_eq!(result.upper_by, Some(Blame::Server), "{result:?}");
        assert!(encloses(&result, 100_000.0 * share(goal)), "{result:?}");
    }
}

#[test]
fn a_peak_outside_the_limits_is_irregular() {
    let spec = spec(0.05);
    let (_, weak) = Server::new(1, |_, _| 500.0).search(&spec);
    for result in weak {
        assert_eq!(result.irregular, [Irregular::NoLowerBound]);
        assert_eq!((result.lower_per_s, result.upper_per_s), (None, Some(spec.min_load_per_s)));
        assert_eq!(result.throughput_per_s, None);
    }
    let (_, strong) = Server::new(1, |_, _| 1e9).search(&spec);
    for result in strong {
        assert_eq!(result.irregular, [Irregular::NoUpperBound]);
        assert_eq!((result.lower_per_s, result.upper_per_s), (Some(spec.max_load_per_s), None));
        assert_eq!(result.upper_by, None);
        assert!((result.throughput_per_s.unwrap() / spec.max_load_per_s as f64 - 1.0).abs() < 1e-6);
    }
}

#[test]
fn a_small_budget_ends_the_search_and_says_so() {
    let mut spec = spec(0.02);
    for budget in [25, 30, 40, 60] {
        spec.budget_steps = budget;
        let (steps, results) = Server::new(1, |_, _| 100_000.0).search(&spec);
        assert!(cost(&steps) <= f64::from(budget) * 1.5, "{} of {budget}", cost(&steps));
        let ended = results.iter().filter(|result| result.irregular.contains(&Irregular::BudgetEnded)).count();
        let regular = results.iter().filter(|result| result.irregular.is_empty()).count();
        assert_eq!(ended + regular, results.len(), "{results:?}");
        assert!(budget >= 60 || ended > 0, "{budget}: {results:?}");
    }
}

#[test]
fn smaller_loads_come_first_and_none_is_more_than_twice_one_that_was_upheld() {
    let spec = spec(0.05);
    let (steps, _) = Server::new(3, |_, _| 200_000.0).search(&spec);
    let mut upheld = spec.min_load_per_s;
    for step in &steps {
        assert!(step.ask.load_per_s <= upheld * 2, "{:?} after {upheld}", step.ask);
        if step.losses[1].ratio() <= 0.01 {
            upheld = upheld.max(step.ask.load_per_s);
        }
    }
    let roles: Vec<Role> = steps.iter().map(|step| step.ask.role).collect();
    assert_eq!(roles.first(), Some(&Role::Coarse));
    assert_eq!(roles.last(), Some(&Role::Confirm));
}
