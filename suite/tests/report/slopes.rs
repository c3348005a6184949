//! Known answers of memory per connection: planted slopes are found, and few counts are said to be few.

use suite::analyse::{Part, Resampler, Status, Table, Verdict, slopes};
use suite::record::{Cell, State};

use crate::synthetic::{Synthetic, Truth, tcp};

fn run(counts: &[u32]) -> Synthetic {
    let cells: Vec<Cell> = counts.iter().map(|connections| tcp(*connections, 64)).collect();
    Synthetic::new(&["mio/default", "may/default"], &cells, |variant, _| Truth {
        user_bytes_per_connection: [2_216.0, 9_977.0][variant],
        ..Truth::default()
    })
}

/// The value and status of a variant in a state.
fn slope(run: &Synthetic, part: Part, state: State, variant: usize) -> (f64, Status, Option<Verdict>) {
    let table: Table<_> = slopes(part, &run.trials(), &run.context, &mut Resampler::new(1)).expect("several counts");
    let place = table.columns.iter().position(|column| column.state == state).expect("every state is sampled");
    let entry = &table.rows[variant].entries[place];
    (entry.value.expect("measured"), entry.status, entry.standing.map(|standing| standing.verdict))
}

#[test]
fn planted_slopes_are_found_and_compared() {
    let run = run(&[64, 256, 1024, 2048, 4096]).noise(0.02);
    for (variant, bytes, verdict) in [(0, 2_216.0, Verdict::Best), (1, 9_977.0, Verdict::Behind)] {
        let (value, status, stands) = slope(&run, Part::User, State::Used, variant);
        assert!((value / bytes - 1.0).abs() < 0.02, "{value} for {bytes}");
        assert_eq!((status, stands), (Status::Measured, Some(verdict)));
    }
}

#[test]
fn the_kernel_memory_of_one_endpoint_is_half_of_what_a_connection_adds() {
    let run = run(&[64, 256, 1024, 2048, 4096]);
    let (value, status, _) = slope(&run, Part::Kernel, State::Connected, 0);
    assert!((value - 3_520.0).abs() < 0.5, "{value}");
    assert_eq!(status, Status::Measured);
}

#[test]
fn fewer_than_five_counts_are_shown_and_not_compared() {
    let (value, status, stands) = slope(&run(&[64, 256, 1024, 4096]), Part::User, State::Used, 0);
    assert!((value / 2_216.0 - 1.0).abs() < 0.1);
    assert_eq!((status, stands), (Status::Invalid, None));
}
