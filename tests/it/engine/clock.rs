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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
    );
}

#[test]
fn a_retry_does_not_wait_for_the_clock_to_come_round() {
    check(
        "
        at 2026-01-01T08:00Z
        add note: at 2026-01-01T08:30Z backoff 1m
        gateway note: retry, ok
        advance 30m
        clock -1d
        advance 2m
        ",
        expect![[""]],
    );
}
