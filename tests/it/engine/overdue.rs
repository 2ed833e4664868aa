//! Thousands overdue after a stop: caught up in line and at a bounded rate, while what is due now is on time.

use std::collections::BTreeMap;

use chimewheel::engine::change::{Cause, Outcome, Phase, Run};
use chimewheel::engine::{Input, Options, Start};
use chimewheel::id::ScheduleKey;
use chimewheel::limits::{CATCHUP_COUNT_MAX, GATEWAY_SENDS_COUNT_MAX};
use chimewheel::time::{Span, Timestamp};

use super::world::World;

const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);
const HERD: u64 = 5000;

/// A world with a herd of one-shots that fall due, one a second, while it is down for three hours.
fn herd() -> World {
    let mut world = World::new(BEGIN);
    for number in 1..=HERD {
        let at = BEGIN.plus(Span::from_seconds(number));
        world.add(&format!("s{number}"), &format!("at {at}"), Start::Active);
    }
    world
}

/// Sends by the second they were made in, of schedules up to a number.
fn per_second(world: &World, upto: u64) -> BTreeMap<i64, u64> {
    let mut seconds = BTreeMap::new();
    for (at, occurrence) in &world.sent {
        if occurrence.schedule.0 <= upto {
            *seconds.entry(at.as_millis() / 1000).or_default() += 1;
        }
    }
    seconds
}

#[test]
fn a_herd_of_5000_is_spread_and_a_fresh_due_is_on_time_in_the_middle_of_it() {
    let mut world = herd();
    // While the herd is caught up, which takes ten seconds, these are due.
    let fresh = BEGIN.plus(Span::from_seconds(3 * 3600 + 3));
    world.add("fresh", &format!("at {fresh}"), Start::Active);
    world.add("often", "every 1s chat often misfire skip", Start::Active);
    world.down("3h");
    assert!(world.engine.figures().overdue > 4000, "nobody waits for the start");
    let now = BEGIN.plus(Span::from_seconds(3 * 3600));
    assert_eq!((world.engine.lag(now), world.engine.catching_up() > 4000), (Span::ZERO, true));
    world.advance(Span::from_seconds(60));
    assert_eq!(world.engine.catching_up(), 0);
    let seconds = per_second(&world, HERD);
    assert_eq!(seconds.values().sum::<u64>(), HERD, "each once");
    assert!(seconds.values().all(|count| *count <= u64::from(CATCHUP_COUNT_MAX)), "{seconds:?}");
    let last = seconds.keys().next_back().unwrap();
    let wanted =
        BEGIN.plus(Span::from_seconds(3 * 3600)).as_millis() / 1000 + HERD as i64 / i64::from(CATCHUP_COUNT_MAX);
    assert!(*last <= wanted, "done by {last}, not {wanted}");
    let of = |key: u64| world.sent.iter().filter(move |(_, occurrence)| occurrence.schedule == ScheduleKey(key));
    assert_eq!(of(HERD + 1).map(|(at, _)| *at).collect::<Vec<_>>(), [fresh]);
    let late: Vec<_> = of(HERD + 2).filter(|(at, occurrence)| *at != occurrence.due).collect();
    assert_eq!(late, Vec::<&(Timestamp, _)>::new());
    assert_eq!(of(HERD + 2).count(), 61);
    // Oldest first, and each record says how late it was.
    let herd: Vec<_> = world.sent.iter().filter(|(_, occurrence)| occurrence.schedule.0 <= HERD).collect();
    assert!(herd.windows(2).all(|pair| pair[0].1.due <= pair[1].1.due));
    for run in world.disk.runs.values().filter(|run| run.occurrence.schedule.0 <= HERD) {
        assert_eq!(run.cause, Cause::CatchUp);
        let (_, sent) = (run, herd.iter().find(|(_, occurrence)| *occurrence == run.occurrence).unwrap());
        assert_eq!(run.claimed_at, sent.0, "late by {}", run.claimed_at.since(run.occurrence.due));
    }
}

#[test]
fn whoever_stands_in_line_is_not_lost_by_a_kill_an_edit_a_pause_or_a_cancel() {
    let mut world = herd();
    world.down("3h");
    let (edited, paused, cancelled) = (ScheduleKey(4000), ScheduleKey(4001), ScheduleKey(4002));
    assert!([edited, paused, cancelled].iter().all(|key| world.state(*key).next_due.is_some()));
    world.edit(edited, "chat elsewhere");
    let op = chimewheel::engine::OpId(0);
    world.ask(paused, Input::Pause { op, key: paused, note: None });
    world.ask(cancelled, Input::Cancel { op, key: cancelled });
    world.advance(Span::from_seconds(2));
    world.down("5s");
    world.advance(Span::from_seconds(2));
    world.fuse = Some(3);
    world.advance(Span::from_seconds(1));
    world.down("1s");
    world.advance(Span::from_seconds(60));
    let mut fates: BTreeMap<String, u64> = BTreeMap::new();
    for run in world.disk.runs.values() {
        let Run { phase: Phase::Settled { outcome, .. }, .. } = run else { panic!("left open: {run:?}") };
        let fate = match outcome {
            Outcome::Delivered { .. } => "delivered".to_owned(),
            other => format!("{other:?}"),
        };
        *fates.entry(fate).or_default() += 1;
    }
    assert_eq!(fates, BTreeMap::from([("delivered".to_owned(), HERD - 1), ("Cancelled".to_owned(), 1)]));
}

