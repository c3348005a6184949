//! What people read, against golden files; `UPDATE=1 cargo test` rewrites them.

use suite::analyse::{Analysis, Context, Skip, analyse};
use suite::measure::Sessions;
use suite::record::{Cell, Transport, Trial};
use suite::report::{chart, export, headline, markdown, page, shapes, terminal};

use crate::synthetic::{Synthetic, Truth, gate, tcp};

const VARIANTS: [&str; 5] = ["glommio/default", "may/default", "mio/default", "tokio/multi-thread", "tokio/per-core"];

/// Five variants over eight cells, with everything that a table must be able to show.
fn example() -> (Context, Vec<Trial>) {
    let mut cells: Vec<Cell> = [16, 64, 256, 1024, 4096].map(|connections| tcp(connections, 64)).to_vec();
    cells.push(tcp(256, 4096));
    cells.push(Cell { transport: Transport::Unix, connections: 256, payload_bytes: 64 });
    cells.push(Cell { transport: Transport::Udp, connections: 256, payload_bytes: 64 });
    let mut run = Synthetic::new(&VARIANTS, &cells, |variant, cell| {
        let growth = f64::from(cell.connections).ln();
        let transport = match cell.transport {
            Transport::Tcp => 1.0,
            Transport::Unix => 0.7,
            Transport::Udp => 0.8,
        };
        // glommio starts high and stays flat: it overtakes may on the way.
        let cpu_ns = match variant {
            0 => 11_500.0 + 50.0 * growth,
            1 => 9_000.0 + 600.0 * growth,
            2 => 7_800.0 + 80.0 * growth,
            3 => 9_400.0 + 80.0 * growth,
            _ => 7_900.0 + 80.0 * growth,
        };
        let payload = 1.0 + f64::from(cell.payload_bytes) / 40_000.0;
        let cpu_ns = cpu_ns * transport * payload;
        let user_bytes_per_connection = [3_088.0, 9_977.0, 2_216.0, 2_990.0, 2_945.0][variant];
        Truth { cpu_ns, p50_ns: cpu_ns * 4.0, rate_per_s: 0.9e9 / cpu_ns, user_bytes_per_connection }
    });
    run.context.skips.push(Skip {
        engine: "glommio".into(),
        variant: None,
        cell: None,
        transport: Some(Transport::Udp),
        connections: None,
        reason: "no UDP in this engine".into(),
    });
    run.detailed = true;
    let mut trials = run.trials();
    trials.retain(|trial| trial.engine != "glommio" || trial.cell.transport != Transport::Udp);
    for trial in &mut trials {
        let client_bound = trial.engine == "mio" && trial.cell.connections == 1024;
        if client_bound {
            trial.loads[1].gates.push(gate("client_busy"));
        }
        if trial.engine == "may" && trial.cell == tcp(16, 64) {
            trial.loads[0].gates.push(gate("lag"));
        }
    }
    (run.context, trials)
}

fn example_analysis() -> Analysis {
    let (context, trials) = example();
    analyse(&trials, &context)
}

pub(crate) fn check(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/golden").join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("the golden folder")).expect("the folder can be made");
        std::fs::write(&path, text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{file} differs from its golden file; look at it, then UPDATE=1 cargo test");
}

#[test]
fn the_terminal_at_100_columns() {
    let style = terminal::Style { colour: false, width: 100, all: false };
    check("terminal-100.txt", &terminal::render(&example_analysis(), style));
}

#[test]
fn the_terminal_at_160_columns_with_all_metrics() {
    let style = terminal::Style { colour: false, width: 160, all: true };
    check("terminal-160-all.txt", &terminal::render(&example_analysis(), style));
}

#[test]
fn the_markdown_report() {
    let (context, trials) = example();
    let analysis = analyse(&trials, &context);
    check("report.md", &markdown::with_charts(&analysis, &chart::all(&analysis, &trials)));
}

#[test]
fn the_csv_has_every_value_once_and_every_line_is_whole() {
    let analysis = example_analysis();
    let csv = export::csv(&analysis);
    let lines: Vec<&str> = csv.lines().collect();
    let tables: usize = analysis.tables.iter().map(|table| table.rows.len() * table.columns.len()).sum();
    let slopes: usize = analysis.slopes.iter().map(|table| table.rows.len() * table.columns.len()).sum();
    assert_eq!(lines.len(), 1 + tables + slopes);
    // No reason of the example has a comma, so commas count fields.
    for line in &lines {
        assert_eq!(line.matches(',').count(), lines[0].matches(',').count(), "{line}");
    }
    assert!(csv.contains("\nresponse_p99_ns,tcp,16,64,,may,default,invalid,"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&export::json(&analysis)).expect("JSON");
    assert_eq!(json["tables"].as_array().map(Vec::len), Some(analysis.tables.len()));
}

#[test]
fn the_headline() {
    check("headline.md", &headline::render(&example_analysis()));
}

#[test]
fn the_headline_goes_between_its_markers_and_nowhere_else() {
    let text = format!("a\n{}\nold\n{}\nz\n", headline::BEGIN, headline::END);
    let spliced = headline::splice(&text, "new\n").expect("one pair of markers");
    assert_eq!(spliced, format!("a\n{}\nnew\n{}\nz\n", headline::BEGIN, headline::END));
    assert_eq!(headline::splice(&spliced, "new\n").expect("still one pair"), spliced);
    assert_eq!(headline::splice("nothing", "new"), Err(headline::SpliceError::NoMarkers));
    assert_eq!(headline::splice(&format!("{text}{text}"), "new"), Err(headline::SpliceError::SeveralMarkers));
}

#[test]
fn the_charts() {
    let (context, trials) = example();
    let charts = chart::all(&analyse(&trials, &context), &trials);
    assert_eq!(charts.len(), 5);
    for chart in charts {
        check(&format!("charts/{}", chart.file), &chart.svg);
    }
}

/// The page's data is large and checked by its parts; here: that it is whole, and reaches for nothing outside itself.
#[test]
fn the_page_is_one_file() {
    let (context, mut trials) = example();
    trials[0].commands[0].argv.push("</script><b>".into());
    let analysis = analyse(&trials, &context);
    let charts: Vec<String> = chart::all(&analysis, &trials).into_iter().map(|chart| chart.svg).collect();
    let page = page::render(&analysis, &trials, &Sessions::default(), &charts);
    let (_, rest) = page.split_once("id=\"data\">").expect("the data are embedded");
    let (data, _) = rest.split_once("</script>").expect("the data end");
    let packed: serde_json::Value = serde_json::from_str(data).expect("the data are JSON");
    let data = shapes::unpacked(&packed).expect("every shape is known");
    assert_eq!(data["trials"].as_array().map(Vec::len), Some(trials.len()));
    let curve = data["trials"][0]["loads"][0]["curves"]["response"].as_array().expect("a curve");
    assert!(curve.len() > 15, "{curve:?}");
    assert_eq!(page.matches("<script").count(), 2);
    for outside in ["src=", "href=", "url(", "@import", "fetch("] {
        assert!(!page.contains(outside), "the page has {outside}");
    }
    // For a person, or a browser, to look at.
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    std::fs::write(path, &page).expect("the page can be written");
}
