//! Paces, refusals for pace, and accounts that are shut.

use expect_test::expect;

use super::check;

#[test]
fn one_chat_that_is_limited_for_a_minute_delays_no_other() {
    check(
        "
        at 2026-01-01T00:00Z
        add c1: at 2026-01-01T01:00Z chat c
        add c2: at 2026-01-01T01:00Z chat c
        add c3: at 2026-01-01T01:00:20Z chat c
        add d: at 2026-01-01T01:00Z chat d
        add e: at 2026-01-01T01:00:30Z chat e
        gateway c1: limited chat 60s, ok
        advance 2h
        show c1
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send c1 -> limited chat 60s
            2026-01-01T01:00:00Z send d
            2026-01-01T01:00:30Z send e
            2026-01-01T01:01:00Z send c1 due 2026-01-01T01:00:00Z
            2026-01-01T01:01:00Z send c2 due 2026-01-01T01:00:00Z
            2026-01-01T01:01:00Z send c3 due 2026-01-01T01:00:20Z
            2026-01-01T02:00:00Z show c1: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_limited_account_waits_as_a_whole() {
    check(
        "
        at 2026-01-01T00:00Z
        add c: at 2026-01-01T01:00Z chat c
        add d: at 2026-01-01T01:00:01Z chat d
        gateway c: limited account 10s, ok
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send c -> limited account 10s
            2026-01-01T01:00:10Z send c due 2026-01-01T01:00:00Z
            2026-01-01T01:00:10Z send d due 2026-01-01T01:00:01Z
        "#]],
    );
}

#[test]
fn limits_take_no_attempt_and_end_by_age() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z attempts 1 max_age 2m
        add next: at 2026-01-01T01:00:01Z chat note
        gateway note: limited chat 50s, limited chat 50s, limited chat 50s
        advance 2h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> limited chat 50s
            2026-01-01T01:00:50Z send note due 2026-01-01T01:00:00Z -> limited chat 50s
            2026-01-01T01:01:40Z send note due 2026-01-01T01:00:00Z -> limited chat 50s
            2026-01-01T01:01:40Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T01:02:30Z send next due 2026-01-01T01:00:01Z
            2026-01-01T02:00:00Z show note: Completed generation 1 runs 1 failures 1 next -
        "#]],
    );
}

#[test]
fn a_chat_keeps_its_pace_and_so_does_the_account() {
    check(
        "
        at 2026-01-01T00:00Z account 2/s chat 1/s
        add c1: at 2026-01-01T01:00Z chat c
        add c2: at 2026-01-01T01:00Z chat c
        add c3: at 2026-01-01T01:00Z chat c
        add d: at 2026-01-01T01:00Z chat d
        add e: at 2026-01-01T01:00Z chat e
        add late: at 2026-01-01T01:00:04Z chat c
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send c1
            2026-01-01T01:00:00.500Z send d due 2026-01-01T01:00:00Z
            2026-01-01T01:00:01Z send e due 2026-01-01T01:00:00Z
            2026-01-01T01:00:01.500Z send c2 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:02.500Z send c3 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:04Z send late
        "#]],
    );
}

#[test]
fn an_account_that_is_shut_is_probed_and_takes_no_attempts() {
    check(
        "
        at 2026-01-01T00:00Z
        add a: at 2026-01-01T01:00Z attempts 1
        add b: at 2026-01-01T01:00:00.500Z
        add c: at 2026-01-01T01:00:02Z
        gateway a: shut, shut, ok
        gateway b: shut
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send a -> shut
            2026-01-01T01:00:01Z send a due 2026-01-01T01:00:00Z -> shut
            2026-01-01T01:00:03Z send b due 2026-01-01T01:00:00.500Z -> shut
            2026-01-01T01:00:07Z send a due 2026-01-01T01:00:00Z
            2026-01-01T01:00:07Z send c due 2026-01-01T01:00:02Z
            2026-01-01T01:00:07Z send b due 2026-01-01T01:00:00.500Z
        "#]],
    );
}

