//! Attempts, order, updates and what a kill leaves behind.

use expect_test::expect;

use super::check;

#[test]
fn a_failing_gateway_is_tried_again_and_given_up() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z attempts 3 backoff 10s
        gateway note: retry, retry 45s, retry
        advance 2h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:00:10Z send note due 2026-01-01T01:00:00Z attempt 2 -> retry 45s
            2026-01-01T01:00:55Z send note due 2026-01-01T01:00:00Z attempt 3 -> retry
            2026-01-01T01:00:55Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z show note: Completed generation 1 runs 1 failures 1 next -
        "#]],
    );
}

#[test]
fn age_ends_retries_before_attempts_do() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z attempts 50 backoff 30s max_age 70s
        gateway note: retry, retry, retry, retry, retry
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:00:30Z send note due 2026-01-01T01:00:00Z attempt 2 -> retry
            2026-01-01T01:01:00Z send note due 2026-01-01T01:00:00Z attempt 3 -> retry
            2026-01-01T01:01:00Z failed(no) note due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn a_permanent_error_is_not_tried_again_and_the_next_due_runs() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h
        gateway note: permanent, ok
        advance 2h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note
            2026-01-01T02:00:00Z show note: Active generation 1 runs 2 failures 0 next 2026-01-01T03:00:00Z
        "#]],
    );
}

#[test]
fn one_chat_keeps_its_order_though_a_kill_falls_into_the_wait_of_its_head() {
    check(
        "
        at 2026-01-01T00:00Z
        add first: at 2026-01-01T01:00Z chat c backoff 20s
        add second: at 2026-01-01T01:00:01Z chat c
        add third: at 2026-01-01T01:00:02Z chat c
        gateway first: retry, ok
        advance 1h5s
        down 2s
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send first -> retry
            2026-01-01T01:00:20Z send first due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T01:00:20Z send second due 2026-01-01T01:00:01Z
            2026-01-01T01:00:20Z send third due 2026-01-01T01:00:02Z
        "#]],
    );
}

#[test]
fn one_chat_keeps_its_order_while_the_head_is_tried_again() {
    check(
        "
        at 2026-01-01T00:00Z
        add first: at 2026-01-01T01:00Z chat c backoff 5s
        add second: at 2026-01-01T01:00:01Z chat c
        add other: at 2026-01-01T01:00:01Z chat d
        gateway first: retry, ok
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send first -> retry
            2026-01-01T01:00:01Z send other
            2026-01-01T01:00:05Z send first due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T01:00:05Z send second due 2026-01-01T01:00:01Z
        "#]],
    );
}

#[test]
fn a_head_that_waits_long_lets_the_others_pass() {
    check(
        "
        at 2026-01-01T00:00Z
        add first: at 2026-01-01T01:00Z chat c
        add second: at 2026-01-01T01:00:01Z chat c
        gateway first: retry 10m, ok
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send first -> retry 10m
            2026-01-01T01:00:01Z send second
            2026-01-01T01:10:00Z send first due 2026-01-01T01:00:00Z attempt 2
        "#]],
    );
}

#[test]
fn killed_before_the_answer_it_is_sent_again_at_least_once() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z
        gateway note: hangs, ok
        advance 1h
        down 2s
        advance 1h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> hangs
            2026-01-01T01:00:02Z send note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:02Z show note: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn killed_before_the_answer_it_is_unknown_at_most_once() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z delivery at_most_once
        gateway note: hangs, ok
        advance 1h
        down 2s
        advance 1h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> hangs
            2026-01-01T01:00:02Z unknown(the process ended before the gateway answered) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:02Z show note: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn delivered_is_not_delivered_again_after_a_kill() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z
        add tick: every 40m
        advance 1h
        down 1s
        down 1s
        advance 1h
        ",
        expect![[r#"
            2026-01-01T00:40:00Z send tick
            2026-01-01T01:00:00Z send note
            2026-01-01T01:20:00Z send tick
            2026-01-01T02:00:00Z send tick
        "#]],
    );
}

#[test]
fn an_update_voids_what_waits_under_the_old_words() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h backoff 10m
        gateway note: retry, ok
        advance 61m
        update note:
        show note
        advance 1h
        update note: every 30m
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:01:00Z cancelled note due 2026-01-01T01:00:00Z
            2026-01-01T01:01:00Z show note: Active generation 2 runs 1 failures 0 next 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z send note
            2026-01-01T02:31:00Z send note
            2026-01-01T03:01:00Z send note
        "#]],
    );
}

#[test]
fn an_update_while_it_is_being_sent_allows_no_further_attempt() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z
        gateway note: hangs
        advance 1h
        update note: at 2026-01-01T05:00Z
        answer note: retry
        advance 5h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> hangs
            2026-01-01T01:00:00Z cancelled note due 2026-01-01T01:00:00Z
            2026-01-01T05:00:00Z send note
        "#]],
    );
}

#[test]
fn a_cancel_ends_what_waits_and_nothing_comes_back() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h backoff 10m
        gateway note: retry
        advance 61m
        cancel note
        resume note
        down 3h
        advance 3h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:01:00Z cancelled note due 2026-01-01T01:00:00Z
            2026-01-01T01:01:00Z refused: it has ended
            2026-01-01T07:01:00Z show note: Cancelled generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_run_now_is_an_extra() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h max_runs 2
        run note
        run note
        advance 1h
        pause note
        run note
        show note
        ",
        expect![[r#"
            2026-01-01T00:00:00Z send note due 2025-12-31T23:59:59.999Z
            2026-01-01T00:00:00Z send note due 2025-12-31T23:59:59.998Z
            2026-01-01T01:00:00Z send note
            2026-01-01T01:00:00Z send note due 2026-01-01T00:59:59.999Z
            2026-01-01T01:00:00Z show note: Paused generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
        "#]],
    );
}

#[test]
fn two_in_one_chat_travel_together_and_the_second_waits_its_turn() {
    check(
        "
        at 2026-01-01T00:00Z
        add b: at 2026-01-01T01:00Z chat c
        add a: at 2026-01-01T01:00Z chat c backoff 5s
        add z: at 2026-01-01T00:59:59Z chat c
        gateway a: retry, retry, ok
        down 61m
        advance 1m
        ",
        expect![[r#"
            2026-01-01T01:01:00Z send z due 2026-01-01T00:59:59Z
            2026-01-01T01:01:00Z send b due 2026-01-01T01:00:00Z
            2026-01-01T01:01:00Z send a due 2026-01-01T01:00:00Z -> retry
            2026-01-01T01:01:05Z send a due 2026-01-01T01:00:00Z attempt 2 -> retry
            2026-01-01T01:01:10Z send a due 2026-01-01T01:00:00Z attempt 3
        "#]],
    );
}

#[test]
fn dues_missed_by_several_schedules_reach_their_chat_in_the_order_of_their_dues() {
    check(
        "
        at 2026-01-01T00:00Z
        add all: every 1h misfire fire_all chat room
        add once: at 2026-01-01T02:30Z chat room
        add other: every 90m misfire fire_all chat room
        down 3h
        ",
        expect![[r#"
            2026-01-01T03:00:00Z send all due 2026-01-01T01:00:00Z
            2026-01-01T03:00:00Z send other due 2026-01-01T01:30:00Z
            2026-01-01T03:00:00Z send all due 2026-01-01T02:00:00Z
            2026-01-01T03:00:00Z send once due 2026-01-01T02:30:00Z
            2026-01-01T03:00:00Z send all
            2026-01-01T03:00:00Z send other
        "#]],
    );
}
