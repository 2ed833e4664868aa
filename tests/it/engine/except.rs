//! Exclusions: dues that do not count, and their records.

use chimewheel::engine::change::{Outcome, Phase, SkipReason};
use chimewheel::engine::{Input, OpId, Start};
use chimewheel::id::ScheduleKey;
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;

use super::check;
use super::words::schedule;
use super::world::World;

#[test]
fn a_standup_is_silent_over_christmas_and_at_the_weekend() {
    check(
        r#"
        at 2026-12-22T12:00Z
        add standup: cron "0 9 * * *" tz Europe/Berlin except "2026-12-24..2026-12-26;SAT,SUN"
        advance 7d
        show standup
        "#,
        expect![[r#"
            2026-12-23T08:00:00Z send standup
            2026-12-28T08:00:00Z skip(Except) standup due 2026-12-24T08:00:00Z..2026-12-27T08:00:00Z x4
            2026-12-28T08:00:00Z send standup
            2026-12-29T08:00:00Z send standup
            2026-12-29T12:00:00Z show standup: Active generation 1 runs 3 failures 0 next 2026-12-30T08:00:00Z
        "#]],
    );
}

#[test]
fn a_quiet_night_is_one_record_and_no_wakeup_in_spring() {
    check(
        r#"
        at 2026-03-28T20:50Z
        add tick: cron "*/30 * * * *" tz Europe/Berlin except "22:00-07:00"
        advance 9h
        show tick
        "#,
        expect![[r#"
            2026-03-29T05:00:00Z skip(Except) tick due 2026-03-28T21:00:00Z..2026-03-29T04:30:00Z x16
            2026-03-29T05:00:00Z send tick
            2026-03-29T05:30:00Z send tick
            2026-03-29T05:50:00Z show tick: Active generation 1 runs 2 failures 0 next 2026-03-29T06:00:00Z
        "#]],
    );
}

#[test]
fn hours_that_an_autumn_night_shows_twice_are_excluded_twice() {
    check(
        r#"
        at 2026-10-24T23:50Z
        add tick: cron "*/30 * * * *" tz Europe/Berlin except "02:00-03:00"
        advance 3h
        "#,
        expect![[r#"
            2026-10-25T02:00:00Z skip(Except) tick due 2026-10-25T00:00:00Z..2026-10-25T01:30:00Z x4
            2026-10-25T02:00:00Z send tick
            2026-10-25T02:30:00Z send tick
        "#]],
    );
}

#[test]
fn the_catch_up_after_a_stop_is_for_the_latest_due_that_counts() {
    check(
        r#"
        at 2026-01-02T12:00Z
        add once: cron "0 9 * * *" except "SAT,SUN"
        add all: cron "0 9 * * *" except "SAT,SUN" misfire fire_all window 30d
        add skips: cron "0 9 * * *" except "SAT,SUN" misfire skip
        add weekend: cron "0 9 * * *" except "MON-FRI"
        down 9d
        advance 1d
        "#,
        expect![[r#"
            2026-01-11T12:00:00Z skip(Except) once due 2026-01-03T09:00:00Z..2026-01-11T09:00:00Z x4
            2026-01-11T12:00:00Z skip(CatchupWindow) once due 2026-01-05T09:00:00Z..2026-01-09T09:00:00Z x5
            2026-01-11T12:00:00Z skip(Except) all due 2026-01-03T09:00:00Z..2026-01-11T09:00:00Z x4
            2026-01-11T12:00:00Z skip(Except) skips due 2026-01-03T09:00:00Z..2026-01-10T09:00:00Z x3
            2026-01-11T12:00:00Z skip(Misfire) skips due 2026-01-05T09:00:00Z..2026-01-09T09:00:00Z x5
            2026-01-11T12:00:00Z skip(Except) weekend due 2026-01-05T09:00:00Z..2026-01-09T09:00:00Z x5
            2026-01-11T12:00:00Z skip(Misfire) weekend due 2026-01-03T09:00:00Z..2026-01-10T09:00:00Z x3
            2026-01-11T12:00:00Z send all due 2026-01-05T09:00:00Z
            2026-01-11T12:00:00Z send all due 2026-01-06T09:00:00Z
            2026-01-11T12:00:00Z send all due 2026-01-07T09:00:00Z
            2026-01-11T12:00:00Z send all due 2026-01-08T09:00:00Z
            2026-01-11T12:00:00Z send all due 2026-01-09T09:00:00Z
            2026-01-11T12:00:00Z send weekend due 2026-01-11T09:00:00Z
            2026-01-12T09:00:00Z skip(Except) skips due 2026-01-11T09:00:00Z
            2026-01-12T09:00:00Z send skips
            2026-01-12T09:00:00Z send once
            2026-01-12T09:00:00Z send all
        "#]],
    );
}

#[test]
fn ten_years_down_with_quiet_nights_are_two_records() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add minutely: cron "* * * * *" tz Europe/Berlin except "22:00-07:00"
        down 3652d
        advance 6h
        "#,
        expect![[r#"
            2036-01-01T00:00:00Z skip(Except) minutely due 2026-01-01T00:01:00Z..2036-01-01T00:00:00Z x1972080
            2036-01-01T00:00:00Z skip(Misfire) minutely due 2026-01-01T06:00:00Z..2035-12-31T20:58:00Z x3286799
            2036-01-01T00:00:00Z send minutely due 2035-12-31T20:59:00Z
            2036-01-01T06:00:00Z skip(Except) minutely due 2036-01-01T00:01:00Z..2036-01-01T05:59:00Z x359
            2036-01-01T06:00:00Z send minutely
        "#]],
    );
}

#[test]
fn what_is_excluded_is_recorded_when_the_schedule_changes_ends_or_pauses() {
    check(
        r#"
        at 2026-01-02T12:00Z
        add edited: cron "0 9 * * *" except "SAT,SUN"
        add cancelled: cron "0 9 * * *" except "SAT,SUN"
        add paused: cron "0 9 * * *" except "SAT,SUN"
        advance 36h
        edit edited: active
        cancel cancelled
        pause paused
        advance 1d
        resume paused
        show edited
        show paused
        advance 1d
        "#,
        expect![[r#"
            2026-01-04T00:00:00Z skip(Except) edited due 2026-01-03T09:00:00Z
            2026-01-04T00:00:00Z skip(Except) cancelled due 2026-01-03T09:00:00Z
            2026-01-04T00:00:00Z skip(Except) paused due 2026-01-03T09:00:00Z
            2026-01-04T09:00:00Z send edited
            2026-01-05T00:00:00Z skip(Paused) paused due 2026-01-04T09:00:00Z
            2026-01-05T00:00:00Z show edited: Active generation 2 runs 1 failures 0 next 2026-01-05T09:00:00Z
            2026-01-05T00:00:00Z show paused: Active generation 1 runs 0 failures 0 next 2026-01-05T09:00:00Z
            2026-01-05T09:00:00Z send edited
            2026-01-05T09:00:00Z send paused
        "#]],
    );
}

#[test]
fn a_schedule_whose_last_dues_are_excluded_is_completed_with_a_record() {
    check(
        r#"
        at 2026-01-01T12:00Z
        add until: cron "0 9 * * *" end 2026-01-04T12:00Z except "SAT,SUN"
        advance 4d
        show until
        "#,
        expect![[r#"
            2026-01-02T09:00:00Z send until
            2026-01-04T09:00:00Z skip(Except) until due 2026-01-03T09:00:00Z..2026-01-04T09:00:00Z x2
            2026-01-05T12:00:00Z show until: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_kill_in_the_middle_of_an_exclusion_changes_nothing() {
    check(
        r#"
        at 2026-01-02T12:00Z
        add standup: cron "0 9 * * *" except "SAT,SUN" max_runs 2
        advance 1d
        down 1h
        run standup
        advance 2d
        show standup
        advance 1d
        show standup
        "#,
        expect![[r#"
            2026-01-03T13:00:00Z send standup
            2026-01-05T09:00:00Z skip(Except) standup due 2026-01-03T09:00:00Z..2026-01-04T09:00:00Z x2
            2026-01-05T09:00:00Z send standup
            2026-01-05T13:00:00Z show standup: Active generation 1 runs 1 failures 0 next 2026-01-06T09:00:00Z
            2026-01-06T09:00:00Z send standup
            2026-01-06T13:00:00Z show standup: Completed generation 1 runs 2 failures 0 next -
        "#]],
    );
}

/// Stops, kills, pauses and edits anywhere, across a spring change: each due has one record, each excluded one is in
/// a record that says so or was skipped with its schedule paused, and none of them is sent.
#[test]
fn every_due_is_recorded_once_and_no_excluded_one_is_sent() {
    for seed in 1..=120_u64 {
        let mut chance = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut below = |bound: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % bound
        };
        let begin = Timestamp::parse_rfc3339("2026-03-26T12:00:00Z").unwrap();
        let triggers =
            ["cron \"*/20 * * * *\"", "cron \"30 2,9 * * *\"", "every 37m", "cron \"0 9 * * *\" jitter 1h"];
        let lists = ["22:00-07:00", "SAT,SUN", "2026-03-28..2026-03-30;12:00-13:00", "SUN 01:00-04:00;THU"];
        let misfire = ["fire_once", "skip", "fire_all"][below(3) as usize];
        let words = format!(
            "{} tz Europe/Berlin except \"{}\" misfire {misfire}",
            triggers[below(4) as usize],
            lists[below(4) as usize]
        );
        let mut world = World::new(begin);
        world.add("one", &words, Start::Active);
        let (key, op) = (ScheduleKey(1), OpId(0));
        let mut has_paused = false;
        for _ in 0..30 {
            if below(4) == 0 {
                world.fuse = Some(1 + below(6) as u32);
            }
            world.advance(Span::from_millis(below(6 * 3_600_000)));
            if world.fuse.is_some() || below(4) == 0 {
                world.down(&format!("{}ms", below(20 * 3_600_000)));
            }
            match below(12) {
                0 => {
                    has_paused = true;
                    world.ask(key, Input::Pause { op, key, note: None });
                }
                1 | 2 => world.ask(key, Input::Resume { op, key }),
                3 => world.update(key, ""),
                _ => {}
            }
        }
        world.ask(key, Input::Resume { op, key });
        world.advance(Span::from_seconds(5 * 86_400));
        let declared = schedule("one", &words, begin);
        let (open, except) = (world.state(key).next_due.unwrap(), declared.except.as_ref().unwrap());
        let walk = std::iter::successors(declared.trigger.next_after(begin), |due| declared.trigger.next_after(*due));
        let dues: Vec<Timestamp> = walk.take_while(|due| *due < open).collect();
        let (mut recorded, mut excluded) = (0, 0);
        for run in world.disk.runs.values() {
            let count = run.range.map_or(1, |range| range.count);
            recorded += count;
            let Phase::Settled { outcome, .. } = &run.phase else { panic!("seed {seed}: left open: {run:?}") };
            if *outcome == Outcome::Skipped(SkipReason::Except) {
                excluded += count;
                assert!(except.covers(run.occurrence.due), "seed {seed}: {run:?}");
            }
        }
        assert_eq!(recorded, dues.len() as u64, "seed {seed}: {words}");
        let covered = dues.iter().filter(|due| except.covers(**due)).count() as u64;
        assert!(
            excluded == covered || (has_paused && excluded < covered),
            "seed {seed}: {excluded} of {covered}: {words}"
        );
        let wrong = world.sent.iter().find(|(at, one)| except.covers(one.due) || *at < one.due);
        assert_eq!(wrong, None, "seed {seed}: {words}");
    }
}
