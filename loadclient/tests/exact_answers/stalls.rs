//! A server that stalls 200 ms once a second.

use std::time::Duration;

use loadclient::clock::now_ns;
use loadclient::report::{Event, Report};

use crate::arithmetic::{Still, check_lower, quantile_ns, reported, too_long};
use crate::client::Talk;
use crate::echo::Echo;
use crate::quiet::{Finding, undisturbed};

const STALL: Duration = Duration::from_millis(200);
const PERIOD: Duration = Duration::from_secs(1);
const STALLS: u64 = 2;
const WINDOW_NS: u64 = STALLS * 1_000_000_000;
/// A hundredth of the stall: half of the tolerance.
const LATE_NS: u64 = 2_000_000;

/// Runs a load of `rate` frames a second for two seconds, of which the server stalls twice; `None` when the stalls came
/// so late that they may not lie in the window.
fn stalled(rate: u32, options: &str) -> Option<(Report, Vec<Still>)> {
    let echo = Echo::start();
    let mut talk = Talk::begin(&format!(
        "--target tcp://{} --total-rate {rate} --schedule fixed --verify --warmup 200ms --duration {STALLS}s --hold \
         {options}",
        echo.addr
    ));
    assert!(matches!(talk.hear(), Event::Connected { .. }));
    // The window begins after this, and ends that much later: what ends earlier is inside.
    let inside_until_ns = now_ns() + 200_000_000 + WINDOW_NS;
    talk.say("go");
    assert!(matches!(talk.hear(), Event::Measuring { .. }));
    let mut stills = Vec::new();
    std::thread::sleep((PERIOD - STALL) / 2);
    for _ in 0..STALLS {
        stills.push(echo.stand_still(STALL));
        std::thread::sleep(PERIOD - STALL);
    }
    assert!(matches!(talk.hear(), Event::Measured { .. }));
    let Event::Report(report) = talk.hear() else { panic!("the report comes last") };
    assert_eq!((report.frames_ok, report.frames_wrong), (report.frames_intended, 0), "a stall loses nothing");
    assert!(report.frames_intended.abs_diff(STALLS * u64::from(rate)) <= 1, "{}", report.frames_intended);
    stills.iter().all(|still| still.end_ns <= inside_until_ns).then_some((*report, stills))
}

#[test]
fn every_quantile_of_the_response_follows_from_the_stalls() {
    for rate in [1000, 2000, 5000] {
        undisturbed(LATE_NS, || {
            let Some((report, stills)) = stalled(rate, "--conns 4") else { return Finding::TooLate };
            check_lower(&stills, WINDOW_NS, &report.response_ns);
            // Nothing held the frames back, so each was written on time and its service shows the stall too.
            let wrong = [&report.response_ns, &report.service_ns].map(|times| too_long(&stills, WINDOW_NS, times, 0.0));
            wrong.into_iter().flatten().next().map(|wrong| format!("{rate}/s: {wrong}")).into()
        });
    }
}

/// With one request in flight on each connection only the first of those that were due in a stall is written before its
/// end: the service times of the others do not show it, and their responses do all the same.
#[test]
fn held_back_frames_show_the_stall_in_their_response_and_not_in_their_service() {
    undisturbed(LATE_NS, || {
        let Some((report, stills)) = stalled(1000, "--conns 4 --in-flight 1") else { return Finding::TooLate };
        check_lower(&stills, WINDOW_NS, &report.response_ns);
        // In flight are four in each stall: eight of two thousand, and a few more if the host is slow to go on.
        let service_p99 = report.service_ns.p99.expect("all were answered");
        let stall_p99 = quantile_ns(&stills, WINDOW_NS, 0.99);
        if service_p99 as f64 > 0.1 * stall_p99 {
            return Finding::Wrong(format!("service p99 is {service_p99} ns: {:?}", report.service_ns));
        }
        // Waiting for a reply is none of the client's lateness either.
        let lag_p99 = report.lag_ns.p99.expect("all were sent");
        if lag_p99 as f64 > 0.1 * stall_p99 {
            return Finding::Wrong(format!("lag p99 is {lag_p99} ns: {:?}", report.lag_ns));
        }
        // What waited longest goes first. Those behind it wait for a round trip each: not in the arithmetic.
        too_long(&stills, WINDOW_NS, &report.response_ns, 0.99).into()
    });
}

/// The median is that of a frame that met no stall, whatever the others wait.
#[test]
fn the_expected_quantiles_are_apart() {
    let still = |begin_ns: u64| Still { begin_ns, end_ns: begin_ns + 200_000_000 };
    let stills = [still(500_000_000), still(1_500_000_000)];
    let quantiles = loadclient::report::Quantiles {
        p50: Some(40_000),
        p90: Some(100_500_000),
        p99: Some(190_900_000),
        p999: Some(202_900_000),
        ..Default::default()
    };
    assert_eq!(reported(&quantiles)[3], (0.999, 202_900_000));
    check_lower(&stills, WINDOW_NS, &quantiles);
    assert_eq!(too_long(&stills, WINDOW_NS, &quantiles, 0.0), None);
    let late = loadclient::report::Quantiles { p90: Some(102_500_000), ..quantiles };
    assert!(too_long(&stills, WINDOW_NS, &late, 0.0).is_some_and(|wrong| wrong.starts_with("q 0.9:")));
}
