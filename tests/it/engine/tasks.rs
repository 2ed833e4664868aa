//! Tasks beyond overlap: what is asked for by hand, what is caught up, one-shots, bounds, providers, and clocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::engine::{Options, Start};
use chimewheel::limits::PROVIDER_RUNS_COUNT_MAX;
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;

use super::check;
use super::world::World;

#[test]
fn run_now_is_refused_while_a_run_is_not_over() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h overlap skip task sum
        runner news: ok 25s
        advance 1h
        advance 5s
        run news
        advance 30s
        run news
        advance 1s
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> ok 25s
            2026-01-01T01:00:05Z refused: a run is not over
            2026-01-01T01:00:25Z send news due 2026-01-01T01:00:00Z
            2026-01-01T01:00:35Z run news
            2026-01-01T01:00:35Z send news
            2026-01-01T01:00:36Z show news: Active generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
        "#]],
    );
}

#[test]
fn run_now_waits_where_waiting_is_allowed() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h overlap buffer_one task sum
        runner news: ok 25s, ok 5s
        advance 1h
        advance 5s
        run news
        advance 1s
        run news
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> ok 25s
            2026-01-01T01:00:06Z refused: a run is not over
            2026-01-01T01:00:25Z send news due 2026-01-01T01:00:00Z
            2026-01-01T01:00:25Z run news due 2026-01-01T01:00:05Z -> ok 5s
            2026-01-01T01:00:30Z send news due 2026-01-01T01:00:05Z
        "#]],
    );
}

#[test]
fn run_now_takes_the_place_of_a_run_that_may_be_ended() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h overlap cancel_other task sum
        runner news: deaf 2s, ok 5s
        advance 1h
        advance 5s
        run news
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> deaf 2s
            2026-01-01T01:00:05Z displaced news due 2026-01-01T01:00:00Z
            2026-01-01T01:00:05Z end news due 2026-01-01T01:00:00Z
            2026-01-01T01:00:07Z run news due 2026-01-01T01:00:05Z -> ok 5s
            2026-01-01T01:00:12Z send news due 2026-01-01T01:00:05Z
        "#]],
    );
}

#[test]
fn of_what_is_caught_up_one_runs_and_the_others_overlap() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h misfire fire_all overlap skip task sum
        advance 30m
        down 4h
        advance 10s
        "#,
        expect![[r#"
            2026-01-01T04:30:00Z skip(Overlap) news due 2026-01-01T02:00:00Z
            2026-01-01T04:30:00Z skip(Overlap) news due 2026-01-01T03:00:00Z
            2026-01-01T04:30:00Z skip(Overlap) news due 2026-01-01T04:00:00Z
            2026-01-01T04:30:00Z run news due 2026-01-01T01:00:00Z
            2026-01-01T04:30:00Z send news due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn what_is_caught_up_may_wait_for_its_turn() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h misfire fire_all overlap buffer_all task sum
        runner news: ok 10m, ok 20m
        advance 30m
        down 4h
        advance 1h
        "#,
        expect![[r#"
            2026-01-01T04:30:00Z run news due 2026-01-01T01:00:00Z -> ok 10m
            2026-01-01T04:40:00Z send news due 2026-01-01T01:00:00Z
            2026-01-01T04:40:00Z run news due 2026-01-01T02:00:00Z -> ok 20m
            2026-01-01T05:00:00Z send news due 2026-01-01T02:00:00Z
            2026-01-01T05:00:00Z run news due 2026-01-01T03:00:00Z
            2026-01-01T05:00:00Z send news due 2026-01-01T03:00:00Z
            2026-01-01T05:00:00Z run news due 2026-01-01T04:00:00Z
            2026-01-01T05:00:00Z send news due 2026-01-01T04:00:00Z
            2026-01-01T05:00:00Z run news
            2026-01-01T05:00:00Z send news
        "#]],
    );
}

#[test]
fn buffered_runs_survive_a_kill() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 10s max_runs 3 overlap buffer_all task sum
        runner news: ok 45s
        advance 35s
        down 1s
        show news
        advance 1m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:00:10Z run news -> ok 45s
            2026-01-01T00:00:36Z run news due 2026-01-01T00:00:10Z attempt 2
            2026-01-01T00:00:36Z send news due 2026-01-01T00:00:10Z
            2026-01-01T00:00:36Z run news due 2026-01-01T00:00:20Z
            2026-01-01T00:00:36Z send news due 2026-01-01T00:00:20Z
            2026-01-01T00:00:36Z run news due 2026-01-01T00:00:30Z
            2026-01-01T00:00:36Z send news due 2026-01-01T00:00:30Z
            2026-01-01T00:00:36Z show news: Completed generation 1 runs 3 failures 0 next -
            2026-01-01T00:01:36Z show news: Completed generation 1 runs 3 failures 0 next -
        "#]],
    );
}

