//! Clocks that jump.

use expect_test::expect;

use super::check;

#[test]
fn set_back_an_hour_a_cadence_goes_on_and_a_fixed_time_is_not_repeated() {
    check(
        r#"
        at 2026-01-01T08:00Z
        add beat: every 30m
        add daily: cron "0 9 * * *"
        add later: at 2026-01-01T08:45Z
        advance 75m
        clock -1h
        advance 2h
        show beat
        show daily
        "#,
        expect![[r#"
            2026-01-01T08:30:00Z send beat
            2026-01-01T08:45:00Z send later
            2026-01-01T09:00:00Z send beat
            2026-01-01T09:00:00Z send daily
            2026-01-01T08:30:00Z send beat
            2026-01-01T09:00:00Z send beat
            2026-01-01T09:30:00Z send beat
            2026-01-01T10:00:00Z send beat
            2026-01-01T10:15:00Z show beat: Active generation 2 runs 6 failures 0 next 2026-01-01T10:30:00Z
            2026-01-01T10:15:00Z show daily: Active generation 1 runs 1 failures 0 next 2026-01-02T09:00:00Z
        "#]],
    );
}

#[test]
fn set_forward_a_day_is_an_interruption() {
    check(
        r#"
        at 2026-01-01T08:00Z
        add beat: every 30m
        add skips: every 30m misfire skip
        add daily: cron "0 9 * * *"
        clock +24h
        advance 30m
        "#,
        expect![[r#"
            2026-01-02T08:00:00Z skip(Misfire) beat due 2026-01-01T08:30:00Z..2026-01-02T07:30:00Z x47
            2026-01-02T08:00:00Z skip(Misfire) skips due 2026-01-01T08:30:00Z..2026-01-02T07:30:00Z x47
            2026-01-02T08:00:00Z send beat
            2026-01-02T08:00:00Z send daily due 2026-01-01T09:00:00Z
            2026-01-02T08:00:00Z send skips
            2026-01-02T08:30:00Z send beat
            2026-01-02T08:30:00Z send skips
        "#]],
    );
}

#[test]
fn booted_in_another_century_it_comes_back() {
    check(
        r#"
        at 2026-01-01T08:00Z
        add beat: every 12h
        add daily: cron "0 9 * * *"
        clock +26000d
        clock -26000d
        advance 26h
        "#,
        expect![[r#"
            2097-03-09T08:00:00Z skip(Misfire) beat due 2026-01-01T20:00:00Z..2097-03-08T20:00:00Z x51999
            2097-03-09T08:00:00Z skip(Misfire) daily due 2026-01-01T09:00:00Z..2097-03-07T09:00:00Z x25999
            2097-03-09T08:00:00Z send beat
            2097-03-09T08:00:00Z send daily due 2097-03-08T09:00:00Z
            2026-01-01T09:00:00Z send daily
            2026-01-01T20:00:00Z send beat
            2026-01-02T08:00:00Z send beat
            2026-01-02T09:00:00Z send daily
        "#]],
    );
}

#[test]
fn set_back_while_it_was_down() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 10m
        advance 25m
        clock -1s
        advance 10m
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send beat
            2026-01-01T08:20:00Z send beat
            2026-01-01T08:30:00Z send beat
        "#]],
    );
}

#[test]
fn a_retry_never_goes_out_before_its_due() {
    check(
        "
        at 2026-01-01T08:00Z
        add note: at 2026-01-01T08:30Z backoff 1m
        gateway note: retry, ok
        advance 30m
        clock -1h
        advance 2h
        ",
        expect![[r#"
            2026-01-01T08:30:00Z send note -> retry
            2026-01-01T08:30:00Z send note attempt 2
        "#]],
    );
}

#[test]
fn set_back_before_its_anchor_an_interval_waits_for_that() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 12h anchor 2026-01-03T00:00Z
        clock -9h
        show beat
        ",
        expect![[r#"
            2025-12-31T23:00:00Z show beat: Active generation 1 runs 0 failures 0 next 2026-01-03T00:00:00Z
        "#]],
    );
}

#[test]
fn slewed_back_before_a_due_that_was_taken_up_it_is_not_sent_early() {
    check(
        "
        at 2026-01-01T08:00Z
        add a: at 2026-01-01T08:09:59Z chat x
        add b: at 2026-01-01T08:10Z chat x
        gateway a: hangs
        advance 10m
        clock -900ms
        answer a: ok
        advance 1s
        ",
        expect![[r#"
            2026-01-01T08:09:59Z send a -> hangs
            2026-01-01T08:10:00Z send b
        "#]],
    );
}
