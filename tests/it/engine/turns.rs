//! Runs that know their conversation: one at a time in each chat, in the order of their dues, whatever happens to them.

use expect_test::expect;

use super::check;

#[test]
fn one_chat_takes_turns_and_delays_no_other_run() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add one: every 1h chat a session conversation task sum
        add two: every 1h chat a session conversation task sum
        add three: every 1h chat a session conversation task sum
        add else: every 1h chat b session conversation task sum
        add own: every 1h chat a task sum
        runner one: ok 10s
        runner two: retry 1s, ok 2s
        runner three: ok 1s
        runner else: ok 1s
        runner own: ok 1s
        advance 1h
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run one -> ok 10s
            2026-01-01T01:00:00Z run else -> ok 1s
            2026-01-01T01:00:00Z run own -> ok 1s
            2026-01-01T01:00:01Z send else due 2026-01-01T01:00:00Z
            2026-01-01T01:00:01Z send own due 2026-01-01T01:00:00Z
            2026-01-01T01:00:10Z send one due 2026-01-01T01:00:00Z
            2026-01-01T01:00:10Z run two due 2026-01-01T01:00:00Z -> retry 1s
            2026-01-01T01:00:12Z run two due 2026-01-01T01:00:00Z attempt 2 -> ok 2s
            2026-01-01T01:00:14Z send two due 2026-01-01T01:00:00Z
            2026-01-01T01:00:14Z run three due 2026-01-01T01:00:00Z -> ok 1s
            2026-01-01T01:00:15Z send three due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn whoever_is_cancelled_while_it_waits_is_passed_over() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add one: every 1h chat a session conversation task sum
        add two: every 1h chat a session conversation task sum
        add three: every 1h chat a session conversation task sum
        runner one: ok 10s
        runner three: ok 1s
        advance 1h
        cancel two
        advance 5s
        cancel one
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run one -> ok 10s
            2026-01-01T01:00:00Z keep State of two: -
            2026-01-01T01:00:00Z keep Text of two: -
            2026-01-01T01:00:00Z cancelled two due 2026-01-01T01:00:00Z
            2026-01-01T01:00:05Z keep State of one: -
            2026-01-01T01:00:05Z keep Text of one: -
            2026-01-01T01:00:05Z cancelled one due 2026-01-01T01:00:00Z
            2026-01-01T01:00:05Z end one due 2026-01-01T01:00:00Z
            2026-01-01T01:00:05Z run three due 2026-01-01T01:00:00Z -> ok 1s
            2026-01-01T01:00:06Z send three due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn the_next_is_asked_when_the_answer_before_it_has_reached_the_chat() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add one: every 1h chat a session conversation task sum retry 5 1s
        add two: every 1h chat a session conversation task sum
        runner one: ok 1s
        runner two: ok 1s
        gateway one: retry 10s, ok
        advance 1h
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run one -> ok 1s
            2026-01-01T01:00:01Z send one due 2026-01-01T01:00:00Z -> retry 10s
            2026-01-01T01:00:11Z send one due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T01:00:11Z run two due 2026-01-01T01:00:00Z -> ok 1s
            2026-01-01T01:00:12Z send two due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn a_start_gives_the_turn_back() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add one: every 1h chat a session conversation task sum
        add two: every 1h chat a session conversation task sum
        add three: every 1h chat b session conversation task sum
        add four: every 1h chat b session conversation task sum
        runner one: ok 1s
        runner two: ok 1s
        runner three: retry 1s, ok 1s
        runner four: ok 1s
        gateway one: retry 10s, ok
        advance 1h
        advance 1500ms
        down 1s
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run one -> ok 1s
            2026-01-01T01:00:00Z run three -> retry 1s
            2026-01-01T01:00:01Z send one due 2026-01-01T01:00:00Z -> retry 10s
            2026-01-01T01:00:02.500Z run three due 2026-01-01T01:00:00Z attempt 2 -> ok 1s
            2026-01-01T01:00:03.500Z send three due 2026-01-01T01:00:00Z
            2026-01-01T01:00:03.500Z run four due 2026-01-01T01:00:00Z -> ok 1s
            2026-01-01T01:00:04.500Z send four due 2026-01-01T01:00:00Z
            2026-01-01T01:00:11Z send one due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T01:00:11Z run two due 2026-01-01T01:00:00Z -> ok 1s
            2026-01-01T01:00:12Z send two due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn agents_and_threads_of_one_chat_do_not_wait_for_each_other() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add one: every 1h chat a session conversation task sum
        add hers: every 1h chat a agent ada session conversation task sum
        add below: every 1h chat a thread 7 session conversation task sum
        runner one: ok 10s
        runner hers: ok 1s
        runner below: ok 1s
        advance 1h
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run one -> ok 10s
            2026-01-01T01:00:00Z run hers -> ok 1s
            2026-01-01T01:00:00Z run below -> ok 1s
            2026-01-01T01:00:01Z send hers due 2026-01-01T01:00:00Z
            2026-01-01T01:00:01Z send below due 2026-01-01T01:00:00Z
            2026-01-01T01:00:10Z send one due 2026-01-01T01:00:00Z
        "#]],
    );
}