#[test]
fn an_end_that_comes_while_runs_are_buffered_lets_them_run() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 10s end 2026-01-01T00:00:30Z overlap buffer_all task sum
        runner news: ok 45s
        advance 2m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:00:10Z run news -> ok 45s
            2026-01-01T00:00:55Z send news due 2026-01-01T00:00:10Z
            2026-01-01T00:00:55Z run news due 2026-01-01T00:00:20Z
            2026-01-01T00:00:55Z send news due 2026-01-01T00:00:20Z
            2026-01-01T00:00:55Z run news due 2026-01-01T00:00:30Z
            2026-01-01T00:00:55Z send news due 2026-01-01T00:00:30Z
            2026-01-01T00:02:00Z show news: Completed generation 1 runs 3 failures 0 next -
        "#]],
    );
}

/// The gateway is down when the process is killed: the text is sent by the next one.
#[test]
fn a_text_that_is_there_is_never_made_again() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: at 2026-01-01T00:01Z task sum backoff 20s
        runner news: ok 5s
        gateway news: retry, hangs
        advance 70s
        down 1s
        advance 30s
        down 1s
        advance 1m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:01:00Z run news -> ok 5s
            2026-01-01T00:01:05Z send news due 2026-01-01T00:01:00Z -> retry
            2026-01-01T00:01:25Z send news due 2026-01-01T00:01:00Z attempt 2 -> hangs
            2026-01-01T00:01:42Z send news due 2026-01-01T00:01:00Z attempt 2
            2026-01-01T00:02:42Z show news: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_run_that_a_kill_cuts_off_too_often_has_failed() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: at 2026-01-01T00:01Z task sum attempts 2
        runner news: hangs, hangs
        advance 70s
        down 1s
        advance 10s
        down 1s
        advance 10s
        show news
        "#,
        expect![[r#"
            2026-01-01T00:01:00Z run news -> hangs
            2026-01-01T00:01:11Z run news due 2026-01-01T00:01:00Z attempt 2 -> hangs
            2026-01-01T00:01:22Z failed(the process ended before the run did) news due 2026-01-01T00:01:00Z
            2026-01-01T00:01:32Z show news: Completed generation 1 runs 1 failures 1 next -
        "#]],
    );
}

#[test]
fn attempts_of_runs_and_of_deliveries_are_counted_apart() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: at 2026-01-01T00:01Z task sum attempts 2 backoff 1s
        runner news: retry 1s, ok 1s
        gateway news: retry, permanent
        advance 2m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:01:00Z run news -> retry 1s
            2026-01-01T00:01:02Z run news due 2026-01-01T00:01:00Z attempt 2 -> ok 1s
            2026-01-01T00:01:03Z send news due 2026-01-01T00:01:00Z -> retry
            2026-01-01T00:01:04Z send news due 2026-01-01T00:01:00Z attempt 2 -> permanent
            2026-01-01T00:01:04Z failed(no) news due 2026-01-01T00:01:00Z
            2026-01-01T00:02:00Z show news: Completed generation 1 runs 1 failures 1 next -
        "#]],
    );
}

#[test]
fn a_failure_that_is_for_good_is_not_run_again() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1m max_runs 2 task sum
        runner news: permanent 1s, ambiguous 1s, ok
        advance 5m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:01:00Z run news -> permanent 1s
            2026-01-01T00:01:01Z failed(no) news due 2026-01-01T00:01:00Z
            2026-01-01T00:02:00Z run news -> ambiguous 1s
            2026-01-01T00:02:02Z run news due 2026-01-01T00:02:00Z attempt 2
            2026-01-01T00:02:02Z send news due 2026-01-01T00:02:00Z
            2026-01-01T00:05:00Z show news: Completed generation 1 runs 2 failures 0 next -
        "#]],
    );
}

