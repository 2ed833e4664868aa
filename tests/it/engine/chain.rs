//! Schedules that are started by the end of another one's run.

use chimewheel::engine::Start;
use chimewheel::engine::change::{Cause, Outcome, Phase};
use chimewheel::id::ScheduleKey;
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;

use super::check;
use super::world::World;

#[test]
fn what_follows_is_sent_when_the_first_is_delivered_and_only_then() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h attempts 1
        add report: after 1
        add alarm: after 1 ends failed,unknown
        gateway fetch: ok, permanent, ok
        advance 3h
        show report
        show alarm
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send fetch
            2026-01-01T01:00:00Z send report
            2026-01-01T02:00:00Z send fetch -> permanent
            2026-01-01T02:00:00Z failed(no) fetch due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z send alarm
            2026-01-01T03:00:00Z send fetch
            2026-01-01T03:00:00Z send report
            2026-01-01T03:00:00Z show report: Active generation 1 runs 2 failures 0 next -
            2026-01-01T03:00:00Z show alarm: Active generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_row_of_three_goes_on_through_what_is_silent_or_skipped() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h chat none
        add digest: after 1 ends silent except 2026-01-01
        add report: after 2 ends skipped
        add any: after 2 ends any
        advance 1h
        show digest
        ",
        expect![[r#"
            2026-01-01T01:00:00Z silent(the schedule has no destination) fetch due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z skip(Except) digest due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z send report
            2026-01-01T01:00:00Z send any
            2026-01-01T01:00:00Z show digest: Active generation 1 runs 0 failures 0 next -
        "#]],
    );
}

#[test]
fn a_model_takes_its_time_and_the_next_end_finds_it_running() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 10m
        add think: task think after 1
        runner think: ok 15m, ok 1m
        advance 40m
        ",
        expect![[r#"
            2026-01-01T00:10:00Z send fetch
            2026-01-01T00:10:00Z run think -> ok 15m
            2026-01-01T00:20:00Z send fetch
            2026-01-01T00:20:00Z skip(Overlap) think due 2026-01-01T00:20:00Z
            2026-01-01T00:25:00Z send think due 2026-01-01T00:10:00Z
            2026-01-01T00:30:00Z send fetch
            2026-01-01T00:30:00Z run think -> ok 1m
            2026-01-01T00:31:00Z send think due 2026-01-01T00:30:00Z
            2026-01-01T00:40:00Z send fetch
            2026-01-01T00:40:00Z run think
            2026-01-01T00:40:00Z send think
        "#]],
    );
}

#[test]
fn a_pause_is_recorded_and_a_resume_makes_up_for_nothing() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h
        add report: after 1
        advance 1h
        pause report
        advance 1h
        resume report
        show report
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send fetch
            2026-01-01T01:00:00Z send report
            2026-01-01T02:00:00Z send fetch
            2026-01-01T02:00:00Z skip(Paused) report due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z show report: Active generation 1 runs 1 failures 0 next -
            2026-01-01T03:00:00Z send fetch
            2026-01-01T03:00:00Z send report
        "#]],
    );
}

#[test]
fn bounds_hold() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h
        add late: after 1 start 2026-01-01T02:30Z
        add short: after 1 end 2026-01-01T01:30Z
        add twice: after 1 max_runs 2
        advance 90m
        show short
        advance 1ms
        show short
        advance 2h
        show twice
        show late
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send fetch
            2026-01-01T01:00:00Z send short
            2026-01-01T01:00:00Z send twice
            2026-01-01T01:30:00Z show short: Active generation 1 runs 1 failures 0 next -
            2026-01-01T01:30:00.001Z show short: Completed generation 1 runs 1 failures 0 next -
            2026-01-01T02:00:00Z send fetch
            2026-01-01T02:00:00Z send twice
            2026-01-01T03:00:00Z send fetch
            2026-01-01T03:00:00Z send late
            2026-01-01T03:30:00.001Z show twice: Completed generation 1 runs 2 failures 0 next -
            2026-01-01T03:30:00.001Z show late: Active generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn runs_by_hand_start_what_follows_and_what_follows_runs_by_hand() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h
        add report: after 1
        run fetch
        run report
        run fetch
        run report
        advance 1s
        show report
        ",
        expect![[r#"
            2026-01-01T00:00:00Z send fetch due 2025-12-31T23:59:59.999Z
            2026-01-01T00:00:00Z send report
            2026-01-01T00:00:00Z send fetch due 2025-12-31T23:59:59.998Z
            2026-01-01T00:00:00.001Z send report
            2026-01-01T00:00:00.002Z send report
            2026-01-01T00:00:00.003Z send report
            2026-01-01T00:00:01Z show report: Active generation 1 runs 2 failures 0 next -
        "#]],
    );
}

