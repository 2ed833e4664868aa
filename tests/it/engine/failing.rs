//! Failures in a row: the schedule pauses itself, the owner hears of it once, a resume begins anew.

use expect_test::expect;

use super::check;

#[test]
fn a_bot_that_was_thrown_out_of_its_chat_stops_trying_and_says_so_once() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h pause_after 3
        gateway note: permanent, permanent, permanent, ok
        advance 2h
        show note
        advance 4h
        show note
        resume note
        show note
        advance 1h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z show note: Active generation 1 runs 2 failures 2 next 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z send note -> permanent
            2026-01-01T03:00:00Z failed(no) note due 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z tell note due 2026-01-01T02:59:59.999Z
            2026-01-01T06:00:00Z show note: Failing generation 1 runs 3 failures 3 next 2026-01-01T04:00:00Z
            2026-01-01T06:00:00Z skip(Paused) note due 2026-01-01T04:00:00Z..2026-01-01T06:00:00Z x3
            2026-01-01T06:00:00Z show note: Active generation 1 runs 3 failures 0 next 2026-01-01T07:00:00Z
            2026-01-01T07:00:00Z send note
            2026-01-01T07:00:00Z show note: Active generation 1 runs 4 failures 0 next 2026-01-01T08:00:00Z
        "#]],
    );
}

#[test]
fn a_success_in_between_begins_the_count_anew() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h pause_after 3
        gateway note: permanent, permanent, ok, permanent, permanent, ok
        advance 6h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T02:00:00Z
            2026-01-01T03:00:00Z send note
            2026-01-01T04:00:00Z send note -> permanent
            2026-01-01T04:00:00Z failed(no) note due 2026-01-01T04:00:00Z
            2026-01-01T05:00:00Z send note -> permanent
            2026-01-01T05:00:00Z failed(no) note due 2026-01-01T05:00:00Z
            2026-01-01T06:00:00Z send note
            2026-01-01T06:00:00Z show note: Active generation 1 runs 6 failures 0 next 2026-01-01T07:00:00Z
        "#]],
    );
}

#[test]
fn the_count_survives_a_restart_and_so_does_the_pause() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h pause_after 3
        gateway note: permanent, permanent, permanent, hangs
        advance 2h
        down 30m
        show note
        advance 30m
        down 1m
        show note
        advance 3h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T02:00:00Z
            2026-01-01T02:30:00Z show note: Active generation 1 runs 2 failures 2 next 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z send note -> permanent
            2026-01-01T03:00:00Z failed(no) note due 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z tell note due 2026-01-01T02:59:59.999Z -> hangs
            2026-01-01T03:01:00Z tell note due 2026-01-01T02:59:59.999Z
            2026-01-01T03:01:00Z show note: Failing generation 1 runs 3 failures 3 next 2026-01-01T04:00:00Z
            2026-01-01T06:01:00Z show note: Failing generation 1 runs 3 failures 3 next 2026-01-01T04:00:00Z
        "#]],
    );
}

#[test]
fn the_telling_is_more_patient_than_the_schedule_and_a_resume_withdraws_it() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h pause_after 1 attempts 1 backoff 10m
        gateway note: retry, retry, retry, retry, ok
        advance 90m
        resume note
        advance 1h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z tell note due 2026-01-01T00:59:59.999Z -> retry
            2026-01-01T01:10:00Z tell note due 2026-01-01T00:59:59.999Z attempt 2 -> retry
            2026-01-01T01:23:03.843Z tell note due 2026-01-01T00:59:59.999Z attempt 3 -> retry
            2026-01-01T01:30:00Z cancelled note due 2026-01-01T00:59:59.999Z
            2026-01-01T02:00:00Z send note
            2026-01-01T02:30:00Z show note: Active generation 1 runs 2 failures 0 next 2026-01-01T03:00:00Z
        "#]],
    );
}

