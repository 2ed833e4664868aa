//! Runs that take time, and the dues that come while they do: each policy when the run ends late, fails, is cut off by a
//! kill, and when its schedule is cancelled, paused or edited meanwhile.
//!
//! A due comes every ten seconds, from ten seconds after midnight on, and three of them may run.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::world;

/// Plays a scenario under each policy.
fn check_each(scenario: &str, expect: Expect) {
    let mut log = String::new();
    for policy in ["skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"] {
        let news = format!("add news: every 10s overlap {policy} max_runs 3 backoff 2s attempts 3 task sum");
        let scenario = scenario.replace("POLICY", policy);
        let played = world::play(&format!("at 2026-01-01T00:00Z\n{news}\n{scenario}\nshow news"));
        write!(log, "{policy}\n{}", played.replace("2026-01-01T00:", "")).unwrap();
    }
    expect.assert_eq(&log);
}

#[test]
fn a_run_that_ends_late() {
    check_each(
        "
        runner news: ok 25s, ok 1s
        advance 2m
        ",
        expect![[r#"
            skip
            00:10Z run news -> ok 25s
            00:20Z skip(Overlap) news due 00:20Z
            00:30Z skip(Overlap) news due 00:30Z
            00:35Z send news due 00:10Z
            00:40Z run news -> ok 1s
            00:41Z send news due 00:40Z
            00:50Z run news
            00:50Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            buffer_one
            00:10Z run news -> ok 25s
            00:30Z skip(Overlap) news due 00:30Z
            00:35Z send news due 00:10Z
            00:35Z run news due 00:20Z -> ok 1s
            00:36Z send news due 00:20Z
            00:40Z run news
            00:40Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            buffer_all
            00:10Z run news -> ok 25s
            00:35Z send news due 00:10Z
            00:35Z run news due 00:20Z -> ok 1s
            00:36Z send news due 00:20Z
            00:36Z run news due 00:30Z
            00:36Z send news due 00:30Z
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            cancel_other
            00:10Z run news -> ok 25s
            00:20Z displaced news due 00:10Z
            00:20Z end news due 00:10Z
            00:20Z run news -> ok 1s
            00:21Z send news due 00:20Z
            00:30Z run news
            00:30Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            allow_all
            00:10Z run news -> ok 25s
            00:20Z run news -> ok 1s
            00:21Z send news due 00:20Z
            00:30Z run news
            00:30Z send news
            00:35Z send news due 00:10Z
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
        "#]],
    );
}

/// What waits to be run again is not over.
#[test]
fn a_run_that_fails_and_waits_to_be_run_again() {
    check_each(
        "
        runner news: retry 3s, retry-after 12s, ok 1s
        advance 2m
        ",
        expect![[r#"
            skip
            00:10Z run news -> retry 3s
            00:15Z run news due 00:10Z attempt 2 -> retry-after 12s
            00:20Z skip(Overlap) news due 00:20Z
            00:27Z run news due 00:10Z attempt 3 -> ok 1s
            00:28Z send news due 00:10Z
            00:30Z run news
            00:30Z send news
            00:40Z run news
            00:40Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            buffer_one
            00:10Z run news -> retry 3s
            00:15Z run news due 00:10Z attempt 2 -> retry-after 12s
            00:27Z run news due 00:10Z attempt 3 -> ok 1s
            00:28Z send news due 00:10Z
            00:28Z run news due 00:20Z
            00:28Z send news due 00:20Z
            00:30Z run news
            00:30Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            buffer_all
            00:10Z run news -> retry 3s
            00:15Z run news due 00:10Z attempt 2 -> retry-after 12s
            00:27Z run news due 00:10Z attempt 3 -> ok 1s
            00:28Z send news due 00:10Z
            00:28Z run news due 00:20Z
            00:28Z send news due 00:20Z
            00:30Z run news
            00:30Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            cancel_other
            00:10Z run news -> retry 3s
            00:15Z run news due 00:10Z attempt 2 -> retry-after 12s
            00:20Z displaced news due 00:10Z
            00:20Z run news -> ok 1s
            00:21Z send news due 00:20Z
            00:30Z run news
            00:30Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
            allow_all
            00:10Z run news -> retry 3s
            00:15Z run news due 00:10Z attempt 2 -> retry-after 12s
            00:20Z run news -> ok 1s
            00:21Z send news due 00:20Z
            00:27Z run news due 00:10Z attempt 3
            00:27Z send news due 00:10Z
            00:30Z run news
            00:30Z send news
            02:00Z show news: Completed generation 1 runs 3 failures 0 next -
        "#]],
    );
}

/// The attempt that was cut off counts.
#[test]
fn a_process_that_is_killed_during_a_run() {
    check_each(
        "
        runner news: hangs, hangs, ok 25s
        advance 25s
        down 3s
        advance 2m
        ",
        expect![[r#"
            skip
            00:10Z run news -> hangs
            00:20Z skip(Overlap) news due 00:20Z
            00:28Z run news due 00:10Z attempt 2 -> hangs
            00:30Z skip(Overlap) news due 00:30Z
            00:40Z skip(Overlap) news due 00:40Z
            00:50Z skip(Overlap) news due 00:50Z
            01:00Z skip(Overlap) news due 01:00Z
            01:10Z skip(Overlap) news due 01:10Z
            01:20Z skip(Overlap) news due 01:20Z
            01:30Z skip(Overlap) news due 01:30Z
            01:40Z skip(Overlap) news due 01:40Z
            01:50Z skip(Overlap) news due 01:50Z
            02:00Z skip(Overlap) news due 02:00Z
            02:10Z skip(Overlap) news due 02:10Z
            02:20Z skip(Overlap) news due 02:20Z
            02:28Z show news: Active generation 1 runs 1 failures 0 next 02:30Z
            buffer_one
            00:10Z run news -> hangs
            00:28Z run news due 00:10Z attempt 2 -> hangs
            00:30Z skip(Overlap) news due 00:30Z
            00:40Z skip(Overlap) news due 00:40Z
            00:50Z skip(Overlap) news due 00:50Z
            01:00Z skip(Overlap) news due 01:00Z
            01:10Z skip(Overlap) news due 01:10Z
            01:20Z skip(Overlap) news due 01:20Z
            01:30Z skip(Overlap) news due 01:30Z
            01:40Z skip(Overlap) news due 01:40Z
            01:50Z skip(Overlap) news due 01:50Z
            02:00Z skip(Overlap) news due 02:00Z
            02:10Z skip(Overlap) news due 02:10Z
            02:20Z skip(Overlap) news due 02:20Z
            02:28Z show news: Active generation 1 runs 2 failures 0 next 02:30Z
            buffer_all
            00:10Z run news -> hangs
            00:28Z run news due 00:10Z attempt 2 -> hangs
            02:28Z show news: Completed generation 1 runs 3 failures 0 next -
            cancel_other
            00:10Z run news -> hangs
            00:20Z displaced news due 00:10Z
            00:20Z end news due 00:10Z
            00:20Z run news -> hangs
            00:28Z run news due 00:20Z attempt 2 -> ok 25s
            00:30Z displaced news due 00:20Z
            00:30Z end news due 00:20Z
            00:30Z run news
            00:30Z send news
            02:28Z show news: Completed generation 1 runs 3 failures 0 next -
            allow_all
            00:10Z run news -> hangs
            00:20Z run news -> hangs
            00:28Z run news due 00:10Z attempt 2 -> ok 25s
            00:28Z run news due 00:20Z attempt 2
            00:28Z send news due 00:20Z
            00:30Z run news
            00:30Z send news
            00:53Z send news due 00:10Z
            02:28Z show news: Completed generation 1 runs 3 failures 0 next -
        "#]],
    );
}

#[test]
fn a_schedule_that_is_cancelled_during_a_run() {
    check_each(
        "
        runner news: deaf 4s
        advance 25s
        cancel news
        advance 1m
        ",
        expect![[r#"
            skip
            00:10Z run news -> deaf 4s
            00:20Z skip(Overlap) news due 00:20Z
            00:25Z keep State of news: -
            00:25Z keep Text of news: -
            00:25Z cancelled news due 00:10Z
            00:25Z end news due 00:10Z
            01:25Z show news: Cancelled generation 1 runs 1 failures 0 next -
            buffer_one
            00:10Z run news -> deaf 4s
            00:25Z keep State of news: -
            00:25Z keep Text of news: -
            00:25Z cancelled news due 00:10Z
            00:25Z cancelled news due 00:20Z
            00:25Z end news due 00:10Z
            01:25Z show news: Cancelled generation 1 runs 2 failures 0 next -
            buffer_all
            00:10Z run news -> deaf 4s
            00:25Z keep State of news: -
            00:25Z keep Text of news: -
            00:25Z cancelled news due 00:10Z
            00:25Z cancelled news due 00:20Z
            00:25Z end news due 00:10Z
            01:25Z show news: Cancelled generation 1 runs 2 failures 0 next -
            cancel_other
            00:10Z run news -> deaf 4s
            00:20Z displaced news due 00:10Z
            00:20Z end news due 00:10Z
            00:24Z run news due 00:20Z
            00:24Z send news due 00:20Z
            00:25Z keep State of news: -
            00:25Z keep Text of news: -
            01:25Z show news: Cancelled generation 1 runs 2 failures 0 next -
            allow_all
            00:10Z run news -> deaf 4s
            00:20Z run news
            00:20Z send news
            00:25Z keep State of news: -
            00:25Z keep Text of news: -
            00:25Z cancelled news due 00:10Z
            00:25Z end news due 00:10Z
            01:25Z show news: Cancelled generation 1 runs 2 failures 0 next -
        "#]],
    );
}

/// What goes on is delivered; what was only buffered is not begun any more, and counts towards no bound.
#[test]
fn a_schedule_that_is_paused_during_a_run() {
    check_each(
        "
        runner news: ok 30s
        advance 25s
        pause news
        show news
        advance 1m
        resume news
        advance 1m
        ",
        expect![[r#"
            skip
            00:10Z run news -> ok 30s
            00:20Z skip(Overlap) news due 00:20Z
            00:25Z show news: Paused generation 1 runs 1 failures 0 next 00:30Z
            00:40Z send news due 00:10Z
            01:25Z skip(Paused) news due 00:30Z..01:20Z x6
            01:30Z run news
            01:30Z send news
            01:40Z run news
            01:40Z send news
            02:25Z show news: Completed generation 1 runs 3 failures 0 next -
            buffer_one
            00:10Z run news -> ok 30s
            00:25Z skip(Paused) news due 00:20Z
            00:25Z show news: Paused generation 1 runs 1 failures 0 next 00:30Z
            00:40Z send news due 00:10Z
            01:25Z skip(Paused) news due 00:30Z..01:20Z x6
            01:30Z run news
            01:30Z send news
            01:40Z run news
            01:40Z send news
            02:25Z show news: Completed generation 1 runs 3 failures 0 next -
            buffer_all
            00:10Z run news -> ok 30s
            00:25Z skip(Paused) news due 00:20Z
            00:25Z show news: Paused generation 1 runs 1 failures 0 next 00:30Z
            00:40Z send news due 00:10Z
            01:25Z skip(Paused) news due 00:30Z..01:20Z x6
            01:30Z run news
            01:30Z send news
            01:40Z run news
            01:40Z send news
            02:25Z show news: Completed generation 1 runs 3 failures 0 next -
            cancel_other
            00:10Z run news -> ok 30s
            00:20Z displaced news due 00:10Z
            00:20Z end news due 00:10Z
            00:20Z run news
            00:20Z send news
            00:25Z show news: Paused generation 1 runs 2 failures 0 next 00:30Z
            01:25Z skip(Paused) news due 00:30Z..01:20Z x6
            01:30Z run news
            01:30Z send news
            02:25Z show news: Completed generation 1 runs 3 failures 0 next -
            allow_all
            00:10Z run news -> ok 30s
            00:20Z run news
            00:20Z send news
            00:25Z show news: Paused generation 1 runs 2 failures 0 next 00:30Z
            00:40Z send news due 00:10Z
            01:25Z skip(Paused) news due 00:30Z..01:20Z x6
            01:30Z run news
            01:30Z send news
            02:25Z show news: Completed generation 1 runs 3 failures 0 next -
        "#]],
    );
}

/// The old words are void; the new ones wait until nobody works on the old ones any more.
#[test]
fn a_schedule_that_is_edited_during_a_run() {
    check_each(
        "
        runner news: deaf 12s
        advance 25s
        edit news: overlap POLICY task better max_runs 3
        advance 1m
        ",
        expect![[r#"
            skip
            00:10Z run news -> deaf 12s
            00:20Z skip(Overlap) news due 00:20Z
            00:25Z cancelled news due 00:10Z
            00:25Z end news due 00:10Z
            00:37Z run news due 00:30Z
            00:37Z send news due 00:30Z
            00:40Z run news
            00:40Z send news
            01:25Z show news: Completed generation 2 runs 3 failures 0 next -
            buffer_one
            00:10Z run news -> deaf 12s
            00:25Z cancelled news due 00:10Z
            00:25Z cancelled news due 00:20Z
            00:25Z end news due 00:10Z
            00:37Z run news due 00:30Z
            00:37Z send news due 00:30Z
            01:25Z show news: Completed generation 2 runs 3 failures 0 next -
            buffer_all
            00:10Z run news -> deaf 12s
            00:25Z cancelled news due 00:10Z
            00:25Z cancelled news due 00:20Z
            00:25Z end news due 00:10Z
            00:37Z run news due 00:30Z
            00:37Z send news due 00:30Z
            01:25Z show news: Completed generation 2 runs 3 failures 0 next -
            cancel_other
            00:10Z run news -> deaf 12s
            00:20Z displaced news due 00:10Z
            00:20Z end news due 00:10Z
            00:25Z cancelled news due 00:20Z
            00:32Z run news due 00:30Z
            00:32Z send news due 00:30Z
            01:25Z show news: Completed generation 2 runs 3 failures 0 next -
            allow_all
            00:10Z run news -> deaf 12s
            00:20Z run news
            00:20Z send news
            00:25Z cancelled news due 00:10Z
            00:25Z end news due 00:10Z
            00:30Z run news
            00:30Z send news
            01:25Z show news: Completed generation 2 runs 3 failures 0 next -
        "#]],
    );
}
