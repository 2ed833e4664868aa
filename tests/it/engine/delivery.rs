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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
    );
}