#[test]
fn ten_failures_are_borne_unless_a_schedule_says_otherwise_and_0_means_never() {
    check(
        "
        at 2026-01-01T00:00Z
        add usual: every 1h
        add stubborn: every 1h pause_after 0
        gateway usual: permanent, permanent, permanent, permanent, permanent, permanent, permanent, permanent, permanent, permanent
        gateway stubborn: permanent, permanent, permanent, permanent, permanent, permanent, permanent, permanent, permanent, permanent, permanent
        advance 9h
        show usual
        advance 2h
        show usual
        show stubborn
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send usual -> permanent
            2026-01-01T01:00:00Z send stubborn -> permanent
            2026-01-01T01:00:00Z failed(no) usual due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z failed(no) stubborn due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send usual -> permanent
            2026-01-01T02:00:00Z send stubborn -> permanent
            2026-01-01T02:00:00Z failed(no) usual due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z failed(no) stubborn due 2026-01-01T02:00:00Z
            2026-01-01T03:00:00Z send usual -> permanent
            2026-01-01T03:00:00Z send stubborn -> permanent
            2026-01-01T03:00:00Z failed(no) usual due 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z failed(no) stubborn due 2026-01-01T03:00:00Z
            2026-01-01T04:00:00Z send usual -> permanent
            2026-01-01T04:00:00Z send stubborn -> permanent
            2026-01-01T04:00:00Z failed(no) usual due 2026-01-01T04:00:00Z
            2026-01-01T04:00:00Z failed(no) stubborn due 2026-01-01T04:00:00Z
            2026-01-01T05:00:00Z send usual -> permanent
            2026-01-01T05:00:00Z send stubborn -> permanent
            2026-01-01T05:00:00Z failed(no) usual due 2026-01-01T05:00:00Z
            2026-01-01T05:00:00Z failed(no) stubborn due 2026-01-01T05:00:00Z
            2026-01-01T06:00:00Z send usual -> permanent
            2026-01-01T06:00:00Z send stubborn -> permanent
            2026-01-01T06:00:00Z failed(no) usual due 2026-01-01T06:00:00Z
            2026-01-01T06:00:00Z failed(no) stubborn due 2026-01-01T06:00:00Z
            2026-01-01T07:00:00Z send usual -> permanent
            2026-01-01T07:00:00Z send stubborn -> permanent
            2026-01-01T07:00:00Z failed(no) usual due 2026-01-01T07:00:00Z
            2026-01-01T07:00:00Z failed(no) stubborn due 2026-01-01T07:00:00Z
            2026-01-01T08:00:00Z send usual -> permanent
            2026-01-01T08:00:00Z send stubborn -> permanent
            2026-01-01T08:00:00Z failed(no) usual due 2026-01-01T08:00:00Z
            2026-01-01T08:00:00Z failed(no) stubborn due 2026-01-01T08:00:00Z
            2026-01-01T09:00:00Z send usual -> permanent
            2026-01-01T09:00:00Z send stubborn -> permanent
            2026-01-01T09:00:00Z failed(no) usual due 2026-01-01T09:00:00Z
            2026-01-01T09:00:00Z failed(no) stubborn due 2026-01-01T09:00:00Z
            2026-01-01T09:00:00Z show usual: Active generation 1 runs 9 failures 9 next 2026-01-01T10:00:00Z
            2026-01-01T10:00:00Z send usual -> permanent
            2026-01-01T10:00:00Z send stubborn -> permanent
            2026-01-01T10:00:00Z failed(no) usual due 2026-01-01T10:00:00Z
            2026-01-01T10:00:00Z failed(no) stubborn due 2026-01-01T10:00:00Z
            2026-01-01T10:00:00Z tell usual due 2026-01-01T09:59:59.999Z
            2026-01-01T11:00:00Z send stubborn -> permanent
            2026-01-01T11:00:00Z failed(no) stubborn due 2026-01-01T11:00:00Z
            2026-01-01T11:00:00Z show usual: Failing generation 1 runs 10 failures 10 next 2026-01-01T11:00:00Z
            2026-01-01T11:00:00Z show stubborn: Active generation 1 runs 11 failures 11 next 2026-01-01T12:00:00Z
        "#]],
    );
}

#[test]
fn a_one_shot_has_nothing_to_pause() {
    check(
        "
        at 2026-01-01T00:00Z
        add once: at 2026-01-01T01:00Z pause_after 1
        gateway once: permanent
        advance 2h
        show once
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send once -> permanent
            2026-01-01T01:00:00Z failed(no) once due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z show once: Completed generation 1 runs 1 failures 1 next -
        "#]],
    );
}

#[test]
fn an_edit_that_resumes_begins_the_count_anew_and_one_that_does_not_leaves_it_paused() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h pause_after 2
        gateway note: permanent, permanent, ok, permanent, ok
        advance 150m
        edit note: pause_after 2
        show note
        edit note: pause_after 2 active
        advance 1h
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z tell note due 2026-01-01T01:59:59.999Z
            2026-01-01T02:30:00Z show note: Failing generation 2 runs 2 failures 2 next 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z send note -> permanent
            2026-01-01T03:00:00Z failed(no) note due 2026-01-01T03:00:00Z
            2026-01-01T03:30:00Z show note: Active generation 3 runs 3 failures 1 next 2026-01-01T04:00:00Z
        "#]],
    );
}

#[test]
fn what_was_excluded_before_the_pause_is_not_skipped_for_it() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add note: cron "0 * * * *" except "00:00-06:00" pause_after 1
        gateway note: permanent, ok
        advance 150m
        run note
        advance 4h
        resume note
        show note
        "#,
        expect![[r#"
            2026-01-01T02:30:00Z send note -> permanent
            2026-01-01T02:30:00Z failed(no) note due 2026-01-01T02:30:00Z
            2026-01-01T02:30:00Z skip(Except) note due 2026-01-01T01:00:00Z..2026-01-01T02:00:00Z x2
            2026-01-01T02:30:00Z tell note due 2026-01-01T02:29:59.999Z
            2026-01-01T06:30:00Z skip(Paused) note due 2026-01-01T03:00:00Z..2026-01-01T06:00:00Z x4
            2026-01-01T06:30:00Z show note: Active generation 1 runs 0 failures 0 next 2026-01-01T07:00:00Z
        "#]],
    );
}
