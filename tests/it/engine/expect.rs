//! The owner is told when no run has succeeded for too long.

use expect_test::expect;

use super::check;

#[test]
fn it_is_told_once_and_again_only_after_a_success() {
    check(
        "
        at 2026-01-01T00:00Z
        add mail: every 1h expect 150m attempts 1
        gateway mail: ok, permanent, permanent, ok, permanent, permanent, ok, permanent, permanent, permanent, ok
        advance 12h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send mail
            2026-01-01T02:00:00Z send mail -> permanent
            2026-01-01T02:00:00Z failed(no) mail due 2026-01-01T02:00:00Z
            2026-01-01T03:00:00Z send mail -> permanent
            2026-01-01T03:00:00Z failed(no) mail due 2026-01-01T03:00:00Z
            2026-01-01T03:30:00Z tell mail
            2026-01-01T04:00:00Z send mail -> permanent
            2026-01-01T04:00:00Z failed(no) mail due 2026-01-01T04:00:00Z
            2026-01-01T05:00:00Z send mail -> permanent
            2026-01-01T05:00:00Z failed(no) mail due 2026-01-01T05:00:00Z
            2026-01-01T06:00:00Z send mail
            2026-01-01T07:00:00Z send mail -> permanent
            2026-01-01T07:00:00Z failed(no) mail due 2026-01-01T07:00:00Z
            2026-01-01T08:00:00Z send mail -> permanent
            2026-01-01T08:00:00Z failed(no) mail due 2026-01-01T08:00:00Z
            2026-01-01T08:30:00Z tell mail -> permanent
            2026-01-01T08:30:00Z failed(no) mail due 2026-01-01T08:30:00Z
            2026-01-01T09:00:00Z send mail
            2026-01-01T10:00:00Z send mail
            2026-01-01T11:00:00Z send mail
            2026-01-01T12:00:00Z send mail
        "#]],
    );
}

