//! The loads of `chimewheel bench`: when their timers are due, what is done with them, and that it comes to an end.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use chimewheel::surface::bench::{Chance, Figure, Figures, Kind, Load, Outcome, Run, START, Timers, measure, table};
use chimewheel::wheel::Wheel;

use crate::bench::{bench, bench_json};

const YEAR: u64 = 365 * 86_400_000;

/// What was done with a [`Model`].
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    inserted: usize,
    cancelled: usize,
    fired: usize,
}

thread_local! {
    static COUNTS: Cell<Counts> = Cell::default();
}

/// A timer structure that is right, counts, and minds what is done with it.
struct Model {
    waiting: BTreeSet<(u64, usize)>,
    now: u64,
}

impl Model {
    fn count(change: impl FnOnce(&mut Counts)) {
        let mut counts = COUNTS.get();
        change(&mut counts);
        COUNTS.set(counts);
    }
}

impl Timers for Model {
    type Key = (u64, usize);

    fn new() -> Self {
        Self { waiting: BTreeSet::new(), now: START }
    }

    fn insert(&mut self, tick: u64, _value: u64) -> (u64, usize) {
        assert!(tick > self.now);
        Self::count(|counts| counts.inserted += 1);
        let key = (tick, COUNTS.get().inserted);
        assert!(self.waiting.insert(key));
        key
    }

    fn cancel(&mut self, key: (u64, usize)) {
        assert!(self.waiting.remove(&key), "{key:?} does not wait");
        Self::count(|counts| counts.cancelled += 1);
    }

    fn advance(&mut self, tick: u64, limit: usize) -> (usize, bool) {
        assert!(tick >= self.now);
        self.now = tick;
        let mut fired = 0;
        while fired < limit && self.waiting.first().is_some_and(|first| first.0 <= tick) {
            self.waiting.pop_first();
            fired += 1;
        }
        Self::count(|counts| counts.fired += fired);
        (fired, fired == limit)
    }

    fn next_expiry(&mut self) -> Option<u64> {
        self.waiting.first().map(|first| first.0)
    }
}

/// Measures a model.
fn run(timers: u32, load: Load) -> (Figures, Counts) {
    COUNTS.set(Counts::default());
    let figures = measure::<Model>(&Run::new(timers, load, 7));
    (figures, COUNTS.get())
}

fn spans(load: Load, seed: u64) -> Vec<u64> {
    load.spans(&mut Chance::new(seed)).take(10_000).collect()
}

#[test]
fn deadlines_are_spread_as_the_load_says() {
    let log = spans(Load::LogUniform, 1);
    assert!(log.iter().all(|span| (1000..=YEAR).contains(span)));
    let hours = log.iter().filter(|&&span| span < 3_600_000).count();
    assert!((4500..5000).contains(&hours), "{hours} of 10,000 within an hour, ln 3,600 / ln 31,536,000 of them");
    assert_eq!(log, spans(Load::LogUniform, 1));
    assert_ne!(log, spans(Load::LogUniform, 2));

    let hour = spans(Load::OneHour, 1);
    assert!(hour.iter().all(|span| (1..=3_600_000).contains(span)));
    let early = hour.iter().filter(|&&span| span <= 1_800_000).count();
    assert!((4700..5300).contains(&early), "{early} of 10,000 in the first half");

    assert_eq!(spans(Load::OneTick, 1), [1_050_000; 10_000]);
    assert!(spans(Load::Ascending, 1).is_sorted_by(|a, b| a < b));
    let phases: BTreeSet<u64> = spans(Load::EverySecond, 1).into_iter().collect();
    assert_eq!(phases, (1000..2000).collect());
}

#[test]
fn timers_with_deadlines_are_cancelled_once_and_fire_once() {
    for load in [Load::OneTick, Load::Ascending] {
        let (figures, counts) = run(5000, load);
        // Cold, after the cancels, and warm; the warm ones fire while it ticks.
        assert_eq!((counts.inserted, counts.cancelled), (15_000, 5000), "{load:?}");
        assert_eq!(counts.fired, 10_000, "{load:?}");
        assert_eq!(figures.get(Figure::HoldNs), None, "{load:?}");
        assert!(figures.get(Figure::WorstTickUs) >= figures.get(Figure::P999TickUs), "{load:?}");
    }
}

#[test]
fn half_are_cancelled_and_the_rest_fire() {
    // More than one part of deadlines, and an odd number.
    let (figures, counts) = run(70_001, Load::HalfCancelled);
    assert_eq!((counts.inserted, counts.cancelled, counts.fired), (70_001, 35_001, 35_000));
    for figure in [Figure::InsertColdNs, Figure::CancelHalfNs, Figure::FireNs, Figure::WorstFireCallUs] {
        assert!(figures.get(figure) > Some(0.0), "{figure:?}");
    }
    assert_eq!(spans(Load::HalfCancelled, 1), spans(Load::LogUniform, 1));
}

