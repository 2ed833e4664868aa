//! `chimewheel bench`: what it prints can be read by machines, and its chart is a picture.

use std::process::{Command, Stdio};

use chimewheel::surface::bench::cron::CASES;
use chimewheel::surface::bench::hooks;
use chimewheel::surface::bench::{Bar, Figure, Figures, Kind, Load, Outcome, bars, ratios, svg, table, verdicts};
use serde_json::Value;

/// An entrant all of whose figures are the same.
fn outcome(name: &str, kind: Kind, figure: f64) -> Outcome {
    let mut figures = Figures::default();
    let all = [
        Figure::InsertWarmNs,
        Figure::CancelAllNs,
        Figure::FireNs,
        Figure::HoldNs,
        Figure::NextExpiryNs,
        Figure::TimerBytes,
        Figure::WorstFireCallUs,
        Figure::WorstTickUs,
        Figure::P999TickUs,
    ];
    all.into_iter().for_each(|which| figures.set(which, figure));
    Outcome { name: name.to_owned(), kind, figures, half_cancelled: None }
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

/// Runs `chimewheel bench` and gives what it prints.
pub fn bench(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    let output =
        command.arg("bench").args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it with `--json` and gives the value.
pub fn bench_json(arguments: &[&str]) -> Value {
    serde_json::from_str(&bench(&[arguments, &["--json"]].concat())).unwrap()
}

/// What the bars of a report are about.
fn whats(report: &Value) -> Vec<&str> {
    let bars = report["bars"].as_array().unwrap().iter();
    bars.filter(|bar| bar["met"].is_boolean()).map(|bar| bar["what"].as_str().unwrap()).collect()
}

/// The lines of a report that say met or missed.
fn verdict_lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("met ") || line.starts_with("missed ")).collect()
}

#[test]
fn the_program_measures_itself() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("wheel.svg");
    let report = bench_json(&["wheel", "--timers", "10000", "--passes", "1", "--svg", chart.to_str().unwrap()]);
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
fn the_program_measures_its_cron_matcher() {
    let report = bench_json(&["cron", "--budget", "1"]);
    let own = &report["matchers"][0];
    assert_eq!((own["name"].as_str(), report["matchers"].as_array().unwrap().len()), (Some("chimewheel"), 1));
    assert_eq!(own["differences"].as_array().unwrap().len(), 0);
    assert!((64.0..1000.0).contains(&own["held_bytes"].as_f64().unwrap()), "{}", own["held_bytes"]);
    let cases = own["cases"].as_array().unwrap();
    assert_eq!(cases.len(), CASES.len());
    for case in cases {
        for figure in ["compile_ns", "next_utc_ns", "next_zone_ns"] {
            assert!(case[figure].as_f64().unwrap() > 0.0, "{case}");
        }
    }
    let expected =
        [("compile,", "µs"), ("next in Europe/Berlin,", "ns"), ("an impossible", "ms"), ("compiled", "bytes")];
    assert_eq!(report["bars"].as_array().unwrap().len(), expected.len());
    for (bar, (what, unit)) in report["bars"].as_array().unwrap().iter().zip(expected) {
        assert!(bar["what"].as_str().unwrap().starts_with(what) && bar["unit"] == unit, "{bar}");
        assert_eq!(bar["met"], bar["reached"].as_f64() <= bar["bar"].as_f64());
    }
    assert_eq!(report["bars"][3]["reached"], 64.0);
}

#[test]
fn the_program_measures_its_hooks() {
    let report = bench_json(&["hooks", "--hook-passes", "1", "--sharing", "2000"]);
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.len(), hooks::Case::ALL.len());
    for call in calls {
        for name in ["chimewheel", "plain Rust"] {
            assert!(call["ns"][name].as_f64().unwrap() > 0.0, "{call}");
        }
    }
    let shared = &report["shared"];
    assert_eq!((&shared["schedules"], &shared["scripts"]), (&Value::from(2000), &Value::from(100)));
    for figure in ["source_bytes", "compile_ms", "find_ns", "first_call_ns", "later_call_ns", "round_call_ns"] {
        assert!(shared[figure].as_f64().unwrap() > 0.0, "{shared}");
    }
    assert_eq!(whats(&report).len(), 4);
}

