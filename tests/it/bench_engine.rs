//! `chimewheel bench engine`: every part is measured, on a store that goes away, and judged by its own figures.

use std::fs;

use chimewheel::surface::bench::engine::{Booted, Created, Fired, Lateness, Measured, bars};
use chimewheel::surface::bench::verdicts;
use serde_json::Value;

use crate::bench::bench_json;

/// Figures that are exactly what was asked for.
fn at_the_bar() -> Measured {
    let boot = |seconds| Booted { seconds, resident_mb: 700.0, peak_mb: 0.0 };
    Measured {
        created: Created { per_second: 150_000.0, ..Created::default() },
        fired: Fired { per_second: 150_000.0, worst_commit_ms: 50.0, written_bytes: 400.0, ..Fired::default() },
        booted: boot(4.0),
        after_kill: boot(6.0),
        lateness: Lateness { p99_ms: 10.0, p999_ms: 50.0, ..Lateness::default() },
        ..Measured::default()
    }
}

fn missed(measured: &Measured) -> Vec<String> {
    bars(measured).into_iter().filter(|bar| !bar.met).map(|bar| bar.what).collect()
}

#[test]
fn the_program_measures_its_engine_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().to_str().unwrap();
    let report = bench_json(&["engine", "--schedules", "3000", "--seconds", "1", "--place", folder]);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    assert_eq!((&report["schedules"], &report["delivered_schedules"]), (&Value::from(3000), &Value::from(3000)));
    let figure = |path: &str| report.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {path}"));
    // Two periods of a second, half a second a step: each schedule twice.
    for part in ["/fired", "/delivered"] {
        assert_eq!(figure(&format!("{part}/fires")), 6000.0);
        // Two steps before it is measured, four while it is.
        assert_eq!(figure(&format!("{part}/clock_ms")), 3000.0);
        assert!(figure(&format!("{part}/commits")) >= 4.0, "{report:#}");
        assert!(figure(&format!("{part}/written_bytes")) > 30.0, "{report:#}");
    }
    for path in ["/created/per_second", "/fired/per_second", "/booted/seconds", "/after_kill/resident_mb"] {
        assert!(figure(path) > 0.0, "{path}: {report:#}");
    }
    assert!(figure("/created/schedule_bytes") > 100.0);
    assert!(figure("/lateness/deliveries") > 0.0 && figure("/lateness/p50_ms") <= figure("/lateness/p99_ms"));
    assert_eq!(report["bars"].as_array().unwrap().len(), bars(&at_the_bar()).len());
}

/// Makes one figure a little worse.
type Worsen = fn(&mut Measured);

#[test]
fn each_bar_of_the_engine_is_missed_by_its_own_figure_alone() {
    let met = at_the_bar();
    assert_eq!(missed(&met), [""; 0]);
    let worse: &[(Worsen, &str)] = &[
        (|it| it.created.per_second -= 1.0, "durable creates, 1,000 a batch"),
        (|it| it.fired.per_second -= 1.0, "durable fires"),
        (|it| it.fired.worst_commit_ms += 1.0, "longest commit while firing"),
        (|it| it.fired.written_bytes += 1.0, "written a fire"),
        (|it| it.booted.seconds += 0.1, "start, ready to fire"),
        (|it| it.after_kill.seconds += 0.1, "start after kill -9 under load"),
        (|it| it.booted.resident_mb += 1.0, "resident when started"),
        (|it| it.after_kill.resident_mb += 1.0, "resident when started after kill -9"),
        (|it| it.lateness.p99_ms += 1.0, "lateness at 10,000 fires/s, p99"),
        (|it| it.lateness.p999_ms += 1.0, "lateness at 10,000 fires/s, p99.9"),
    ];
    assert_eq!(worse.len(), bars(&met).len());
    for (worsen, what) in worse {
        let mut measured = met;
        worsen(&mut measured);
        assert_eq!(missed(&measured), [*what]);
    }
}

#[test]
fn a_rate_is_to_be_at_least_and_a_time_at_most() {
    let text = verdicts(&bars(&at_the_bar()));
    assert!(text.contains("durable fires                        150,000 /s (at least 150,000)\n"), "{text}");
    assert!(text.contains("longest commit while firing          50 ms (at most 50)\n"), "{text}");
}

#[test]
fn lateness_is_told_by_the_share_that_is_no_later() {
    let mut seen = vec![0; 200];
    (seen[0], seen[1], seen[9], seen[49], seen[100]) = (500, 400, 90, 9, 1);
    let told = Lateness::of(&seen);
    assert_eq!(
        (told.deliveries, told.p50_ms, told.p99_ms, told.p999_ms, told.worst_ms),
        (1000.0, 0.0, 9.0, 49.0, 100.0)
    );
    assert_eq!(Lateness::of(&[0, 0]).worst_ms, 0.0);
}