#[test]
fn silence_is_a_success_and_so_is_a_run_by_hand() {
    check(
        "
        at 2026-01-01T00:00Z
        add quiet: every 12h chat none expect 13h
        add weekly: cron \"0 0 9 ? * MON\" expect 1d
        advance 12h
        run weekly
        advance 23h
        run weekly
        advance 25h
        ",
        expect![[r#"
            2026-01-01T12:00:00Z silent(the schedule has no destination) quiet due 2026-01-01T12:00:00Z
            2026-01-01T12:00:00Z send weekly
            2026-01-02T00:00:00Z silent(the schedule has no destination) quiet due 2026-01-02T00:00:00Z
            2026-01-02T11:00:00Z send weekly
            2026-01-02T12:00:00Z silent(the schedule has no destination) quiet due 2026-01-02T12:00:00Z
            2026-01-03T00:00:00Z silent(the schedule has no destination) quiet due 2026-01-03T00:00:00Z
            2026-01-03T11:00:00Z tell weekly
            2026-01-03T12:00:00Z silent(the schedule has no destination) quiet due 2026-01-03T12:00:00Z
        "#]],
    );
}

#[test]
fn nothing_is_expected_while_it_is_paused_and_a_resume_begins_anew() {
    check(
        "
        at 2026-01-01T00:00Z
        add mail: every 1h expect 150m pause_after 2 attempts 1
        gateway mail: permanent, permanent, ok, permanent, permanent
        advance 10h
        resume mail
        advance 1h
        show mail
        pause mail
        advance 10h
        resume mail
        advance 150m
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send mail -> permanent
            2026-01-01T01:00:00Z failed(no) mail due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send mail -> permanent
            2026-01-01T02:00:00Z failed(no) mail due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z tell mail due 2026-01-01T01:59:59.999Z
            2026-01-01T10:00:00Z skip(Paused) mail due 2026-01-01T03:00:00Z..2026-01-01T10:00:00Z x8
            2026-01-01T11:00:00Z send mail -> permanent
            2026-01-01T11:00:00Z failed(no) mail due 2026-01-01T11:00:00Z
            2026-01-01T11:00:00Z show mail: Active generation 1 runs 3 failures 1 next 2026-01-01T12:00:00Z
            2026-01-01T21:00:00Z skip(Paused) mail due 2026-01-01T12:00:00Z..2026-01-01T21:00:00Z x10
            2026-01-01T22:00:00Z send mail -> permanent
            2026-01-01T22:00:00Z failed(no) mail due 2026-01-01T22:00:00Z
            2026-01-01T23:00:00Z send mail
        "#]],
    );
}

#[test]
fn a_restart_forgets_neither_the_wait_nor_that_it_was_told() {
    check(
        "
        at 2026-01-01T00:00Z
        add mail: cron \"0 0 9 ? * MON\" expect 2h
        advance 1h
        down 30m
        advance 29m
        advance 1m
        down 1m
        advance 10h
        run mail
        down 119m
        advance 1m
        ",
        expect![[r#"
            2026-01-01T02:00:00Z tell mail
            2026-01-01T12:01:00Z send mail
            2026-01-01T14:01:00Z tell mail
        "#]],
    );
}

#[test]
fn what_another_schedule_starts_can_be_expected_too() {
    check(
        "
        at 2026-01-01T00:00Z
        add fetch: every 1h
        add report: after 1 ends failed expect 90m
        gateway fetch: ok, permanent, ok
        advance 4h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send fetch
            2026-01-01T01:30:00Z tell report
            2026-01-01T02:00:00Z send fetch -> permanent
            2026-01-01T02:00:00Z failed(no) fetch due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z send report
            2026-01-01T03:00:00Z send fetch
            2026-01-01T03:30:00Z tell report
            2026-01-01T04:00:00Z send fetch
        "#]],
    );
}

#[test]
fn it_begins_with_its_bounds_and_ends_with_the_schedule() {
    check(
        "
        at 2026-01-01T00:00Z
        add late: every 1d start 2026-01-03T00:00Z expect 25h attempts 1
        add short: cron \"0 0 9 ? * MON\" expect 2h end 2026-01-01T01:00Z
        add gone: cron \"0 0 9 ? * MON\" expect 2h
        gateway late: permanent, permanent, ok
        advance 1h
        cancel gone
        advance 4d
        ",
        expect![[r#"
            2026-01-03T00:00:00Z send late -> permanent
            2026-01-03T00:00:00Z failed(no) late due 2026-01-03T00:00:00Z
            2026-01-04T00:00:00Z send late -> permanent
            2026-01-04T00:00:00Z failed(no) late due 2026-01-04T00:00:00Z
            2026-01-04T01:00:00Z tell late
            2026-01-05T00:00:00Z send late
        "#]],
    );
}

#[test]
fn an_edit_that_moves_the_begin_moves_the_wait() {
    check(
        "
        at 2026-01-01T00:00Z
        add mail: every 1h expect 90m
        advance 5m
        update mail: every 1h start 2026-01-02T00:00Z expect 90m
        advance 24h
        ",
        expect![[r#"
            2026-01-02T00:05:00Z send mail
        "#]],
    );
}

#[test]
fn an_edit_elsewhere_lets_it_wait_and_another_span_begins_anew() {
    check(
        "
        at 2026-01-01T00:00Z
        add mail: cron \"0 0 9 ? * MON\" expect 2h
        advance 1h
        edit mail: expect 2h
        advance 1h
        edit mail: expect 2h
        advance 10h
        edit mail: expect 3h
        advance 3h
        edit mail:
        advance 10h
        ",
        expect![[r#"
            2026-01-01T02:00:00Z tell mail
            2026-01-01T15:00:00Z tell mail
        "#]],
    );
}

#[test]
fn a_clock_that_was_wrong_neither_hastens_nor_forgets_it() {
    check(
        "
        at 2026-01-10T00:00Z
        add mail: cron \"0 0 9 ? * MON\" expect 2h
        advance 1h
        clock -9d
        advance 119m
        advance 1m
        down -10h
        advance 10h
        ",
        expect![[r#"
            2026-01-01T03:00:00Z tell mail
        "#]],
    );
}
