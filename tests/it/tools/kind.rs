//! What models send: read where it can only mean one thing, refused with everything that is wrong where it cannot.

use expect_test::expect_file;
use serde_json::{Value, json};

use super::{House, all, transcript};

/// Everything here books the same.
#[test]
fn what_is_unambiguous_is_read() {
    let house = House::open();
    let plain =
        json!({"id": "a", "every": "1h", "message": "5", "chat_id": "7", "gateway": "console", "max_runs": 3});
    let told = |arguments: &Value| {
        let mut outcome = house.call("schedule_task", arguments.clone());
        assert!(!outcome.is_error, "{arguments}: {}", outcome.whole());
        let shown = house.call("schedule_list", json!({})).structured["declarations"][0].take();
        house.call("schedule_cancel", json!({"schedule_id": outcome.structured["id"].take()}));
        let mut shown = shown;
        shown["id"].take();
        shown
    };
    let expected = told(&plain);
    for (place, sent) in [
        json!({"every": "1h", "message": 5, "chat_id": 7, "gateway": "console", "max_runs": "3"}),
        json!({"every": "1h", "message": "5", "chat_id": "7", "gateway": "console", "max_runs": 3.0, "at": null, "cron": ""}),
        json!({"everySeconds": "3600", "message": "5", "chatId": 7, "gateway": "console", "maxRuns": 3}),
        json!({"arguments": {"every": "1h", "message": "5", "chat_id": "7", "gateway": "console", "max_runs": 3}}),
        json!({"input": r#"{"every": "1h", "message": "5", "chat_id": "7", "gateway": "console", "max_runs": 3}"#}),
        json!(r#"{"every": "1h", "message": "5", "chat_id": "7", "gateway": "console", "max_runs": 3}"#),
        json!({"schedule": {"every": "1h"}, "payload": {"message": "5"}, "destination": {"gateway": "console", "chat_id": 7}, "max_runs": 3}),
        json!({"schedule": {"every": {"every_seconds": 3600}}, "payload": {"message": {"message": "5"}}, "chat_id": {"value": "7"}, "gateway": "console", "max_runs": 3}),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(told(&sent), expected, "{place}: {sent}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let arguments = json!({
        "cron": "0 99 * * *", "mesage": "x", "max_runs": "many", "misfire_policy": "fire-once", "vars": [1],
        "timezone": "Europe/Berln", "paused": "maybe",
    });
    let calls = [
        ("schedule_task", arguments),
        ("schedule_task", json!({"every": "1h", "evry": "2h", "at": true, "message": ["a"]})),
        ("schedule_task", json!([1])),
        ("schedule_task", json!("{broken")),
        ("schedule_task", json!({"every": "1h", "every_seconds": 60, "message": "x"})),
        ("schedule_task", json!({"chat_id": 1, "chatId": 2, "every": "1h", "message": "x"})),
        ("schedule_list", json!({"agent": "bob", "limit": 0})),
        ("schedule_cancel", json!({"schedule_id": "a", "name": "b"})),
        ("schedule_update", json!({"schedule_id": "a"})),
        ("schedule_update", json!({"schedule_id": "a", "clear": ["max_run"], "bogus": 1})),
        ("schedule_preview", json!({"cron": "0 9 * * *", "every": "1h"})),
    ];
    expect_file!["../../data/transcripts/wrong.txt"].assert_eq(&transcript(&House::open(), &all(), calls));
}

#[test]
fn the_schedule_that_is_waited_for_may_stand_alone() {
    let house = House::open();
    let place = json!({"every": "1h", "message": "x", "chat_id": "7", "gateway": "console", "name": "fetch"});
    assert!(!house.call("schedule_task", place).is_error);
    for after in [json!("fetch"), json!({"schedule": "fetch"}), json!(r#"{"schedule": "fetch"}"#)] {
        let told = house.call("schedule_task", json!({"after": after, "message": "x", "dry_run": true}));
        assert!(!told.is_error && told.whole().contains("After 'fetch' is delivered"), "{after}: {}", told.whole());
    }
    assert!(house.call("schedule_task", json!({"after": ["fetch"], "message": "x"})).is_error);
}
