//! The duragent set, string by string, with the older names of its actions.

use chimewheel::surface::tools::{Set, Toolbox};
use expect_test::expect_file;
use serde_json::json;

use super::{House, transcript};

fn alone() -> Toolbox {
    Toolbox::of(&[Set::Duragent])
}

#[test]
fn schedules_are_created_and_listed() {
    let calls = [
        ("schedule", json!({"action": "list"})),
        ("schedule", json!({"action": "create", "at": "2026-01-30T16:00:00Z", "message": "hi"})),
        ("schedule", json!({"action": "create", "every_seconds": 7200, "task": "look", "schedule_id": null})),
        ("schedule_task", json!({"cron": "0 9 * * MON-FRI", "message": "x", "max_retries": 1})),
        ("schedule_task", json!({"every_seconds": 90, "message": "x"})),
        ("schedule_task", json!({"every_seconds": 600, "message": "x"})),
        ("list_schedules", json!({})),
    ];
    expect_file!["../../data/transcripts/duragent.txt"].assert_eq(&transcript(&House::open(), &alone(), calls));
}

#[test]
fn what_was_created_comes_from_the_conversation_and_is_cancelled_by_its_id() {
    let house = House::open();
    house.call("schedule", json!({"action": "create", "every_seconds": 60, "message": "x", "retry_delay_ms": 50}));
    let listed = house.call("list_schedules", json!({}));
    let declared = &listed.structured["declarations"][0];
    let retry = json!({"max_attempts": 4, "backoff_min": "50ms", "backoff_max": "30s", "max_age": "1h"});
    assert_eq!(declared["retry"], retry);
    assert_eq!(declared["destination"], json!({"gateway": "telegram", "chat_id": "42"}));
    assert_eq!(declared["created_by_session"], "s1");
    let id = listed.structured["schedules"][0]["id"].as_str().unwrap();
    let cancelled = house.call("cancel_schedule", json!({"schedule_id": id}));
    assert_eq!(cancelled.text, format!("Cancelled schedule: {id}"));
    let again = house.call("schedule", json!({"action": "cancel", "schedule_id": id}));
    assert_eq!(again.text, format!("Failed to cancel schedule: schedule not found: {id}"));
    assert_eq!(house.call("schedule", json!({"action": "LIST"})).text, "No active schedules.");
}

#[test]
fn what_is_wrong_is_said_in_the_known_words() {
    let calls = [
        json!({}),
        json!({"action": "destroy"}),
        json!({"action": "create"}),
        json!({"action": "create", "message": "x"}),
        json!({"action": "create", "message": "x", "cron": "* * * * *", "every_seconds": 5}),
        json!({"action": "create", "every_seconds": 0, "message": "x"}),
        json!({"action": "create", "every_seconds": 60}),
        json!({"action": "create", "every_seconds": 60, "message": "x", "task": "y"}),
        json!({"action": "create", "cron": "0 25 * * *", "message": "x"}),
        json!({"action": "create", "at": "2026-01-30T13:00:00Z", "message": "x"}),
        json!({"action": "create", "at": "soon", "message": "x"}),
        json!({"action": "cancel"}),
        json!({"action": "cancel", "schedule_id": "sched_x"}),
    ]
    .map(|arguments| ("schedule", arguments));
    expect_file!["../../data/transcripts/duragent_wrong.txt"].assert_eq(&transcript(&House::open(), &alone(), calls));
}
