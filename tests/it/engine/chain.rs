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
fn a_dead_letter_starts_whom_its_failure_did_not() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: at 2026-01-01T01:00Z attempts 1
        add report: after 1
        add alarm: after 1 ends failed
        add any: after 1 ends any
        gateway fetch: permanent, permanent, ok
        advance 1h
        advance 1m
        retry fetch
        advance 1m
        retry fetch
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send fetch -> permanent
            2026-01-01T01:00:00Z failed(no) fetch due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z send alarm
            2026-01-01T01:00:00Z send any
            2026-01-01T01:01:00Z send fetch due 2026-01-01T01:00:00Z -> permanent
            2026-01-01T01:01:00Z failed(no) fetch due 2026-01-01T01:00:00Z
            2026-01-01T01:02:00Z send fetch due 2026-01-01T01:00:00Z
            2026-01-01T01:02:00Z send report
        "#]],
    );
}

#[test]
fn a_dead_letter_that_was_seen_starts_nobody() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: at 2026-01-01T01:00Z attempts 1
        add alarm: after 1 ends failed
        add any: after 1 ends any
        gateway fetch: permanent
        advance 2h
        drop fetch
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send fetch -> permanent
            2026-01-01T01:00:00Z failed(no) fetch due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z send alarm
            2026-01-01T01:00:00Z send any
            2026-01-01T02:00:00Z dropped(no) fetch due 2026-01-01T01:00:00Z
        "#]],
    );
}

/// Five schedules, of which the third is given up in the very turn in which it was to be sent.
const SHUT: [(&str, &str, &str); 5] = [
    ("first", "at 2026-01-01T01:00Z", "shut, shut, ok"),
    ("second", "at 2026-01-01T01:00:00.100Z", "shut, ok"),
    ("old", "at 2026-01-01T01:00:00.200Z max_age 5s", ""),
    ("alarm", "after 3 ends failed", ""),
    ("note", "after 3 ends any chat none", ""),
];

#[test]
fn what_grew_too_old_while_its_account_was_shut_starts_others() {
    let adds = SHUT.map(|(id, words, _)| format!("add {id}: {words}\n"));
    let answers = SHUT[..2].iter().map(|(id, _, answers)| format!("gateway {id}: {answers}\n"));
    check(
        &format!("at 2026-01-01T00:00Z\n{}{}advance 2h", adds.concat(), answers.collect::<String>()),
        expect![[r#"
            2026-01-01T01:00:00Z send first -> shut
            2026-01-01T01:00:01Z send first due 2026-01-01T01:00:00Z -> shut
            2026-01-01T01:00:03Z send second due 2026-01-01T01:00:00.100Z -> shut
            2026-01-01T01:00:07Z failed(not sent within 5s (max_age), for nothing could be sent to anybody: no) old due 2026-01-01T01:00:00.200Z
            2026-01-01T01:00:07Z silent(the schedule has no destination) note due 2026-01-01T01:00:07Z
            2026-01-01T01:00:07Z send first due 2026-01-01T01:00:00Z
            2026-01-01T01:00:07Z send second due 2026-01-01T01:00:00.100Z
            2026-01-01T01:00:07Z send alarm
        "#]],
    );
}

#[test]
fn a_kill_never_parts_what_was_given_up_from_whom_it_starts() {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let mut pairs = 0;
    for steps in 1..40 {
        let mut world = World::new(begin);
        for (key, (id, words, answers)) in (1..).zip(SHUT) {
            world.add(id, words, Start::Active);
            if !answers.is_empty() {
                world.script(ScheduleKey(key), answers);
            }
        }
        world.fuse = Some(steps);
        world.advance(Span::from_seconds(7200));
        let of = |key: u64| world.disk.runs.values().filter(move |run| run.occurrence.schedule == ScheduleKey(key));
        let given_up = of(3).filter(|run| run.is_given_up()).count();
        assert_eq!((of(4).count(), of(5).count()), (given_up, given_up), "killed after {steps} steps\n{}", world.log);
        pairs += given_up;
    }
    assert!(pairs > 10, "{pairs}");
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