#[test]
fn a_minutely_schedule_in_line_is_on_time_for_its_next_due_and_caught_up_with_it() {
    let mut world = World::new(BEGIN);
    // All its dues are younger than the herd's, so it stands at the end of the line.
    for number in 1..=HERD {
        world.add(&format!("s{number}"), "at 2026-01-01T00:00:01Z", Start::Active);
    }
    world.add("minutely", "every 1m", Start::Active);
    world.down("1h57s");
    world.advance(Span::from_seconds(63));
    let of_minutely: Vec<_> =
        world.sent.iter().filter(|(_, occurrence)| occurrence.schedule == ScheduleKey(HERD + 1)).collect();
    let minute = |number: u64| BEGIN.plus(Span::from_seconds(60 * number));
    let times: Vec<_> = of_minutely.iter().map(|(at, occurrence)| (*at, occurrence.due)).collect();
    assert_eq!(times, [(minute(61), minute(61)), (minute(62), minute(62))]);
    let first = world.disk.runs.values().find(|run| run.range.is_some()).unwrap();
    assert_eq!(first.range.unwrap().count, 60, "the others are one record: {first:?}");
}

#[test]
fn chats_that_hang_while_they_are_caught_up_leave_room_for_what_is_due_now() {
    let mut world = World::new(BEGIN);
    let many = 2 * GATEWAY_SENDS_COUNT_MAX as u64;
    for number in 1..=many {
        world.add(&format!("s{number}"), "at 2026-01-01T00:00:01Z", Start::Active);
        world.script(ScheduleKey(number), "hangs");
    }
    world.add("fresh", "at 2026-01-01T01:00:02Z", Start::Active);
    world.down("1h");
    world.advance(Span::from_seconds(10));
    let fresh = world.sent.iter().find(|(_, occurrence)| occurrence.schedule == ScheduleKey(many + 1)).unwrap();
    assert_eq!(fresh.0, fresh.1.due);
    world.answer_all();
    world.answer_all();
    world.answer_all();
    assert_eq!(world.sent.len() as u64, many + 1);
}

#[test]
fn a_second_stop_in_the_middle_of_catching_up_does_not_let_the_herd_loose() {
    let mut world = World::new(BEGIN);
    for number in 1..=HERD {
        world.add(&format!("s{number}"), "every 1h", Start::Active);
    }
    world.down("90m");
    world.advance(Span::from_seconds(3));
    assert!(world.engine.figures().overdue > 3000);
    // The machine sleeps for two hours, past the next due of everyone in line.
    world.now = world.now.plus(Span::from_seconds(7200));
    world.handle(Input::Tick);
    world.advance(Span::from_seconds(60));
    let seconds = per_second(&world, HERD);
    assert!(seconds.values().all(|count| *count <= u64::from(CATCHUP_COUNT_MAX)), "{seconds:?}");
    let caught: Vec<_> = world.sent.iter().map(|(_, occurrence)| occurrence.schedule).collect();
    let everyone: std::collections::BTreeSet<_> = caught.iter().collect();
    assert_eq!(everyone.len() as u64, HERD);
    assert_eq!(world.engine.figures().overdue, 0);
}

#[test]
fn a_gateway_that_is_down_for_a_day_fills_no_memory_and_loses_nothing() {
    let mut world = World::with(BEGIN, Options { open_per_gateway: 20, pause_after: 0, ..Options::default() });
    for number in 1..=100 {
        let at = BEGIN.plus(Span::from_seconds(60 * number));
        world.add(&format!("s{number}"), &format!("at {at} attempts 3 backoff 30m max_age 1d"), Start::Active);
        world.script(ScheduleKey(number), if number <= 20 { "retry, retry, ok" } else { "ok" });
    }
    world.add("minutely", "every 1m", Start::Active);
    let mut most = 0;
    for _ in 0..200 {
        world.advance(Span::from_seconds(60));
        most = most.max(world.engine.figures().open);
        if world.now == BEGIN.plus(Span::from_seconds(40 * 60)) {
            assert_eq!(world.engine.figures().overdue, 21, "twenty one-shots and the minutely one wait for room");
            world.down("1s");
        }
    }
    assert_eq!(most, 20);
    let one_shots = world.disk.runs.values().filter(|run| run.occurrence.schedule.0 <= 100);
    let taken =
        one_shots.filter(|run| matches!(&run.phase, Phase::Settled { outcome: Outcome::Delivered { .. }, .. }));
    assert_eq!(taken.count(), 100);
    // Every minute has its record, those that waited as one range.
    let minutes = world.disk.runs.values().filter(|run| run.occurrence.schedule.0 == 101);
    assert_eq!(minutes.map(|run| run.range.map_or(1, |range| range.count)).sum::<u64>(), 200);
    assert_eq!(world.engine.figures().overdue, 0);
}

#[test]
fn whoever_waits_for_one_gateway_holds_up_no_schedule_without_one() {
    let mut world = World::with(BEGIN, Options { open_per_gateway: 1, ..Options::default() });
    world.add("hangs", "every 1m", Start::Active);
    world.script(ScheduleKey(1), "hangs");
    world.add("second", "every 1m", Start::Active);
    world.add("recorded", "every 1m chat none", Start::Active);
    assert!(!world.engine.is_full("console"));
    world.advance(Span::from_seconds(300));
    assert!(world.engine.is_full("console") && !world.engine.is_full("chat"));
    assert_eq!(world.state(ScheduleKey(2)).runs, 0);
    assert_eq!(world.state(ScheduleKey(3)).runs, 5);
    world.answer_all();
    world.advance(Span::from_seconds(1));
    assert_eq!((world.state(ScheduleKey(1)).runs, world.state(ScheduleKey(2)).runs), (2, 1));
}
