//! What a reader does with the page of two runs.

use std::path::Path;

use suite::compare::compare;
use suite::report::comparison;

use crate::synthetic::{Synthetic, Truth, tcp};
use crate::tab::Tab;

#[test]
fn a_reader_compares_two_runs() {
    let Some(mut tab) = Tab::open() else { return };
    let cells = [16, 256, 4096].map(|connections| tcp(connections, 64));
    let run = |cpu_of_mio_ns: f64, seed: u64| {
        let mut run = Synthetic::new(&["may/default", "mio/default"], &cells, move |variant, _| {
            let cpu_ns = [9_000.0, cpu_of_mio_ns][variant];
            Truth { cpu_ns, ..Truth::default() }
        });
        run.seed = seed;
        run.noise = 0.01;
        run.block_noise = 0.01;
        run
    };
    // mio got a third slower, and nothing else changed.
    let (before, after) = (run(7_500.0, 1), run(10_000.0, 2));
    let warning = "the kernels differ: 6.18.5 and 6.19.0".to_owned();
    let comparison =
        compare((&before.context, &before.trials()), (&after.context, &after.trials()), vec![warning.clone()]);
    assert!(comparison.counts.regressions >= 3, "{:?}", comparison.counts);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare.html");
    std::fs::write(&path, comparison::render(&comparison)).expect("the page can be written");

    tab.resize(1280, 1000);
    tab.emulate("light", "screen");
    tab.load(&path, "");
    tab.wait_until("document.querySelectorAll('#changes tbody tr').length >= 3");
    assert!(tab.text_of(".warning").contains(&warning));
    let shown = tab.text_of("#changes tbody");
    assert!(shown.contains("regression") && !shown.contains("unchanged"), "{shown}");
    tab.screenshot("compare-1280-light.png");
    tab.choose("#show", "all");
    tab.wait_until("document.querySelector('#changes tbody').innerText.includes('unchanged')");
    tab.click("#changes thead th:nth-child(6) button");
    tab.wait_until("document.querySelector('#changes thead th:nth-child(6)').ariaSort === 'ascending'");
    tab.click("#changes tbody tr td:last-child button");
    tab.wait_until("document.getElementById('detail').open");
    assert!(tab.text_of("#detail-body").contains("blocks count"));
    tab.press("Escape");

    tab.resize(400, 1400);
    tab.emulate("dark", "screen");
    tab.load(&path, "show=regression&metric=server_cpu_per_frame_ns&engine=mio%2Fdefault");
    tab.wait_until("document.querySelectorAll('#changes tbody tr').length === 3");
    tab.screenshot("compare-400-dark.png");
    assert_eq!(tab.evaluate("document.documentElement.scrollWidth"), 400);
    assert_eq!(tab.complaints(), Vec::<String>::new());
    assert_eq!(tab.requests(), Vec::<String>::new());
}