#[test]
fn each_bar_of_hooks_is_judged_by_its_own_call() {
    let missed = |ns: [f64; 5]| -> Vec<String> {
        let bars = hooks::bars(&ns.map(Some)).into_iter();
        bars.filter(|bar| !bar.met).map(|bar| bar.what).collect()
    };
    assert_eq!(missed([1000.0, 4000.0, 4000.0, 4000.0, 9000.0]), [""; 0]);
    for (at, case) in hooks::Case::ALL.into_iter().enumerate().take(4) {
        let mut ns = [1000.0, 4000.0, 4000.0, 4000.0, 9000.0];
        ns[at] += 1.0;
        assert_eq!(missed(ns), [case.name()]);
    }
}

#[test]
fn one_command_judges_every_bar_of_the_program() {
    let wheel_and_cron = ["--timers", "2000", "--passes", "1", "--only", "chimewheel", "--budget", "1"];
    let hooks_and_engine = ["--hook-passes", "1", "--sharing", "1000", "--schedules", "1000", "--seconds", "1"];
    let arguments = [&wheel_and_cron[..], &hooks_and_engine].concat();
    let (text, both) = (bench(&arguments), bench_json(&arguments));
    assert!(text.starts_with("Timer wheel: 2,000 timers") && text.contains("\n\nCron patterns: "), "{text}");
    assert!(text.contains("\n\nHooks: one call from the run's facts to the answer"), "{text}");
    assert!(text.contains("\n\nEngine: 1,000 recurring schedules in one store"), "{text}");
    let told: Vec<&str> =
        ["wheel", "cron", "hooks", "engine"].into_iter().flat_map(|part| whats(&both[part])).collect();
    let lines = verdict_lines(&text);
    assert_eq!(lines.len(), told.len(), "{text}");
    assert!(told.contains(&"peak memory of a timer: all inserted, half cancelled, the rest fired"), "{told:?}");
    assert!(
        text.contains("\nAll inserted, a random half cancelled, the rest fired, in a process of its own: insert ")
    );
    assert!(text.contains("\nThe bars are meant for 10,000,000 timers.\n"));
    let half = &both["wheel"]["structures"][0]["half_cancelled"];
    assert!(["insert_cold_ns", "fire_ns", "peak_timer_bytes"].iter().all(|name| half[name].as_f64() > Some(0.0)));
    assert!(lines.iter().zip(&told).all(|(line, what)| line[8..].starts_with(what)), "{told:?}: {text}");
}

#[test]
fn a_verdict_says_what_was_reached_and_asked_for() {
    let bars = [
        Bar::at_least("fire, faster than a queue".to_owned(), 9.0, 8.96),
        Bar::at_most("worst tick", 1000.0, 1234.5, "µs"),
        Bar::at_most("next expiry", 20.0, 0.04, "ns"),
    ];
    let expected = "missed  fire, faster than a queue  8.960 x (at least 9.0)\n\
                    missed  worst tick                 1,234 µs (at most 1,000)\n\
                    met     next expiry                0.040 ns (at most 20)\n\
                    1 of 3 bars met\n";
    assert_eq!(verdicts(&bars), expected);
    assert_eq!(verdicts(&[]), "");
}

#[test]
fn a_bar_is_met_or_missed_by_its_ratio() {
    let others = |queue: f64| {
        let own = outcome("chimewheel", Kind::Own, 10.0);
        [own, outcome("DelayQueue", Kind::Crate, queue), outcome("BTreeMap", Kind::Plain, 1.0)]
    };
    let missed = |queue: f64| -> Vec<String> {
        bars(&others(queue)).into_iter().filter(|bar| !bar.met).map(|bar| bar.what).collect()
    };
    assert_eq!(missed(400.0), [""; 0]);
    assert_eq!(missed(110.0).len(), 2, "hold, and the worst tick");
    assert_eq!(bars(&others(400.0)[1..]), []);
}