#[test]
fn what_is_cancelled_or_replaced_starts_nothing_and_what_waits_goes_on_waiting() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h
        add report: after 1 ends any
        gateway fetch: retry, ok
        advance 1h
        update fetch: every 30m
        advance 30m
        cancel fetch
        advance 1h
        show report
        update report: every 1h
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send fetch -> retry
            2026-01-01T01:00:00Z cancelled fetch due 2026-01-01T01:00:00Z
            2026-01-01T01:30:00Z send fetch
            2026-01-01T01:30:00Z send report
            2026-01-01T02:30:00Z show report: Active generation 1 runs 1 failures 0 next -
            2026-01-01T03:30:00Z send report
        "#]],
    );
}

#[test]
fn a_clock_set_back_makes_no_occurrence_twice() {
    check(
        "
        at 2026-01-02T00:00Z
        add fetch: every 1h
        add report: after 1
        advance 1h
        clock -1d
        advance 1h
        down -1h
        show report
        advance 1h
        ",
        expect![[r#"
            2026-01-02T01:00:00Z send fetch
            2026-01-02T01:00:00Z send report
            2026-01-01T02:00:00Z send fetch
            2026-01-01T02:00:00Z send report
            2026-01-01T01:00:00Z show report: Active generation 3 runs 2 failures 0 next -
            2026-01-01T02:00:00Z send fetch
        "#]],
    );
}

#[test]
fn an_end_that_was_missed_is_caught_up_and_so_is_what_follows() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h
        add report: after 1
        add missed: after 1 ends skipped
        down 5h
        advance 1s
        ",
        expect![[r#"
            2026-01-01T05:00:00Z skip(Misfire) fetch due 2026-01-01T01:00:00Z..2026-01-01T04:00:00Z x4
            2026-01-01T05:00:00Z send fetch
            2026-01-01T05:00:00Z send missed
            2026-01-01T05:00:00Z send report
        "#]],
    );
}

/// A process that is killed after each possible step comes to the same as one that is not.
#[test]
fn a_kill_at_any_step_neither_loses_nor_doubles_what_follows() {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let (mut kills, mut ends) = (0, 0);
    for steps in 1..60 {
        let mut world = World::new(begin);
        world.add("fetch", "every 1h max_runs 4", Start::Active);
        world.add("report", "after 1", Start::Active);
        world.add("mail", "task mail after 2 ends any", Start::Active);
        world.add("note", "after 3 chat none", Start::Active);
        world.fuse = Some(steps);
        for _ in 0..6 {
            world.advance(Span::from_seconds(3600));
            if world.fuse == Some(0) {
                kills += 1;
                world.boot();
            }
        }
        let settled = |key: u64, wanted: fn(&Outcome) -> bool| {
            let runs = world.disk.runs.values().filter(|run| run.occurrence.schedule == ScheduleKey(key));
            runs.filter(|run| run.cause != Cause::Notice)
                .filter(|run| matches!(&run.phase, Phase::Settled { outcome, .. } if wanted(outcome)))
                .count()
        };
        let is_delivered: fn(&Outcome) -> bool = |outcome| matches!(outcome, Outcome::Delivered { .. });
        let counts = [settled(1, is_delivered), settled(2, is_delivered), settled(3, |_| true), settled(4, |_| true)];
        assert_eq!(counts, [4; 4], "killed after {steps} steps\n{}", world.log);
        ends += counts[3];
    }
    assert!(kills > 30 && ends > 200, "{kills} kills, {ends} ends: this shows little");
}