#[test]
fn recurring_timers_fire_once_a_second() {
    let (figures, counts) = run(2500, Load::EverySecond);
    assert_eq!((counts.fired, counts.inserted, counts.cancelled), (4 * 2500, 5 * 2500, 0));
    assert!(figures.get(Figure::RearmNs) > Some(0.0) && !figures.is_cut_short(Figure::RearmNs));

    let mut wheel: Wheel<u64> = Timers::new();
    (0..10).for_each(|n| wheel.insert_only(START + 1000, n));
    assert_eq!(wheel.advance_recurring(START + 1000, 7, 1000), (7, true));
    assert_eq!(wheel.advance_recurring(START + 1000, 7, 1000), (3, false));
    assert_eq!((wheel.len(), Timers::next_expiry(&mut wheel)), (10, Some(START + 2000)));
}

#[test]
fn timeouts_turn_over_and_most_are_cancelled() {
    let (figures, counts) = run(3950, Load::Timeouts);
    let waited_at_first = 3950 * 1500 / 1975;
    assert_eq!(counts.inserted, waited_at_first + 3 * 3950);
    let cancelled = counts.cancelled as f64 / (counts.cancelled + counts.fired) as f64;
    assert!((0.93..0.97).contains(&cancelled), "{counts:?}");
    let waiting = counts.inserted - counts.cancelled - counts.fired;
    assert!((3700..4200).contains(&waiting), "{waiting} wait in the end");
    assert!(figures.get(Figure::TimeoutNs) > Some(0.0) && !figures.is_cut_short(Figure::TimeoutNs));
}

#[test]
fn what_takes_too_long_is_cut_short_and_says_so() {
    let one = |load: Load| measure::<Model>(&Run { patience: Duration::ZERO, ..Run::new(5000, load, 7) });
    for (load, figure) in [
        (Load::LogUniform, Figure::InsertColdNs),
        (Load::OneTick, Figure::InsertColdNs),
        (Load::EverySecond, Figure::InsertColdNs),
        (Load::Timeouts, Figure::InsertColdNs),
        (Load::HalfCancelled, Figure::InsertColdNs),
    ] {
        let figures = one(load);
        assert!(figures.get(figure) > Some(0.0) && figures.is_cut_short(figure), "{load:?}: {figures:?}");
        assert_eq!((figures.measured().count(), figures.get(Figure::FireNs)), (1, None), "{load:?}: {figures:?}");
        let told: Figures = serde_json::from_value(serde_json::to_value(&figures).unwrap()).unwrap();
        assert_eq!(told, figures);
        let table = table(&[Outcome { name: "slow".to_owned(), kind: Kind::Crate, figures, half_cancelled: None }]);
        assert!(table.contains("* |") && table.contains("* cut short"), "{table}");
    }
}

#[test]
fn a_whole_figure_is_better_than_one_cut_short() {
    let figures = |fire: f64, is_cut: bool| {
        let mut figures = Figures::default();
        figures.set(Figure::FireNs, fire);
        if is_cut {
            figures.cut_short(Figure::FireNs);
        }
        figures
    };
    for (first, second, best) in [
        (figures(3.0, false), figures(2.0, false), figures(2.0, false)),
        (figures(3.0, false), figures(2.0, true), figures(3.0, false)),
        (figures(2.0, true), figures(3.0, false), figures(3.0, false)),
        (figures(2.0, true), figures(3.0, true), figures(2.0, true)),
        (figures(2.0, true), Figures::default(), figures(2.0, true)),
        (Figures::default(), figures(2.0, true), figures(2.0, true)),
    ] {
        let mut kept = first.clone();
        kept.take_best(&second);
        assert_eq!(kept, best, "{first:?} and {second:?}");
    }
}

#[test]
fn the_program_measures_every_load() {
    for (load, figure) in [
        ("one-hour", "hold_ns"),
        ("one-tick", "fire_ns"),
        ("ascending", "insert_warm_ns"),
        ("every-second", "rearm_ns"),
        ("timeouts", "timeout_ns"),
        ("half-cancelled", "cancel_half_ns"),
    ] {
        let arguments = ["wheel", "--timers", "3000", "--passes", "1", "--seed", "5", "--load", load];
        let report = bench_json(&arguments);
        assert_eq!((report["load"].as_str(), report["seed"].as_u64()), (Some(load), Some(5)));
        let structures = report["structures"].as_array().unwrap();
        assert!(structures.iter().all(|structure| structure[figure].as_f64() > Some(0.0)), "{report:#}");
        assert!(structures.iter().all(|structure| structure["cut_short"].is_null()), "{report:#}");
        let bars = report["bars"].as_array().map(Vec::len);
        assert_eq!(bars, Some(usize::from(load == "half-cancelled")), "most bars are for another load");
        assert!(report["ratios"].as_array().unwrap().iter().any(|ratio| ratio["figure"] == figure), "{report:#}");
    }
    let text = bench(&["wheel", "--timers", "1000", "--passes", "1", "--load", "timeouts"]);
    assert!(text.contains("1,000 timers, timeouts 30 seconds ahead"), "{text}");
    assert!(text.contains("\nratio   timeout, better than ") && !text.contains("bars met"), "{text}");
}