/// A tick that is short does not make up for a call that catches up and is long, nor the other way round.
#[test]
fn single_calls_are_judged_when_ticking_and_when_catching_up() {
    let missed = |figure: Figure, value: f64| -> Vec<String> {
        let mut own = outcome("chimewheel", Kind::Own, 1.0);
        own.figures.set(figure, value);
        bars(&[own]).into_iter().filter(|bar| !bar.met).map(|bar| bar.what).collect()
    };
    assert_eq!(missed(Figure::WorstFireCallUs, 1000.0), [""; 0]);
    assert_eq!(missed(Figure::WorstFireCallUs, 1001.0), ["worst call catching up a year, 4,096 timers at most"]);
    assert_eq!(missed(Figure::WorstTickUs, 1001.0), ["worst tick"]);
    assert_eq!(missed(Figure::P999TickUs, 10.1), ["p99.9 tick"]);
}

#[test]
fn peak_memory_is_judged_with_half_of_them_cancelled() {
    let judged = |peak: f64| {
        let mut half = Figures::default();
        half.set(Figure::PeakTimerBytes, peak);
        let own = Outcome { half_cancelled: Some(half), ..outcome("chimewheel", Kind::Own, 1.0) };
        let bar = bars(&[own]).into_iter().find(|bar| bar.what.contains("half cancelled")).unwrap();
        (bar.bar, bar.reached, bar.met)
    };
    assert_eq!(judged(29.9), (30.0, 29.9, true));
    assert_eq!(judged(30.1), (30.0, 30.1, false));
}

/// A wheel that kept what was cancelled, or what fired, beside what it holds would take twice as much.
#[test]
fn the_wheel_takes_no_more_memory_when_half_are_cancelled() {
    let timers = "500000";
    let report = bench_json(&[
        "wheel",
        "--only",
        "chimewheel",
        "--load",
        "half-cancelled",
        "--timers",
        timers,
        "--passes",
        "1",
    ]);
    let own = &report["structures"][0];
    let peak = own["peak_timer_bytes"].as_f64().unwrap();
    assert!((20.0..50.0).contains(&peak) && peak >= own["timer_bytes"].as_f64().unwrap() - 1.0, "{own:#}");
}

#[test]
fn ours_is_compared_with_the_best_crate_or_else_with_the_best_at_all() {
    let own = outcome("chimewheel", Kind::Own, 10.0);
    let plain = outcome("BTreeMap", Kind::Plain, 5.0);
    let (slow, fast) = (outcome("slow", Kind::Crate, 80.0), outcome("fast", Kind::Crate, 30.0));
    let told = |outcomes: &[Outcome]| -> Vec<(String, f64)> {
        ratios(outcomes).into_iter().map(|ratio| (ratio.best, ratio.times)).collect()
    };
    assert_eq!(told(&[own.clone(), slow, fast, plain.clone()]), vec![("fast".to_owned(), 3.0); 9]);
    assert_eq!(told(&[own.clone(), plain.clone()]), vec![("BTreeMap".to_owned(), 0.5); 9]);
    assert_eq!(told(&[own]), []);
    assert_eq!(told(&[plain]), []);
}

#[test]
fn names_are_escaped_in_the_chart_and_columns_are_aligned() {
    let outcomes = [outcome("a < b & c", Kind::Own, 1234.5), outcome("d", Kind::Plain, 0.0)];
    let chart = svg(&outcomes, 7, Load::LogUniform);
    assert_well_formed(&chart);
    assert!(chart.contains("a &lt; b &amp; c"));
    let table = table(&outcomes);
    let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
}
