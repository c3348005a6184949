//! Whatever the steps say, the search ends, within its limits and its budget, and its bounds are in order.

use proptest::prelude::*;
use suite::search::{Blame, Decision, Loss, Seen, Step, decide};

use super::servers::{OVERHEAD, cost, spec};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_search_ends_within_its_limits(
        ratios in prop::collection::vec((0_u64..1_000, 0_u64..1_000), 1..40),
        budget_steps in 25_u32..300,
        width in 0.01_f64..0.5,
    ) {
        let mut spec = spec(width);
        spec.budget_steps = budget_steps;
        prop_assert!(spec.check().is_ok());
        let mut steps: Vec<Step> = Vec::new();
        let results = loop {
            let decision = decide(&spec, &steps, OVERHEAD);
            prop_assert_eq!(&decision, &decide(&spec, &steps, OVERHEAD), "the same steps give the same next one");
            match decision {
                Decision::Done(results) => break results,
                Decision::Measure(ask) => {
                    prop_assert!((spec.min_load_per_s..=spec.max_load_per_s).contains(&ask.load_per_s));
                    prop_assert!(ask.windows == 0.5 || ask.windows == 1.0);
                    // Losses that follow nothing but chance, few or many alike.
                    let (first, second) = ratios[steps.len() % ratios.len()];
                    let loss = |lost: u64| Loss { lost: lost % 20, due: 1_000, blame: Blame::Server };
                    steps.push(Step { ask, losses: vec![loss(first), loss(second)], seen: Seen::default() });
                }
            }
        };
        prop_assert!(cost(&steps) <= f64::from(budget_steps) * (1.0 + OVERHEAD) + 1e-6);
        prop_assert_eq!(results.len(), spec.goal.len());
        for (goal, result) in spec.goal.iter().zip(&results) {
            if let (Some(lower), Some(upper)) = (result.lower_per_s, result.upper_per_s) {
                prop_assert!(lower < upper);
                let close = (upper - lower) as f64 <= goal.width * upper as f64 || upper - lower == 1;
                prop_assert!(close || !result.irregular.is_empty(), "regular bounds are close: {:?}", result);
            } else {
                prop_assert!(!result.irregular.is_empty(), "without both bounds nothing is regular: {:?}", result);
            }
        }
    }
}
