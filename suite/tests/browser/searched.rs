//! A made-up peak search, for the rate–latency curve.

use loadclient::report::Quantiles;
use suite::search::{Ask, Blame, Goal, GoalResult, Loss, Role, Search, SearchSpec, Seen, Step};

/// A search that finds `peak_per_s` for a deadline of 1 ms: beyond it the response time grows beyond all bounds.
pub(crate) fn search(peak_per_s: u64) -> Search {
    let goal = Goal {
        deadline_us: 1_000,
        loss_ratio: 0.01,
        exceed_ratio: 0.5,
        initial_windows: 0.5,
        final_windows: 1.0,
        sum_windows: 2.0,
        width: 0.05,
    };
    let shares = [20, 40, 60, 80, 95, 100, 105, 120];
    let steps = shares.map(|percent| step(peak_per_s * percent / 100, percent)).to_vec();
    let result = GoalResult {
        lower_per_s: Some(peak_per_s),
        upper_per_s: Some(peak_per_s * 105 / 100),
        throughput_per_s: Some(peak_per_s as f64),
        upper_by: Some(Blame::Server),
        irregular: Vec::new(),
    };
    let spec = SearchSpec { min_load_per_s: 1_000, max_load_per_s: 1_000_000, budget_steps: 20, goal: vec![goal] };
    Search { spec, window_ms: 1_000, overhead_ms: 100, steps, results: vec![result] }
}

fn step(load_per_s: u64, percent: u64) -> Step {
    let p99 = if percent <= 100 { 60_000 * 100 / (104 - percent) } else { 4_000_000 + 100_000 * percent };
    let lost = if percent <= 100 { 0 } else { load_per_s / 4 };
    Step {
        ask: Ask { load_per_s, windows: 1.0, goal: 0, role: Role::Bound },
        losses: vec![Loss { lost, due: load_per_s, blame: Blame::Server }],
        seen: Seen {
            duration_ns: 1_000_000_000,
            rate_intended_per_s: load_per_s as f64,
            rate_achieved_per_s: load_per_s as f64,
            response_ns: Quantiles { count: load_per_s, p50: Some(p99 / 3), p99: Some(p99), ..Quantiles::default() },
            ..Seen::default()
        },
    }
}
