//! Simulated servers: what each step would lose, as a function of the load, of chance, and of how often they were asked.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use suite::search::{Ask, Blame, Decision, Goal, GoalResult, Loss, SearchSpec, Seen, Step, decide};

/// What a step costs beside its windows, in windows.
pub(crate) const OVERHEAD: f64 = 0.5;
/// Frames due in a step: many, so that rounding does not blur what is true.
const DUE: u64 = 1_000_000_000;

type Capacity = Box<dyn FnMut(usize, &mut Dice) -> f64>;

/// A server, or what makes it one: its capacity for each goal when it is asked for the `count`th time.
pub(crate) struct Server {
    capacity: Capacity,
    /// The largest load that the client can offer.
    client: f64,
    /// Whether others disturb each step, by its number.
    others: fn(usize) -> bool,
    dice: Dice,
}

/// Seeded chance.
pub(crate) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

impl Server {
    pub(crate) fn new(seed: u64, capacity: impl FnMut(usize, &mut Dice) -> f64 + 'static) -> Self {
        let dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
        Self { capacity: Box::new(capacity), client: f64::INFINITY, others: |_| false, dice }
    }

    pub(crate) fn client(mut self, client: f64) -> Self {
        self.client = client;
        self
    }

    pub(crate) fn others(mut self, others: fn(usize) -> bool) -> Self {
        self.others = others;
        self
    }

    fn step(&mut self, spec: &SearchSpec, ask: Ask, number: usize) -> Step {
        let capacity = (self.capacity)(number, &mut self.dice);
        let disturbed = (self.others)(number);
        let load = ask.load_per_s as f64;
        let loss = |goal: &Goal| {
            // The strict goal is met up to 80 % of what the lax one allows.
            let own = capacity * share(goal);
            let peak = own.min(self.client * share(goal)) * if disturbed { 0.5 } else { 1.0 };
            let blame = match () {
                () if load > self.client * share(goal) => Blame::Client,
                () if disturbed => Blame::Others,
                () => Blame::Server,
            };
            // Exactly the goal's loss ratio at the peak, and steeply more beyond.
            let ratio = (goal.loss_ratio * (load / peak).powi(8)).min(1.0);
            Loss { lost: (ratio * DUE as f64).floor() as u64, due: DUE, blame }
        };
        Step { ask, losses: spec.goal.iter().map(loss).collect(), seen: Seen::default() }
    }

    /// A whole search on this server.
    pub(crate) fn search(mut self, spec: &SearchSpec) -> (Vec<Step>, Vec<GoalResult>) {
        let mut steps = Vec::new();
        loop {
            match decide(spec, &steps, OVERHEAD) {
                Decision::Done(results) => return (steps, results),
                Decision::Measure(ask) => {
                    let step = self.step(spec, ask, steps.len());
                    steps.push(step);
                    assert!(steps.len() < 10_000, "the search does not end");
                }
            }
        }
    }
}

/// The true peak for a goal, as a share of the server's capacity.
pub(crate) fn share(goal: &Goal) -> f64 {
    if goal.deadline_us < 5_000 { 0.8 } else { 1.0 }
}

/// Goals `p99 ≤ 1 ms` and `p99 ≤ 10 ms`, between 1 000/s and 1 000 000/s, by majority of five, with budget to spare.
pub(crate) fn spec(width: f64) -> SearchSpec {
    let goal = |deadline_us| Goal {
        deadline_us,
        loss_ratio: 0.01,
        exceed_ratio: 0.5,
        initial_windows: 0.5,
        final_windows: 1.0,
        sum_windows: 5.0,
        width,
    };
    SearchSpec {
        min_load_per_s: 1_000,
        max_load_per_s: 1_000_000,
        budget_steps: 1_000,
        goal: vec![goal(1_000), goal(10_000)],
    }
}

/// What the steps cost, in windows.
pub(crate) fn cost(steps: &[Step]) -> f64 {
    steps.iter().map(|step| step.ask.windows + OVERHEAD).sum()
}
