//! What a reader does with the page of a run.

use std::path::{Path, PathBuf};

use suite::analyse::analyse;
use suite::measure::Sessions;
use suite::record::{Cell, Transport};
use suite::report::{chart, page};

use crate::searched::search;
use crate::synthetic::{Synthetic, Truth, gate, tcp};
use crate::tab::Tab;

const VARIANTS: [&str; 5] = ["glommio/default", "may/default", "mio/default", "tokio/multi-thread", "tokio/per-core"];

/// A run with a crossover, a tie, an invalid cell and two transports, as a page on disk.
fn page_on_disk(name: &str) -> PathBuf {
    let mut cells: Vec<Cell> = [16, 64, 256, 1024, 4096].map(|connections| tcp(connections, 64)).to_vec();
    cells.extend([tcp(256, 4096), tcp(1024, 4096)]);
    cells.push(Cell { transport: Transport::Unix, connections: 256, payload_bytes: 64 });
    let mut run = Synthetic::new(&VARIANTS, &cells, |variant, cell| {
        let growth = f64::from(cell.connections).ln();
        let cpu_ns = [11_500.0, 9_000.0 + 600.0 * growth, 7_800.0, 9_400.0, 7_900.0][variant];
        let user_bytes_per_connection = [3_088.0, 9_977.0, 2_216.0, 2_990.0, 2_945.0][variant];
        Truth { cpu_ns, p50_ns: cpu_ns * 4.0, rate_per_s: 0.9e9 / cpu_ns, user_bytes_per_connection }
    });
    run.detailed = true;
    let mut trials = run.trials();
    for trial in trials.iter_mut().filter(|trial| trial.engine == "may" && trial.cell == tcp(16, 64)) {
        trial.loads[0].gates.push(gate("lag"));
    }
    for trial in &mut trials {
        for load in &mut trial.loads {
            (load.server.user_ns, load.server.system_ns) = (load.server.cpu_ns / 4, load.server.cpu_ns / 4 * 3);
        }
        if trial.cell == tcp(256, 64) && !trial.twin {
            let slow = VARIANTS.iter().position(|name| name.starts_with(&trial.engine)).expect("one of them") as u64;
            trial.search = Some(search(90_000 - 5_000 * slow + 500 * u64::from(trial.block)));
        }
    }
    let analysis = analyse(&trials, &run.context);
    let charts: Vec<String> = chart::all(&analysis, &trials).into_iter().map(|chart| chart.svg).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, page::render(&analysis, &trials, &Sessions::default(), &charts))
        .expect("the page can be written");
    path
}

#[test]
fn a_reader_uses_the_page() {
    let Some(mut tab) = Tab::open() else { return };
    let file = page_on_disk("browser.html");
    tab.resize(1280, 900);
    tab.emulate("light", "screen");
    tab.load(&file, "");
    tab.wait_until("document.querySelectorAll('#values tbody tr').length === 5");

    draws_every_chart(&mut tab);
    sorts_a_table(&mut tab);
    changes_a_selector(&mut tab);
    opens_a_trial(&mut tab);
    switches_the_theme(&mut tab);
    follows_a_deep_link(&mut tab, &file);
    looks_right(&mut tab, &file);

    assert_eq!(tab.complaints(), Vec::<String>::new());
    assert_eq!(tab.requests(), Vec::<String>::new(), "the page reached for something outside itself");
}

const FIRST_COLUMN: &str =
    "[...document.querySelectorAll('#values tbody tr')].map((row) => row.cells[0].innerText.trim()).join()";

fn sorts_a_table(tab: &mut Tab) {
    // In the order of the run at first; after a click the least first, after another the most.
    assert_eq!(tab.text(FIRST_COLUMN), "glommio,may,mio,tokio/multi-thread,tokio/per-core");
    let heading = "#values thead th:nth-child(2) button";
    tab.click(heading);
    tab.wait_until("document.querySelector('#values thead th:nth-child(2)').ariaSort === 'ascending'");
    assert_eq!(tab.text(FIRST_COLUMN), "mio,tokio/per-core,tokio/multi-thread,may,glommio");
    tab.evaluate(&format!("document.querySelector({heading:?}).focus()"));
    tab.press("Enter");
    tab.wait_until("document.querySelector('#values thead th:nth-child(2)').ariaSort === 'descending'");
    assert_eq!(tab.text(FIRST_COLUMN), "glommio,may,tokio/multi-thread,tokio/per-core,mio");
    // Whoever sorts with the keyboard goes on from where they are.
    assert_eq!(tab.evaluate(&format!("document.activeElement === document.querySelector({heading:?})")), true);
}

fn changes_a_selector(tab: &mut Tab) {
    tab.choose("#metric", "response_p99_ns");
    tab.wait_until("location.hash.includes('metric=response_p99_ns')");
    assert!(tab.text_of("#values-title").starts_with("Response time p99"));
    tab.choose("#transport", "unix");
    tab.wait_until("document.querySelectorAll('#values thead th').length === 2");
    tab.choose("#transport", "");
    // What does not count is last, whichever way a table is sorted.
    for order in ["ascending", "descending"] {
        tab.click("#values thead th:nth-child(2) button");
        tab.wait_until(&format!("document.querySelector('#values thead th:nth-child(2)').ariaSort === '{order}'"));
        assert!(tab.text(FIRST_COLUMN).ends_with(",may"), "{order}");
    }
    tab.click("#engines label:nth-of-type(1) input");
    tab.wait_until("document.querySelectorAll('#values tbody tr').length === 4");
    tab.evaluate("history.back()");
    tab.wait_until("document.querySelectorAll('#values tbody tr').length === 5");
}

