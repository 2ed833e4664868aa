//! `when`: a trigger in plain words wherever a trigger may stand. It is resolved when it is accepted.

use expect_test::expect;

use super::{call, yaml};

#[test]
fn what_is_understood_is_kept_as_a_plain_trigger() {
    call(
        r#"{"when": "every weekday at 9", "timezone": "Europe/Berlin", "message": "hi"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"cron":"0 9 * * MON-FRI","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"}}
    "#]],
    );
    call(
        r#"{"schedule": {"when": "in 2 hours"}, "message": "hi"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T02:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}}
    "#]],
    );
    call(
        r#"{"when": "every 15 minutes", "message": "hi", "start_at": "2026-02-01 00:00"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"every":"15m","timezone":"UTC","anchor":"2026-02-01T00:00:00Z"},"payload":{"message":"hi"},"start_at":"2026-02-01T00:00:00Z"}
    "#]],
    );
    call(
        r#"{"when": "on the last day of the month at 18:00", "message": "hi"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"cron":"0 0 18 L * ?","timezone":"UTC","dialect":"quartz"},"payload":{"message":"hi"}}
    "#]],
    );
    call(
        r#"{"when": "next thursday at 5", "message": "hi"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-08T05:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}} warning: '5' is read as 05:00; write 5pm if that is meant warning: 'next Thursday' is read as the first Thursday after today, 2026-01-08
    "#]],
    );
}

#[test]
fn what_is_not_is_refused_with_the_words() {
    call(
        r#"{"when": "whenever it suits", "message": "hi"}"#,
        expect![[r#"
            when: does not understand 'whenever', 'it', 'suits' (given 'whenever it suits'; write for example 'in 2 hours', 'tomorrow at 9am', 'next friday 17:00', 'every weekday at 9', 'every 15 minutes' or 'on the 1st of the month at noon')
        "#]],
    );
    call(
        r#"{"when": "every weekday at 9", "in": "2h", "message": "hi"}"#,
        expect![[r#"
            schedule: 'in' and 'when' are mutually exclusive (write exactly one of at, in, every, cron and when, or after)
        "#]],
    );
    call(
        r#"{"when": "every weekday at 9", "dialect": "unix", "anchor": "2026-02-01 00:00", "message": "hi"}"#,
        expect![[r#"
            dialect: belongs to cron (leave it out)
            anchor: belongs to every (leave it out)
        "#]],
    );
    call(
        r#"{"when": "every 0 minutes", "message": "hi"}"#,
        expect![[r#"
        when: must be at least 1s (given 'every 0 minutes')
    "#]],
    );
    call(
        r#"{"when": "every 30 february at 9", "message": "hi"}"#,
        expect![[r#"
        when: is not a date (given 'every 30 february at 9'; February has 29 days, and years are 1970 to 2199)
    "#]],
    );
    call(
        r#"{"when": "tomorrow at 9", "end_at": "2026-01-01 12:00", "message": "hi"}"#,
        expect![[r#"
        when: never fires: it lies after end_at (given '2026-01-02T09:00:00Z'; end_at is 2026-01-01T12:00:00Z)
    "#]],
    );
}

/// Now is midnight in UTC, and nine in the morning in Tokyo.
#[test]
fn what_is_past_is_refused_with_what_was_perhaps_meant() {
    call(
        r#"{"when": "today at 8:30", "timezone": "Asia/Tokyo", "message": "hi"}"#,
        expect![[r#"
        when: timestamp is in the past (given '2025-12-31T23:30:00Z'; it is now 2026-01-01T00:00:00Z; did you mean 'tomorrow at 08:30'?)
    "#]],
    );
    call(
        r#"{"when": "2025-12-24 18:00", "message": "hi"}"#,
        expect![[r#"
        when: timestamp is in the past (given '2025-12-24T18:00:00Z'; it is now 2026-01-01T00:00:00Z; for a time from now write for example in: 2h)
    "#]],
    );
    call(
        r#"{"when": "today at midnight", "message": "hi"}"#,
        expect![[r#"
        {"id":"demo","schedule":{"at":"2026-01-01T00:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}} warning: midnight is read as 00:00, the beginning of its day
    "#]],
    );
}

#[test]
fn in_a_file_the_words_are_pointed_at_and_what_is_past_is_only_noted() {
    yaml(
        "schedule: {when: tomorow at 9}\nmessage: hi\n",
        expect![[r#"
        1:18: schedule.when: does not understand 'tomorow' (given 'tomorow at 9'; did you mean 'tomorrow'? write for example 'in 2 hours', 'tomorrow at 9am', 'next friday 17:00', 'every weekday at 9', 'every 15 minutes' or 'on the 1st of the month at noon')
    "#]],
    );
    yaml(
        "when: \"every day at 9 until friday\"\nmessage: hi\n",
        expect![[r#"
        1:23: when: does not understand 'until' (given 'every day at 9 until friday'; give the end as end_at)
    "#]],
    );
    yaml(
        "when: 24 December 2025 18:00\nmessage: hi\n",
        expect![[r#"
        {"id":"demo","schedule":{"at":"2025-12-24T18:00:00Z","timezone":"UTC"},"payload":{"message":"hi"}} warning: was due at 2025-12-24T18:00:00Z, which is past: recorded as skipped (past)
    "#]],
    );
}

#[test]
fn a_change_may_name_a_new_trigger_in_words() {
    const BASE: &str = r#"{"id": "a", "cron": "0 9 * * *", "timezone": "Europe/Berlin", "message": "hi"}"#;
    super::update::update(
        BASE,
        r#"{"when": "weekends at 10"}"#,
        expect![[r#"
        {"id":"a","schedule":{"cron":"0 10 * * SAT,SUN","timezone":"Europe/Berlin","dialect":"unix"},"payload":{"message":"hi"}}
    "#]],
    );
    super::update::update(
        BASE,
        r#"{"when": "tomorrow at 9am"}"#,
        expect![[r#"
        {"id":"a","schedule":{"at":"2026-01-12T08:00:00Z","timezone":"Europe/Berlin"},"payload":{"message":"hi"}}
    "#]],
    );
}
