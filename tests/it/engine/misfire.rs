//! Dues, bounds, pauses and misfires.

use expect_test::expect;

use super::check;

#[test]
fn a_fixed_time_in_a_spring_gap_fires_after_the_gap() {
    check(
        r#"
        at 2026-03-28T12:00Z
        add digest: cron "30 2 * * *" tz Europe/Berlin
        advance 48h
        "#,
        expect![[r#"
            2026-03-29T01:00:00Z send digest
            2026-03-30T00:30:00Z send digest
        "#]],
    );
}

#[test]
fn an_interval_never_drifts_and_begins_after_one_period() {
    check(
        "
        at 2026-01-01T00:00Z
        add tick: every 20m
        advance 1h
        ",
        expect![[r#"
            2026-01-01T00:20:00Z send tick
            2026-01-01T00:40:00Z send tick
            2026-01-01T01:00:00Z send tick
        "#]],
    );
}

#[test]
fn a_one_shot_fires_once_and_is_over() {
    check(
        "
        at 2026-01-01T00:00Z
        add once: at 2026-01-01T02:00Z
        advance 3h
        show once
        run once
        cancel once
        cancel once
        run once
        ",
        expect![[r#"
            2026-01-01T02:00:00Z send once
            2026-01-01T03:00:00Z show once: Completed generation 1 runs 1 failures 0 next -
            2026-01-01T03:00:00Z send once
            2026-01-01T03:00:00Z unchanged
            2026-01-01T03:00:00Z refused: it has ended
        "#]],
    );
}

#[test]
fn bounds_begin_end_and_count() {
    check(
        "
        at 2026-01-01T00:00Z
        add few: every 1h max_runs 2
        add late: every 1h start 2026-01-01T02:30Z end 2026-01-01T04:30Z
        advance 8h
        show few
        show late
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send few
            2026-01-01T02:00:00Z send few
            2026-01-01T03:00:00Z send late
            2026-01-01T04:00:00Z send late
            2026-01-01T08:00:00Z show few: Completed generation 1 runs 2 failures 0 next -
            2026-01-01T08:00:00Z show late: Completed generation 1 runs 2 failures 0 next -
        "#]],
    );
}

#[test]
fn after_a_long_stop_one_run_for_the_latest_due() {
    check(
        "
        at 2026-01-01T00:00Z
        add minutely: every 1m
        advance 2m
        down 3h
        advance 1m
        ",
        expect![[r#"
            2026-01-01T00:01:00Z send minutely
            2026-01-01T00:02:00Z send minutely
            2026-01-01T03:02:00Z skip(Misfire) minutely due 2026-01-01T00:03:00Z..2026-01-01T03:01:00Z x179
            2026-01-01T03:02:00Z send minutely
            2026-01-01T03:03:00Z send minutely
        "#]],
    );
}

#[test]
fn the_misfire_policies_differ() {
    check(
        "
        at 2026-01-01T00:00Z
        add skips: every 1h misfire skip
        add catches: every 1h misfire fire_all window 150m
        add once: at 2026-01-01T01:30Z
        add forgotten: at 2026-01-01T01:30Z window 1h
        down 5h
        show skips
        show catches
        show forgotten
        ",
        expect![[r#"
            2026-01-01T05:00:00Z skip(Misfire) skips due 2026-01-01T01:00:00Z..2026-01-01T04:00:00Z x4
            2026-01-01T05:00:00Z skip(CatchupWindow) catches due 2026-01-01T01:00:00Z..2026-01-01T02:00:00Z x2
            2026-01-01T05:00:00Z skip(CatchupWindow) forgotten due 2026-01-01T01:30:00Z
            2026-01-01T05:00:00Z send catches due 2026-01-01T03:00:00Z
            2026-01-01T05:00:00Z send catches due 2026-01-01T04:00:00Z
            2026-01-01T05:00:00Z send catches
            2026-01-01T05:00:00Z send once due 2026-01-01T01:30:00Z
            2026-01-01T05:00:00Z show skips: Active generation 1 runs 0 failures 0 next 2026-01-01T05:00:00Z
            2026-01-01T05:00:00Z show catches: Active generation 1 runs 3 failures 0 next 2026-01-01T06:00:00Z
            2026-01-01T05:00:00Z show forgotten: Completed generation 1 runs 0 failures 0 next -
        "#]],
    );
}

#[test]
fn ten_years_down_is_one_record() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add minutely: cron "* * * * *"
        down 3652d
        advance 1m
        "#,
        expect![[r#"
            2036-01-01T00:00:00Z skip(Misfire) minutely due 2026-01-01T00:01:00Z..2035-12-31T23:59:00Z x5258879
            2036-01-01T00:00:00Z send minutely
            2036-01-01T00:01:00Z send minutely
        "#]],
    );
}

#[test]
fn a_short_restart_is_no_misfire() {
    check(
        "
        at 2026-01-01T00:00Z
        add skips: every 1s misfire skip
        advance 500ms
        down 900ms
        ",
        expect![[r#"
            2026-01-01T00:00:01.400Z send skips due 2026-01-01T00:00:01Z
        "#]],
    );
}

#[test]
fn paused_time_is_not_missed_time() {
    check(
        "
        at 2026-01-01T00:00Z
        add hourly: every 1h
        advance 90m
        pause hourly
        pause hourly
        advance 3h
        down 1h
        resume hourly
        show hourly
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send hourly
            2026-01-01T01:30:00Z unchanged
            2026-01-01T05:30:00Z skip(Paused) hourly due 2026-01-01T02:00:00Z..2026-01-01T05:00:00Z x4
            2026-01-01T05:30:00Z show hourly: Active generation 1 runs 1 failures 0 next 2026-01-01T06:00:00Z
            2026-01-01T06:00:00Z send hourly
        "#]],
    );
}

#[test]
fn a_pause_across_the_only_due_ends_it() {
    check(
        "
        at 2026-01-01T00:00Z
        add once: at 2026-01-01T01:00Z
        pause once
        advance 2h
        resume once
        show once
        ",
        expect![[r#"
            2026-01-01T02:00:00Z skip(Paused) once due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z show once: Completed generation 1 runs 0 failures 0 next -
        "#]],
    );
}

#[test]
fn a_time_that_had_passed_when_declared_is_recorded() {
    check(
        "
        at 2026-01-01T12:00Z
        add-past late: at 2026-01-01T09:00Z
        show late
        advance 1h
        ",
        expect![[r#"
            2026-01-01T12:00:00Z skip(Past) late due 2026-01-01T09:00:00Z
            2026-01-01T12:00:00Z show late: Completed generation 1 runs 0 failures 0 next -
        "#]],
    );
}

#[test]
fn jitter_moves_the_send_and_not_the_due() {
    check(
        "
        at 2026-01-01T00:00Z
        add spread: every 1h jitter 10m
        advance 2h
        down 1s
        advance 1h
        ",
        expect![[r#"
            2026-01-01T01:01:23.068Z send spread due 2026-01-01T01:00:00Z
            2026-01-01T02:00:17.370Z send spread due 2026-01-01T02:00:00Z
        "#]],
    );
}

#[test]
fn without_a_destination_the_run_is_only_recorded() {
    check(
        "
        at 2026-01-01T00:00Z
        add quiet: every 1h chat none max_runs 1
        advance 1h
        show quiet
        ",
        expect![[r#"
            2026-01-01T01:00:00Z silent(the schedule has no destination) quiet due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z show quiet: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_one_shot_accepted_a_little_late_fires_at_once_whatever_its_policy() {
    check(
        "
        at 2026-01-01T12:00Z
        add late: at 2026-01-01T11:59:20Z misfire skip
        show late
        advance 1h
        ",
        expect![[r#"
            2026-01-01T12:00:00Z send late due 2026-01-01T11:59:20Z
            2026-01-01T12:00:00Z show late: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}
