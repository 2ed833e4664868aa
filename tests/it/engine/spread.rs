//! Several deliveries of one occurrence.

use expect_test::expect;

use super::check;

#[test]
fn each_delivery_goes_its_own_way_and_the_occurrence_waits_for_all() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h chat own hook fan
        runner news: to ada bob -
        gateway news: retry 20s, ok, ok, ok
        advance 1h
        show news
        advance 30s
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> to ada bob -
            2026-01-01T01:00:00Z send news/1 -> retry 20s
            2026-01-01T01:00:00Z send news/2
            2026-01-01T01:00:00Z send news/3
            2026-01-01T01:00:00Z show news: Active generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
            2026-01-01T01:00:20Z send news/1 due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T01:00:30Z show news: Active generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
        "#]],
    );
}

#[test]
fn its_record_names_the_deliveries_that_failed() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h chat own hook fan
        runner news: to ada bob -
        gateway news: permanent, ok, permanent
        advance 1h
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> to ada bob -
            2026-01-01T01:00:00Z send news/1 -> permanent
            2026-01-01T01:00:00Z send news/2
            2026-01-01T01:00:00Z send news/3 -> permanent
            2026-01-01T01:00:00Z failed(no) news/1 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z failed(no) news/3 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z failed(2 of 3 deliveries failed: console:ada: no; the schedule's destination: no) news due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z show news: Active generation 1 runs 1 failures 1 next 2026-01-01T02:00:00Z
        "#]],
    );
}

#[test]
fn one_that_may_be_lost_makes_the_occurrence_unknown() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h chat own delivery at_most_once hook fan
        runner news: to ada bob
        gateway news: ambiguous, ok
        advance 1h
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> to ada bob
            2026-01-01T01:00:00Z send news/1 -> ambiguous
            2026-01-01T01:00:00Z send news/2
            2026-01-01T01:00:00Z unknown(no) news/1 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z unknown(1 of 2 deliveries may be lost: console:ada: no) news due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn in_one_chat_they_keep_their_order() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add long: every 1h chat own hook parts
        runner long: to - - -
        gateway long: ok, retry 5s, ok, ok
        advance 1h
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run long -> to - - -
            2026-01-01T01:00:00Z send long/1
            2026-01-01T01:00:00Z send long/2 -> retry 5s
            2026-01-01T01:00:05Z send long/2 due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T01:00:05Z send long/3 due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn a_text_may_have_a_destination_of_its_own() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add none: every 1h chat none hook fan
        runner none: to ada, to ada -, to - -
        advance 3h
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run none -> to ada
            2026-01-01T01:00:00Z send none
            2026-01-01T02:00:00Z run none -> to ada -
            2026-01-01T02:00:00Z silent(the schedule has no destination) none/2 due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z send none/1
            2026-01-01T03:00:00Z run none -> to - -
            2026-01-01T03:00:00Z silent(the schedule has no destination) none/1 due 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z silent(the schedule has no destination) none/2 due 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z silent(the schedule has no destination) none due 2026-01-01T03:00:00Z
        "#]],
    );
}

#[test]
fn a_restart_goes_on_where_the_deliveries_are() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h chat own hook fan
        runner news: to ada bob cy
        gateway news: ok, hangs, retry 5m, ok, ok
        advance 1h
        down 10s
        advance 10m
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> to ada bob cy
            2026-01-01T01:00:00Z send news/1
            2026-01-01T01:00:00Z send news/2 -> hangs
            2026-01-01T01:00:00Z send news/3 -> retry 5m
            2026-01-01T01:00:10Z send news/2 due 2026-01-01T01:00:00Z
            2026-01-01T01:05:00Z send news/3 due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T01:10:10Z show news: Active generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
        "#]],
    );
}

#[test]
fn a_cancel_ends_what_is_not_sent_and_waits_for_what_is() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h chat own hook fan
        runner news: to ada bob cy
        gateway news: ok, hangs, retry 5m
        advance 1h
        cancel news
        answer news: ok
        advance 10m
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> to ada bob cy
            2026-01-01T01:00:00Z send news/1
            2026-01-01T01:00:00Z send news/2 -> hangs
            2026-01-01T01:00:00Z send news/3 -> retry 5m
            2026-01-01T01:00:00Z keep State of news: -
            2026-01-01T01:00:00Z keep Text of news: -
            2026-01-01T01:00:00Z cancelled news/3 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z cancelled news due 2026-01-01T01:00:00Z
            2026-01-01T01:10:00Z show news: Cancelled generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn an_edited_one_shot_is_not_sent_anew_where_some_of_it_was_taken() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add once: at 2026-01-01T01:00Z chat own hook fan
        runner once: to ada bob
        gateway once: ok, retry 5m
        advance 1h
        edit once: chat own hook fan
        advance 10m
        show once
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run once -> to ada bob
            2026-01-01T01:00:00Z send once/1
            2026-01-01T01:00:00Z send once/2 -> retry 5m
            2026-01-01T01:00:00Z cancelled once/2 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z cancelled once due 2026-01-01T01:00:00Z
            2026-01-01T01:10:00Z show once: Completed generation 2 runs 0 failures 0 next -
        "#]],
    );
}

#[test]
fn the_next_run_does_not_wait_for_deliveries() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1m chat own overlap skip hook fan
        runner news: to ada bob, to ada bob
        gateway news: ok, retry 150s, ok, ok, ok
        advance 1m
        advance 1m
        advance 3m
        "#,
        expect![[r#"
            2026-01-01T00:01:00Z run news -> to ada bob
            2026-01-01T00:01:00Z send news/1
            2026-01-01T00:01:00Z send news/2 -> retry 150s
            2026-01-01T00:02:00Z run news -> to ada bob
            2026-01-01T00:02:00Z send news/1
            2026-01-01T00:02:00Z send news/2
            2026-01-01T00:03:00Z run news
            2026-01-01T00:03:00Z send news
            2026-01-01T00:03:30Z send news/2 due 2026-01-01T00:01:00Z attempt 2
            2026-01-01T00:04:00Z run news
            2026-01-01T00:04:00Z send news
            2026-01-01T00:05:00Z run news
            2026-01-01T00:05:00Z send news
        "#]],
    );
}