/// Every chart is there, has something in it, and says with the arrow keys what it shows.
fn draws_every_chart(tab: &mut Tab) {
    for (place, least) in [("curve", 5), ("percentiles", 5), ("rates", 5)] {
        let lines = tab.evaluate(&format!("document.querySelectorAll('#{place} svg path').length"));
        assert_eq!(lines, least, "{place}");
        tab.evaluate(&format!("document.querySelector('#{place} svg').focus()"));
        tab.press("ArrowRight");
        tab.wait_until(&format!("document.querySelector('#{place} .tip').innerText.includes('tokio/per-core')"));
    }
    for place in ["many-bars", "memory", "cpu"] {
        assert_eq!(tab.evaluate(&format!("document.querySelectorAll('#{place} tbody tr').length")), 5, "{place}");
    }
    assert_eq!(tab.evaluate("document.querySelectorAll('#multiples figure svg').length"), 5);
    assert_eq!(tab.evaluate("document.querySelectorAll('#map .tile').length"), 7);
    assert!(tab.text_of("#rates").contains("goal: p99 ≤ 1 ms"));
    assert!(tab.text_of("#answer-title").contains("100 k mostly idle connections"));
    // The reader's own number.
    let before = tab.text_of("#many-bars");
    tab.evaluate("document.getElementById('many').value = '1000000'");
    tab.evaluate("document.getElementById('many').dispatchEvent(new Event('change'))");
    tab.wait_until("location.hash.includes('many=1000000')");
    assert_ne!(tab.text_of("#many-bars"), before);
}

fn opens_a_trial(tab: &mut Tab) {
    // The one whose value does not count, which is the last.
    tab.click("#values tbody tr:last-child td:nth-child(2) button");
    tab.wait_until("document.getElementById('detail').open");
    let reasons = tab.text_of("#detail-body");
    assert!(reasons.contains("lag was seen"), "{reasons}");
    tab.click("#detail-body td button");
    tab.wait_until("document.getElementById('detail-title').innerText.startsWith('Trial ')");
    tab.evaluate("document.querySelectorAll('#detail-body details').forEach((part) => { part.open = true; })");
    let trial = tab.text_of("#detail-body");
    for part in ["may", "block", "loadclient --mode open", "lag was seen", "server, on CPU", "Pss_Anon"] {
        assert!(trial.contains(part), "no {part} in {trial}");
    }
    assert_eq!(tab.evaluate("document.querySelectorAll('#detail-body svg path').length >= 3"), true);
    assert!(tab.text("location.hash").contains("trial="));
    tab.screenshot("trial-1280.png");
    tab.press("Escape");
    tab.wait_until("!document.getElementById('detail').open && !location.hash.includes('trial=')");
}

fn switches_the_theme(tab: &mut Tab) {
    let ground = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(tab.text(ground), "rgb(255, 255, 255)");
    tab.click("#theme");
    tab.wait_until(&format!("{ground} === 'rgb(15, 19, 24)'"));
    assert!(tab.text("location.hash").contains("theme=dark"));
    tab.click("#theme");
    tab.wait_until(&format!("{ground} === 'rgb(255, 255, 255)'"));
}

fn follows_a_deep_link(tab: &mut Tab, file: &Path) {
    tab.load(file, "metric=throughput_per_s&payload=64&off=may&trial=7&theme=dark");
    tab.wait_until("document.getElementById('detail').open");
    assert!(tab.text_of("#detail-title").starts_with("Trial 7:"));
    assert!(tab.text_of("#values-title").starts_with("Throughput"));
    assert_eq!(tab.evaluate("document.querySelectorAll('#values tbody tr').length"), 4);
    assert_eq!(tab.text("getComputedStyle(document.body).backgroundColor"), "rgb(15, 19, 24)");
    // A link to something that this run does not have shows the page, and complains to nobody.
    tab.load(file, "metric=nothing&trial=99999&cell=77.tcp-1-1&sort=%00&transport=pigeon");
    tab.wait_until("document.querySelectorAll('#values tbody tr').length === 5");
    assert_eq!(tab.evaluate("document.getElementById('detail').open"), false);
}

fn looks_right(tab: &mut Tab, file: &Path) {
    for scheme in ["light", "dark"] {
        tab.emulate(scheme, "screen");
        for (width, height) in [(1280, 4200), (400, 6400)] {
            tab.resize(width, height);
            tab.load(file, "");
            tab.wait_until("document.querySelectorAll('#values tbody tr').length === 5");
            tab.screenshot(&format!("page-{width}-{scheme}.png"));
            // Tables scroll within the page; the page itself does not scroll sideways.
            assert_eq!(tab.evaluate("document.documentElement.scrollWidth"), width);
        }
    }
    tab.emulate("light", "screen");
    tab.resize(1280, 900);
    assert!(tab.print("page.pdf") > 10_000);
}
