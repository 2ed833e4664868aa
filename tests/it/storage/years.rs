//! Long times by a clock that is set: a real engine and a real store, a year of it, and ten years without it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chimewheel::engine::boot::ZoneRules;
use chimewheel::engine::change::{Change, Outcome, Phase, Run, SkipReason};
use chimewheel::engine::{Effect, Engine, Input, OpId, Options as EngineOptions, Start};
use chimewheel::id::ScheduleKey;
use chimewheel::spec::tree::Node;
use chimewheel::spec::{Context, Schedule, read, validate_reading};
use chimewheel::store::{FILE, FoldLimits, Opened, Options, Store};
use chimewheel::time::{Span, Timestamp};
use serde_json::{Value, json};

const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);
const DAY_SECONDS: u64 = 86_400;
const HISTORY_DAYS: u32 = 30;

/// An engine over a store; what it decides is committed at once.
struct House {
    engine: Engine,
    opened: Opened,
    now: Timestamp,
    changes: usize,
}

impl House {
    fn open(data: &Path, now: Timestamp) -> Self {
        // Layers as small as a day, so that what a year folds is folded here, too.
        let fold = FoldLimits { slice_rows: 256, layer_rows: 2000, layer_commits: 64, ..FoldLimits::default() };
        let opened = Store::open(data, &Options { fold, cache_bytes: 4 << 20, ..Options::default() }).unwrap();
        let options = EngineOptions { epoch: opened.epoch, history_days: HISTORY_DAYS, ..EngineOptions::default() };
        let mut engine = Engine::new(now, options);
        opened.each_plan(|id, plan| engine.restore_plan(id, plan)).unwrap();
        opened.each_state(|key, state| engine.restore(key, state)).unwrap();
        opened.each_open(|run| engine.restore_run(run)).unwrap();
        engine.start(now, ZoneRules::Same);
        let mut house = Self { engine, opened, now, changes: 0 };
        house.commit();
        house
    }

    fn add(&mut self, key: u64, schedule: &Value) {
        let context = Context::new(self.now);
        let draft = validate_reading(&read(&Node::from_json(schedule), ""), &context).unwrap();
        let schedule: Arc<Schedule> = Arc::new(draft.schedule);
        let (op, key) = (OpId(key), ScheduleKey(key));
        self.engine.handle(self.now, Input::Create { op, key, schedule, start: Start::Active, generation: 1 });
        self.commit();
    }

    fn tick(&mut self, now: Timestamp) {
        self.now = now;
        loop {
            self.engine.handle(now, Input::Tick);
            self.commit();
            if self.engine.next_wakeup().is_none_or(|next| next > now) {
                return;
            }
        }
    }

    fn commit(&mut self) {
        let mut batch: Vec<Change> = Vec::new();
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Persist(change) => batch.push(change),
                Effect::Send(_) => panic!("nothing here has a destination"),
                Effect::Run { .. } | Effect::EndRun { .. } | Effect::Judged { .. } => {
                    panic!("nothing here is a task")
                }
                Effect::Reply { .. } | Effect::Forget { .. } => {}
            }
        }
        self.changes += batch.len();
        self.opened.writer.commit(&batch).unwrap();
    }

    fn runs(&self, key: u64) -> Vec<Run> {
        self.opened.reader.runs(ScheduleKey(key), 1000, None).unwrap()
    }
}

#[test]
fn a_year_of_history_stays_a_month_long_and_the_file_as_large_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut house = House::open(&data, BEGIN);
    for key in 0..100 {
        let payload = json!({"message": format!("message {key}")});
        let schedule = json!({"id": format!("s{key}"), "schedule": {"every": "12h"}, "payload": payload});
        house.add(key, &schedule);
    }
    let (mut days_max, mut settled, mut sizes) = (0, 0, Vec::new());
    for half in 1..=365 * 2 {
        house.tick(BEGIN.plus(Span::from_seconds(half * DAY_SECONDS / 2)));
        settled += 100;
        let facts = house.opened.reader.facts().unwrap();
        days_max = days_max.max(facts.ledger_days);
        if half % (2 * 60) == 0 {
            sizes.push(facts.file_bytes);
        }
        // A restart in the middle changes nothing about it.
        if half == 350 {
            let Opened { writer, reader, owner, .. } = house.opened;
            writer.close().unwrap();
            drop((reader, owner));
            house = House::open(&data, BEGIN.plus(Span::from_seconds(half * DAY_SECONDS / 2)));
        }
    }
    assert!((29..=32).contains(&days_max), "{days_max} days of history");
    assert_eq!(settled, 73_000);
    // A file grows by doubling, so what is about to be full after two months may be so for good a little later.
    let (early, late) = (sizes[1], *sizes.last().unwrap());
    assert!(late <= early * 3 / 2, "after 120 days {early} bytes, after 360 {late}: {sizes:?}");
    for key in [0, 57, 99] {
        let runs = house.runs(key);
        assert!((60..=62).contains(&runs.len()), "{} runs of a month", runs.len());
        let oldest = runs.last().unwrap().occurrence.due;
        assert!(oldest >= house.now.minus(Span::from_seconds(31 * DAY_SECONDS)), "{oldest}");
        let state = house.opened.reader.state(ScheduleKey(key)).unwrap().unwrap();
        assert_eq!(state.runs, 365 * 2, "the state keeps the count that the history lost");
    }
    house.opened.writer.close().unwrap();
    let found = Store::verify(&data.join(FILE)).unwrap().0;
    assert!(found.is_sound(), "{:?}", found.faults);
    assert_eq!(fs::metadata(data.join(FILE)).unwrap().len(), found.counts["bytes"]);
}

#[test]
fn ten_years_of_downtime_are_one_range_and_next_to_no_work() {
    for schedule in [json!({"every": "1m"}), json!({"cron": "* * * * *"})] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut house = House::open(&data, BEGIN);
        house.add(0, &json!({"id": "often", "schedule": schedule, "payload": {"message": "x"}}));
        let last = BEGIN.plus(Span::from_seconds(600));
        for minute in 1..=10 {
            house.tick(BEGIN.plus(Span::from_seconds(60 * minute)));
        }
        assert_eq!(house.runs(0).len(), 10);
        let Opened { writer, reader, owner, .. } = house.opened;
        writer.close().unwrap();
        drop((reader, owner));
        let away_minutes = 3652 * 24 * 60;
        let again = last.plus(Span::from_seconds(60 * away_minutes));
        let mut house = House::open(&data, again);
        let booted = house.changes;
        house.tick(again);
        assert!(booted <= 3 && house.changes <= 12, "{booted} changes at boot, {} in all", house.changes);
        let state = house.opened.reader.state(ScheduleKey(0)).unwrap().unwrap();
        assert_eq!(state.next_due, Some(again.plus(Span::from_seconds(60))));
        let runs = house.runs(0);
        let ran: Vec<&Run> = runs.iter().filter(|run| run.range.is_none()).collect();
        // It began ten years ago and ended now, so it is history of now.
        let range = runs.iter().find(|run| run.range.is_some()).expect("a range of what was skipped");
        assert_eq!(range.occurrence.due, last.plus(Span::from_seconds(60)));
        let skipped = range.range.unwrap();
        assert!(matches!(&range.phase, Phase::Settled { outcome: Outcome::Skipped(why), .. }
            if matches!(why, SkipReason::Misfire | SkipReason::CatchupWindow)));
        let after = ran.iter().filter(|run| run.occurrence.due > last).count() as u64;
        assert_eq!(skipped.count + after, away_minutes, "{runs:?}");
    }
}