#[test]
fn without_a_destination_a_text_is_only_recorded() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1m max_runs 1 chat none task sum
        runner news: ok 2s
        advance 2m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:01:00Z run news -> ok 2s
            2026-01-01T00:01:02Z silent(the schedule has no destination) news due 2026-01-01T00:01:00Z
            2026-01-01T00:02:00Z show news: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_delivery_that_waits_is_no_overlap() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 10s max_runs 3 overlap skip task sum backoff 25s
        runner news: ok 1s
        gateway news: retry
        advance 2m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:00:10Z run news -> ok 1s
            2026-01-01T00:00:11Z send news due 2026-01-01T00:00:10Z -> retry
            2026-01-01T00:00:20Z run news
            2026-01-01T00:00:30Z run news
            2026-01-01T00:00:36Z send news due 2026-01-01T00:00:10Z attempt 2
            2026-01-01T00:00:36Z send news due 2026-01-01T00:00:20Z
            2026-01-01T00:00:36Z send news due 2026-01-01T00:00:30Z
            2026-01-01T00:02:00Z show news: Completed generation 1 runs 3 failures 0 next -
        "#]],
    );
}

/// It pauses itself, and what waited for its turn is not begun.
#[test]
fn too_many_failures_leave_nothing_buffered() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 10s overlap buffer_all pause_after 1 task sum
        runner news: permanent 25s
        advance 1m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:00:10Z run news -> permanent 25s
            2026-01-01T00:00:35Z failed(no) news due 2026-01-01T00:00:10Z
            2026-01-01T00:00:35Z skip(Paused) news due 2026-01-01T00:00:30Z
            2026-01-01T00:00:35Z skip(Paused) news due 2026-01-01T00:00:20Z
            2026-01-01T00:00:35Z tell news
            2026-01-01T00:01:00Z show news: Failing generation 1 runs 1 failures 1 next 2026-01-01T00:00:40Z
        "#]],
    );
}

