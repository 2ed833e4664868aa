//! `chimewheel bench`: what it prints can be read by machines, and its chart is a picture.

use std::process::{Command, Stdio};

use chimewheel::surface::bench::{Figures, Kind, Outcome, bars, svg, table};
use serde_json::Value;

fn outcome(name: &str, kind: Kind, figure: f64) -> Outcome {
    let figures = Figures {
        insert_cold_ns: figure,
        insert_warm_ns: figure,
        cancel_half_ns: figure,
        cancel_all_ns: figure,
        fire_ns: figure,
        hold_ns: figure,
        next_expiry_ns: figure,
        timer_bytes: figure,
        peak_timer_bytes: figure,
        worst_fire_call_us: figure,
        worst_tick_us: figure,
        p999_tick_us: figure,
    };
    Outcome { name: name.to_owned(), kind, figures }
}

/// Panics unless every element is closed in its turn and every attribute is quoted.
fn assert_well_formed(text: &str) {
    let mut open = Vec::new();
    for piece in text.split('<').skip(1) {
        let (tag, between) = piece.split_once('>').expect("a tag ends");
        assert!(!between.contains('&') || between.contains(';'), "{between}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().expect("a name");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            assert!(tag.matches('"').count() % 2 == 0 && tag.matches('=').count() * 2 <= tag.matches('"').count());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?} are left open");
}

#[test]
fn the_program_measures_itself() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("wheel.svg");
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.args(["bench", "wheel", "--timers", "10000", "--passes", "1", "--json", "--svg"]).arg(&chart);
    let output = command.current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["timers"], 10_000);
    let structures = report["structures"].as_array().unwrap();
    let names: Vec<&str> = structures.iter().map(|structure| structure["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["chimewheel", "BinaryHeap", "4-ary heap", "BTreeMap"]);
    for structure in structures {
        for figure in ["insert_warm_ns", "cancel_all_ns", "fire_ns", "hold_ns", "worst_tick_us"] {
            assert!(structure[figure].as_f64().unwrap() > 0.0, "{structure}");
        }
    }
    assert!(report["bars"].as_array().unwrap().iter().all(|bar| bar["met"].is_boolean()));
    let chart = std::fs::read_to_string(chart).unwrap();
    assert_well_formed(&chart);
    assert!(names.iter().all(|name| chart.contains(name)));
}

#[test]
fn a_bar_is_met_or_missed_by_its_ratio() {
    let others = |queue: f64| {
        let own = outcome("chimewheel", Kind::Own, 10.0);
        [own, outcome("DelayQueue", Kind::Crate, queue), outcome("BTreeMap", Kind::Plain, 1.0)]
    };
    let missed = |queue: f64| -> Vec<String> {
        bars(&others(queue), 1000).into_iter().filter(|bar| !bar.met).map(|bar| bar.what).collect()
    };
    assert_eq!(missed(400.0), [""; 0]);
    assert_eq!(missed(110.0).len(), 2, "hold, and the worst tick");
    assert_eq!(bars(&others(400.0)[1..], 1000), []);
}

#[test]
fn names_are_escaped_in_the_chart_and_columns_are_aligned() {
    let outcomes = [outcome("a < b & c", Kind::Own, 1234.5), outcome("d", Kind::Plain, 0.0)];
    let chart = svg(&outcomes, 7);
    assert_well_formed(&chart);
    assert!(chart.contains("a &lt; b &amp; c"));
    let table = table(&outcomes);
    let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
}
