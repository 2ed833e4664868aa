//! What starts a schedule instead of a time, and for how long it may go without a success.

use expect_test::expect;

use super::update::update;
use super::{call, yaml};

#[test]
fn it_is_said_in_three_ways() {
    call(
        r#"{"after": "fetch", "message": "hi", "id": "a"}"#,
        expect![[r#"
        {"id":"a","schedule":{"timezone":"UTC"},"payload":{"message":"hi"},"after":{"schedule":"fetch","outcome":["delivered"]}}
    "#]],
    );
    call(
        r#"{"after": {"schedule": "fetch", "outcome": "failed"}, "message": "hi", "id": "a"}"#,
        expect![[r#"
        {"id":"a","schedule":{"timezone":"UTC"},"payload":{"message":"hi"},"after":{"schedule":"fetch","outcome":["failed"]}}
    "#]],
    );
    yaml(
        "
id: a
after: {schedule: fetch, outcome: [delivered, silent, failed, unknown, skipped]}
schedule: {timezone: Europe/Berlin}
except: [22:00-07:00]
expect_every: 26h
payload: {message: hi}
",
        expect![[r#"
            {"id":"a","schedule":{"timezone":"Europe/Berlin"},"payload":{"message":"hi"},"except":["22:00-07:00"],"after":{"schedule":"fetch","outcome":["any"]},"expect_every":"1d 2h"}
        "#]],
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    yaml(
        "
id: a
name: A
after: {schedule: a, outcome: [done, faild]}
schedule: {anchor: 2026-01-30 16:00, dialect: unix}
jitter: 30s
misfire_policy: skip
catchup_window: 1h
end_at: 2025-01-01T00:00:00Z
payload: {message: hi}
",
        expect![[r#"
            4:19: after.schedule: is the schedule itself: it would wait for its own runs (given 'a'; name another schedule)
            4:32: after.outcome[0]: is not an outcome that can start another run (given 'done'; allowed: delivered, silent, failed, unknown, skipped, any)
            4:38: after.outcome[1]: is not an outcome that can start another run (given 'faild'; did you mean 'failed'? allowed: delivered, silent, failed, unknown, skipped, any)
            5:20: schedule.anchor: belongs to every (leave it out)
            5:47: schedule.dialect: belongs to cron (leave it out)
            6:9: jitter: does not go with 'after': what another schedule starts has no time of its own to put off (leave it out)
            7:17: misfire_policy: does not go with 'after': what another schedule starts has no time of its own to miss (leave it out)
            8:17: catchup_window: does not go with 'after': what another schedule starts has no time of its own to miss (leave it out)
        "#]],
    );
    yaml(
        "
after: {outcome: []}
schedule: {every: 1h}
payload: {message: hi}
",
        expect![[r#"
            2:9: after: 'every' and 'after' are mutually exclusive (keep one of them)
            2:9: after.schedule: is missing: nothing says whose runs are waited for (write for example after: {schedule: fetch, outcome: delivered})
            2:18: after.outcome: holds nothing: no end would start it (leave it out, or write some of: delivered, silent, failed, unknown, skipped, any)
        "#]],
    );
    yaml(
        "after: [fetch]\npayload: {message: hi}\n",
        expect![[r#"
        1:8: after: must be a map, not a list (write after: fetch, or after: {schedule: fetch, outcome: failed})
    "#]],
    );
    yaml(
        "after: {schedul: fetch}\npayload: {message: hi}\n",
        expect![[r#"
        1:9: after.schedul: unknown key 'schedul' (did you mean 'schedule'?)
    "#]],
    );
    yaml(
        "after: ''\npayload: {message: hi}\n",
        expect![[r#"
        1:8: after: is missing: nothing says whose runs are waited for (write for example after: {schedule: fetch, outcome: delivered})
    "#]],
    );
    yaml(
        "name: A\nafter: A\npayload: {message: hi}\n",
        expect![[r#"
        2:8: after: is the schedule itself: it would wait for its own runs (given 'A'; name another schedule)
    "#]],
    );
}

#[test]
fn a_success_is_expected_of_what_recurs() {
    call(
        r#"{"every": "1h", "expect_every": "61m", "message": "hi", "id": "a"}"#,
        expect![[r#"
        {"id":"a","schedule":{"every":"1h","timezone":"UTC","anchor":"2026-01-01T00:00:00Z"},"payload":{"message":"hi"},"expect_every":"1h 1m"}
    "#]],
    );
    call(
        r#"{"every": "1h", "expect_every": "59m", "message": "hi"}"#,
        expect![[r#"
            expect_every: is not longer than the interval, 1h: it would be told each time (given '59m'; make it longer)
        "#]],
    );
    call(
        r#"{"every": "1s", "expect_every": "59s", "message": "hi"}"#,
        expect![[r#"
        expect_every: must be at least 1m (given '59s'; write for example 26h)
    "#]],
    );
    call(
        r#"{"in": "1h", "expect_every": "2h", "message": "hi"}"#,
        expect![[r#"
        expect_every: belongs to a schedule that runs again and again (given '2h'; leave it out: this one runs once)
    "#]],
    );
    call(
        r#"{"cron": "0 9 * * *", "expect_every": "soon", "message": "hi"}"#,
        expect![[r#"
        expect_every: is not a duration; write for example 30s, 5m, 2h30m or 1d (given 'soon')
    "#]],
    );
}

#[test]
fn a_change_takes_the_place_of_what_started_it() {
    const TIMED: &str = r#"{"id": "a", "cron": "0 9 * * *", "timezone": "Europe/Berlin", "message": "hi"}"#;
    const AFTER: &str = r#"{"id": "a", "after": {"schedule": "fetch", "outcome": "silent"}, "message": "hi",
        "schedule": {"timezone": "Europe/Berlin"}, "expect_every": "26h"}"#;
    update(
        TIMED,
        r#"{"after": "fetch"}"#,
        expect![[r#"
        {"id":"a","schedule":{"timezone":"Europe/Berlin"},"payload":{"message":"hi"},"after":{"schedule":"fetch","outcome":["delivered"]}}
    "#]],
    );
    update(
        AFTER,
        r#"{"every": "1h", "expect_every": null}"#,
        expect![[r#"
        {"id":"a","schedule":{"every":"1h","timezone":"Europe/Berlin","anchor":"2026-01-11T00:00:00Z"},"payload":{"message":"hi"}}
    "#]],
    );
    update(
        AFTER,
        r#"{"after": {"outcome": "any"}}"#,
        expect![[r#"
        {"id":"a","schedule":{"timezone":"Europe/Berlin"},"payload":{"message":"hi"},"after":{"schedule":"fetch","outcome":["any"]},"expect_every":"1d 2h"}
    "#]],
    );
    update(
        AFTER,
        r#"{"after": {"outcome": null}}"#,
        expect![[r#"
        {"id":"a","schedule":{"timezone":"Europe/Berlin"},"payload":{"message":"hi"},"after":{"schedule":"fetch","outcome":["delivered"]},"expect_every":"1d 2h"}
    "#]],
    );
    update(
        AFTER,
        r#"{"after": null}"#,
        expect![[r#"
        schedule: is missing: nothing says when to fire (write exactly one of at, in, every, cron and when, or after)
    "#]],
    );
    update(
        AFTER,
        r#"{"message": "ho"}"#,
        expect![[r#"
        {"id":"a","schedule":{"timezone":"Europe/Berlin"},"payload":{"message":"ho"},"after":{"schedule":"fetch","outcome":["silent"]},"expect_every":"1d 2h"}
    "#]],
    );
}
