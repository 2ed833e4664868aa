//! What hooks say besides texts: nothing to send, not today, when to be due next, what to keep, what to tell the owner.

use expect_test::expect;

use super::check;

#[test]
fn a_hook_makes_a_run_silent_or_holds_it_back() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h hook quiet
        runner news: silent, gate, ok, permanent, silent
        advance 5h
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> silent
            2026-01-01T01:00:00Z silent(nothing new) news due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z run news -> gate
            2026-01-01T02:00:00Z skip(hook: not today) news due 2026-01-01T02:00:00Z
            2026-01-01T03:00:00Z run news
            2026-01-01T03:00:00Z send news
            2026-01-01T04:00:00Z run news -> permanent
            2026-01-01T04:00:00Z failed(no) news due 2026-01-01T04:00:00Z
            2026-01-01T05:00:00Z run news -> silent
            2026-01-01T05:00:00Z silent(nothing new) news due 2026-01-01T05:00:00Z
            2026-01-01T05:00:00Z show news: Active generation 1 runs 5 failures 0 next 2026-01-01T06:00:00Z
        "#]],
    );
}

#[test]
fn a_template_goes_the_way_of_a_task() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add greet: every 1h overlap skip template "hello ${fire.weekday}"
        runner greet: retry, ok 90m
        advance 150m
        down 1m
        advance 1m
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run greet -> retry
            2026-01-01T01:00:01Z run greet due 2026-01-01T01:00:00Z attempt 2 -> ok 90m
            2026-01-01T02:00:00Z skip(Overlap) greet due 2026-01-01T02:00:00Z
            2026-01-01T02:31:00Z run greet due 2026-01-01T01:00:00Z attempt 3
            2026-01-01T02:31:00Z send greet due 2026-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn models_that_hang_hold_up_no_script() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add slow: every 1h overlap allow_all task sum provider busy
        add quick: every 1h template "hello"
        runner slow: hangs, hangs, hangs, hangs, hangs, hangs
        advance 6h
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run quick
            2026-01-01T01:00:00Z run slow -> hangs
            2026-01-01T01:00:00Z send quick
            2026-01-01T02:00:00Z run quick
            2026-01-01T02:00:00Z run slow -> hangs
            2026-01-01T02:00:00Z send quick
            2026-01-01T03:00:00Z run quick
            2026-01-01T03:00:00Z run slow -> hangs
            2026-01-01T03:00:00Z send quick
            2026-01-01T04:00:00Z run quick
            2026-01-01T04:00:00Z run slow -> hangs
            2026-01-01T04:00:00Z send quick
            2026-01-01T05:00:00Z run quick
            2026-01-01T05:00:00Z send quick
            2026-01-01T06:00:00Z run quick
            2026-01-01T06:00:00Z send quick
        "#]],
    );
}

#[test]
fn a_wish_moves_the_next_due_and_the_trigger_goes_on_from_it() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add pace: every 1h hook pace
        add cron: cron "0 * * * *" hook pace
        runner pace: ok + next 10m, ok + next 3h
        runner cron: ok + next 10m, ok + next 3h
        advance 6h
        show pace
        show cron
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run pace -> ok + next 10m
            2026-01-01T01:00:00Z run cron -> ok + next 10m
            2026-01-01T01:00:00Z send pace
            2026-01-01T01:00:00Z send cron
            2026-01-01T01:10:00Z run pace -> ok + next 3h
            2026-01-01T01:10:00Z run cron -> ok + next 3h
            2026-01-01T01:10:00Z send pace
            2026-01-01T01:10:00Z send cron
            2026-01-01T04:10:00Z run pace
            2026-01-01T04:10:00Z run cron
            2026-01-01T04:10:00Z send pace
            2026-01-01T04:10:00Z send cron
            2026-01-01T05:00:00Z run cron
            2026-01-01T05:00:00Z send cron
            2026-01-01T05:10:00Z run pace
            2026-01-01T05:10:00Z send pace
            2026-01-01T06:00:00Z run cron
            2026-01-01T06:00:00Z send cron
            2026-01-01T06:00:00Z show pace: Active generation 1 runs 4 failures 0 next 2026-01-01T06:10:00Z
            2026-01-01T06:00:00Z show cron: Active generation 1 runs 5 failures 0 next 2026-01-01T07:00:00Z
        "#]],
    );
}

#[test]
fn a_wish_stays_within_bounds() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add past: every 1h hook pace
        runner past: ok 1m + next 2020-01-01T00:00Z
        add ends: every 1h end 2026-01-01T05:00Z hook pace
        runner ends: ok + next 6h
        add most: every 1h max_runs 1 hook pace
        runner most: ok + next 10m
        add night: every 1h except 02:00-05:00 hook pace
        runner night: ok + next 90m
        advance 3h
        show past
        show ends
        show most
        show night
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run past -> ok 1m + next 2020-01-01T00:00Z
            2026-01-01T01:00:00Z run ends -> ok + next 6h
            2026-01-01T01:00:00Z run most -> ok + next 10m
            2026-01-01T01:00:00Z run night -> ok + next 90m
            2026-01-01T01:00:00Z send ends
            2026-01-01T01:00:00Z send most
            2026-01-01T01:00:00Z send night
            2026-01-01T01:01:00Z send past due 2026-01-01T01:00:00Z
            2026-01-01T01:01:01Z run past
            2026-01-01T01:01:01Z send past
            2026-01-01T02:01:01Z run past
            2026-01-01T02:01:01Z send past
            2026-01-01T03:00:00Z show past: Active generation 1 runs 3 failures 0 next 2026-01-01T03:01:01Z
            2026-01-01T03:00:00Z show ends: Completed generation 1 runs 1 failures 0 next -
            2026-01-01T03:00:00Z show most: Completed generation 1 runs 1 failures 0 next -
            2026-01-01T03:00:00Z show night: Active generation 1 runs 1 failures 0 next 2026-01-01T02:30:00Z
        "#]],
    );
}