#[test]
fn a_one_shot_edited_while_it_is_run_says_the_new_words() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: at 2026-01-01T00:01Z task sum
        runner news: deaf 3s, ok 1s
        advance 70s
        edit news: task better
        advance 1m
        show news
        "#,
        expect![[r#"
            2026-01-01T00:01:00Z run news -> deaf 3s
            2026-01-01T00:01:10Z cancelled news due 2026-01-01T00:01:00Z
            2026-01-01T00:01:10Z end news due 2026-01-01T00:01:00Z
            2026-01-01T00:01:13Z run news due 2026-01-01T00:01:00Z -> ok 1s
            2026-01-01T00:01:14Z send news due 2026-01-01T00:01:00Z
            2026-01-01T00:02:10Z show news: Completed generation 2 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_clock_set_back_during_a_run_lets_its_text_wait_for_its_due() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: at 2026-01-01T01:00Z task sum
        runner news: ok 20s
        advance 1h
        advance 5s
        clock -30m
        advance 20m
        advance 15m
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> ok 20s
            2026-01-01T01:00:20Z send news due 2026-01-01T01:00:00Z
            2026-01-01T01:05:05Z show news: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn what_is_to_be_run_again_waits_no_longer_when_a_clock_is_set_back() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: at 2026-01-01T01:00Z task sum backoff 5m
        runner news: retry 1s, ok 1s
        advance 1h
        advance 10s
        clock -30m
        advance 1h
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> retry 1s
            2026-01-01T01:00:00Z run news attempt 2 -> ok 1s
            2026-01-01T01:00:01Z send news due 2026-01-01T01:00:00Z
            2026-01-01T01:30:10Z show news: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_run_begun_in_a_year_that_was_wrong_stands_in_nobodys_way() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 5m task sum backoff 20m overlap buffer_all max_runs 3
        runner news: retry 1s, ok 1s
        clock +3650d
        advance 8m
        clock -3650d
        advance 20m
        show news
        "#,
        expect![[r#"
            2035-12-30T00:00:00Z skip(Misfire) news due 2026-01-01T00:05:00Z..2035-12-29T23:55:00Z x1051199
            2035-12-30T00:00:00Z run news -> retry 1s
            2026-01-01T00:08:00Z cancelled news due 2035-12-30T00:00:00Z
            2026-01-01T00:08:00Z cancelled news due 2035-12-30T00:05:00Z
            2026-01-01T00:10:00Z run news -> ok 1s
            2026-01-01T00:10:01Z send news due 2026-01-01T00:10:00Z
            2026-01-01T00:15:00Z run news
            2026-01-01T00:15:00Z send news
            2026-01-01T00:20:00Z run news
            2026-01-01T00:20:00Z send news
            2026-01-01T00:28:00Z show news: Completed generation 2 runs 3 failures 0 next -
        "#]],
    );
}

#[test]
fn a_start_in_the_right_year_does_not_wait_for_the_wrong_one() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h task sum backoff 10m overlap skip
        runner news: retry 5s, ok 1s
        clock +3650d
        advance 1m
        down -3650d
        advance 3h
        show news
        "#,
        expect![[r#"
            2035-12-30T00:00:00Z skip(Misfire) news due 2026-01-01T01:00:00Z..2035-12-29T23:00:00Z x87599
            2035-12-30T00:00:00Z run news -> retry 5s
            2026-01-01T00:01:00Z cancelled news due 2035-12-30T00:00:00Z
            2026-01-01T01:00:00Z run news -> ok 1s
            2026-01-01T01:00:01Z send news due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z run news
            2026-01-01T02:00:00Z send news
            2026-01-01T03:00:00Z run news
            2026-01-01T03:00:00Z send news
            2026-01-01T03:01:00Z show news: Active generation 2 runs 3 failures 0 next 2026-01-01T04:00:00Z
        "#]],
    );
}

/// A provider takes two at a time; the others wait in the order of their dues, and a literal message waits for nobody.
#[test]
fn a_provider_takes_so_many_at_a_time() {
    let rooms = Arc::new(BTreeMap::from([("echo".to_owned(), 2)]));
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let mut world = World::with(begin, Options { rooms, ..Options::default() });
    for number in 0..4 {
        world.add(&format!("task{number}"), "at 2026-01-01T00:01Z task sum", Start::Active);
    }
    world.add("other", "at 2026-01-01T00:01Z task sum provider ask", Start::Active);
    world.add("plain", "at 2026-01-01T00:01Z", Start::Active);
    for key in 1..=5 {
        world.script_runner(chimewheel::id::ScheduleKey(key), "ok 10s");
    }
    world.advance(Span::from_seconds(65));
    assert_eq!((world.engine.figures().running, world.engine.in_flight()), (3, 3));
    world.advance(Span::from_seconds(60));
    expect![[r#"
        2026-01-01T00:01:00Z send plain
        2026-01-01T00:01:00Z run other -> ok 10s
        2026-01-01T00:01:00Z run task0 -> ok 10s
        2026-01-01T00:01:00Z run task1 -> ok 10s
        2026-01-01T00:01:10Z send task0 due 2026-01-01T00:01:00Z
        2026-01-01T00:01:10Z run task2 due 2026-01-01T00:01:00Z -> ok 10s
        2026-01-01T00:01:10Z send task1 due 2026-01-01T00:01:00Z
        2026-01-01T00:01:10Z run task3 due 2026-01-01T00:01:00Z -> ok 10s
        2026-01-01T00:01:10Z send other due 2026-01-01T00:01:00Z
        2026-01-01T00:01:20Z send task2 due 2026-01-01T00:01:00Z
        2026-01-01T00:01:20Z send task3 due 2026-01-01T00:01:00Z
    "#]]
    .assert_eq(&world.log);
    assert_eq!(world.engine.figures().running, 0);
}

/// Runs that are made up for are claimed at a rate, and begun as their provider has room.
#[test]
fn a_long_stop_does_not_begin_all_missed_runs_at_once() {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let mut world = World::with(begin, Options { catchup_per_second: 10, ..Options::default() });
    for number in 0..50 {
        world.add(&format!("task{number}"), "every 1h task sum", Start::Active);
        world.script_runner(chimewheel::id::ScheduleKey(number + 1), "ok 10s");
    }
    world.advance(Span::from_seconds(600));
    world.down("3h");
    for second in 1..=6 {
        let figures = world.engine.figures();
        assert!(figures.open <= 10 * second, "{figures:?} after {second} s");
        assert!(figures.running <= PROVIDER_RUNS_COUNT_MAX, "{figures:?}");
        world.advance(Span::from_seconds(1));
    }
    let figures = world.engine.figures();
    assert_eq!((figures.open, figures.overdue, figures.running), (50, 0, PROVIDER_RUNS_COUNT_MAX));
}