#[test]
fn what_waits_too_long_for_a_shut_account_fails_without_a_send() {
    check(
        "
        at 2026-01-01T00:00Z
        add first: at 2026-01-01T01:00Z
        add second: at 2026-01-01T01:00:00.100Z
        add old: at 2026-01-01T01:00:00.200Z max_age 5s
        add young: at 2026-01-01T01:00:05Z max_age 5s
        gateway first: shut, shut, ok
        gateway second: shut, ok
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send first -> shut
            2026-01-01T01:00:01Z send first due 2026-01-01T01:00:00Z -> shut
            2026-01-01T01:00:03Z send second due 2026-01-01T01:00:00.100Z -> shut
            2026-01-01T01:00:07Z failed(not sent within 5s (max_age), for nothing could be sent to anybody: no) old due 2026-01-01T01:00:00.200Z
            2026-01-01T01:00:07Z send first due 2026-01-01T01:00:00Z
            2026-01-01T01:00:07Z send second due 2026-01-01T01:00:00.100Z
            2026-01-01T01:00:07Z send young due 2026-01-01T01:00:05Z
        "#]],
    );
}

#[test]
fn five_failures_for_three_chats_shut_an_account_and_one_bad_chat_does_not() {
    check(
        "
        at 2026-01-01T00:00Z
        add bad: at 2026-01-01T01:00Z attempts 9 backoff 1s
        add good: at 2026-01-01T01:00:20Z
        gateway bad: retry, retry, retry, retry, retry, retry, retry
        advance 2h
        add a: at 2026-01-01T03:00Z backoff 1s
        add b: at 2026-01-01T03:00Z backoff 1s
        add c: at 2026-01-01T03:00Z backoff 1s
        add d: at 2026-01-01T03:00:01.500Z
        gateway a: retry, retry, ok
        gateway b: retry, retry, ok
        gateway c: retry, retry, ok
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send bad -> retry
            2026-01-01T01:00:01Z send bad due 2026-01-01T01:00:00Z attempt 2 -> retry
            2026-01-01T01:00:02Z send bad due 2026-01-01T01:00:00Z attempt 3 -> retry
            2026-01-01T01:00:03Z send bad due 2026-01-01T01:00:00Z attempt 4 -> retry
            2026-01-01T01:00:04Z send bad due 2026-01-01T01:00:00Z attempt 5 -> retry
            2026-01-01T01:00:05Z send bad due 2026-01-01T01:00:00Z attempt 6 -> retry
            2026-01-01T01:00:06Z send bad due 2026-01-01T01:00:00Z attempt 7 -> retry
            2026-01-01T01:00:07Z send bad due 2026-01-01T01:00:00Z attempt 8
            2026-01-01T01:00:20Z send good
            2026-01-01T03:00:00Z send a -> retry
            2026-01-01T03:00:00Z send b -> retry
            2026-01-01T03:00:00Z send c -> retry
            2026-01-01T03:00:01Z send c due 2026-01-01T03:00:00Z attempt 2 -> retry
            2026-01-01T03:00:01Z send b due 2026-01-01T03:00:00Z attempt 2 -> retry
            2026-01-01T03:00:01Z send a due 2026-01-01T03:00:00Z attempt 2 -> retry
            2026-01-01T03:00:02Z send d due 2026-01-01T03:00:01.500Z
            2026-01-01T03:00:02Z send a due 2026-01-01T03:00:00Z attempt 3
            2026-01-01T03:00:02Z send b due 2026-01-01T03:00:00Z attempt 3
            2026-01-01T03:00:02Z send c due 2026-01-01T03:00:00Z attempt 3
        "#]],
    );
}

#[test]
fn gates_move_with_a_clock_that_is_set_back() {
    check(
        "
        at 2026-01-01T01:00Z
        add a: at 2026-01-01T01:30Z chat c
        add b: at 2026-01-01T01:31Z chat c
        gateway a: limited chat 45m, ok
        advance 35m
        clock -3m
        advance 2h
        ",
        expect![[r#"
            2026-01-01T01:30:00Z send a -> limited chat 45m
            2026-01-01T02:12:00Z send a due 2026-01-01T01:30:00Z
            2026-01-01T02:12:00Z send b due 2026-01-01T01:31:00Z
        "#]],
    );
}