#[test]
fn only_a_due_run_of_the_wording_that_holds_may_wish() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add byhand: every 1h hook pace
        runner byhand: ok + next 10m
        run byhand
        add edited: every 1h hook pace
        runner edited: ok 5m + next 10m
        add paused: every 1h hook pace
        runner paused: ok 5m + next 10m
        advance 61m
        update edited:
        pause paused
        advance 5m
        show byhand
        show edited
        show paused
        "#,
        expect![[r#"
            2026-01-01T00:00:00Z run byhand due 2025-12-31T23:59:59.999Z -> ok + next 10m
            2026-01-01T00:00:00Z send byhand due 2025-12-31T23:59:59.999Z
            2026-01-01T01:00:00Z run byhand
            2026-01-01T01:00:00Z run edited -> ok 5m + next 10m
            2026-01-01T01:00:00Z run paused -> ok 5m + next 10m
            2026-01-01T01:00:00Z send byhand
            2026-01-01T01:01:00Z cancelled edited due 2026-01-01T01:00:00Z
            2026-01-01T01:01:00Z end edited due 2026-01-01T01:00:00Z
            2026-01-01T01:05:00Z send paused due 2026-01-01T01:00:00Z
            2026-01-01T01:06:00Z show byhand: Active generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
            2026-01-01T01:06:00Z show edited: Active generation 2 runs 1 failures 0 next 2026-01-01T02:00:00Z
            2026-01-01T01:06:00Z show paused: Paused generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
        "#]],
    );
}

#[test]
fn a_wished_due_is_missed_like_any_other() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add cron: cron "0 0 * * *" misfire fire_all hook pace
        runner cron: ok + next 90m
        advance 25h
        down 24h
        advance 1m
        show cron
        "#,
        expect![[r#"
            2026-01-02T00:00:00Z run cron -> ok + next 90m
            2026-01-02T00:00:00Z send cron
            2026-01-03T01:00:00Z skip(Overlap) cron due 2026-01-03T00:00:00Z
            2026-01-03T01:00:00Z run cron due 2026-01-02T01:30:00Z
            2026-01-03T01:00:00Z send cron due 2026-01-02T01:30:00Z
            2026-01-03T01:01:00Z show cron: Active generation 1 runs 2 failures 0 next 2026-01-04T00:00:00Z
        "#]],
    );
}

#[test]
fn what_a_hook_keeps_is_written_with_the_end_of_its_run_only() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h hook keeper
        runner news: retry + keep {"n":1}, ok + keep {"n":2} + text hello, silent + keep {"n":3} + note seen
        advance 2h
        advance 1m
        cancel news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> retry + keep {"n":1}
            2026-01-01T01:00:01Z run news due 2026-01-01T01:00:00Z attempt 2 -> ok + keep {"n":2} + text hello
            2026-01-01T01:00:01Z keep State of news: {"n":2}
            2026-01-01T01:00:01Z keep Text of news: 1767229201000 hello
            2026-01-01T01:00:01Z send news due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z run news -> silent + keep {"n":3} + note seen
            2026-01-01T02:00:00Z silent(nothing new) news due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z keep State of news: {"n":3}
            2026-01-01T02:01:00Z keep State of news: -
            2026-01-01T02:01:00Z keep Text of news: -
        "#]],
    );
}

#[test]
fn the_owner_is_told_by_a_notice_of_its_own() {
    check(
        r#"
        at 2026-01-01T00:00Z
        add news: every 1h chat owner hook loud
        runner news: silent + tell look, ok, permanent + tell broken
        gateway news: retry 30s, ok
        advance 3h
        show news
        "#,
        expect![[r#"
            2026-01-01T01:00:00Z run news -> silent + tell look
            2026-01-01T01:00:00Z silent(nothing new) news due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z tell news due 2026-01-01T00:59:59.999Z -> retry 30s
            2026-01-01T01:00:30Z tell news due 2026-01-01T00:59:59.999Z attempt 2
            2026-01-01T02:00:00Z run news
            2026-01-01T02:00:00Z send news
            2026-01-01T03:00:00Z run news -> permanent + tell broken
            2026-01-01T03:00:00Z failed(no) news due 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z tell news due 2026-01-01T02:59:59.999Z
            2026-01-01T03:00:00Z show news: Active generation 1 runs 3 failures 1 next 2026-01-01T04:00:00Z
        "#]],
    );
}
