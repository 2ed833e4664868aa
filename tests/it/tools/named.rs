//! The named set, string by string.

use expect_test::{expect, expect_file};
use serde_json::{Value, json};

use super::{House, all, named, transcript};

fn morning() -> Value {
    json!({
        "name": "Morning Check",
        "cron": "0 0 9 * * ?",
        "message": "Check email and report important messages",
        "injectInto": "telegram_123456",
        "timezone": "UTC",
    })
}

#[test]
fn a_task_lives_under_its_name() {
    let calls = [
        ("schedule_list", json!({})),
        ("schedule_add", morning()),
        ("schedule_add", morning()),
        (
            "schedule_add",
            json!({"name": "Once", "at": "2026-02-01T09:00:00Z", "message": "look", "injectInto": null}),
        ),
        ("schedule_disable", named("Once")),
        ("schedule_disable", named("Once")),
        ("schedule_list", json!({})),
        ("schedule_enable", named("Once")),
        ("schedule_enable", named("Once")),
        ("schedule_edit", json!({"name": "Once", "cron": "0 30 8 ? * 2-6", "message": "look again"})),
        ("schedule_run_now", named("Once")),
        ("schedule_remove", named("Once")),
        ("schedule_remove", named("Once")),
        ("schedule_edit", json!({"name": "Once", "message": "look"})),
        ("schedule_enable", named("Once")),
        ("schedule_run_now", named("Once")),
        ("schedule_list", json!({})),
    ];
    expect_file!["../../data/transcripts/named.txt"].assert_eq(&transcript(&House::open(), &all(), calls));
}

#[test]
fn what_is_wrong_is_said_in_the_known_words() {
    let calls = [
        ("schedule_add", json!({})),
        ("schedule_add", json!({"name": "a", "message": "b"})),
        ("schedule_add", json!({"name": "a", "message": "b", "cron": "0 0 9 * * ?", "at": "2027-01-01T00:00:00Z"})),
        ("schedule_add", json!({"name": "a", "message": "b", "cron": "0 9 * * MON-FRI"})),
        ("schedule_add", json!({"name": "a", "message": "b", "cron": "0 0 9 * * *"})),
        ("schedule_add", json!({"name": "a", "message": "b", "at": "tomorrow"})),
        ("schedule_add", json!({"name": "a", "message": "b", "at": "2020-01-01T00:00:00Z"})),
        ("schedule_add", json!({"name": "a", "message": "b", "cron": "0 0 9 * * ?", "injectInto": "signal_7"})),
        ("schedule_add", json!({"name": "a", "message": "b", "cron": "0 0 9 * * ?", "injectInto": "me"})),
        ("schedule_enable", named("nope")),
        ("schedule_disable", named("nope")),
        ("schedule_run_now", named("nope")),
    ];
    expect_file!["../../data/transcripts/named_wrong.txt"].assert_eq(&transcript(&House::open(), &all(), calls));
}

/// `0 0 9 ? * 2-6` is Monday to Friday in Quartz, Tuesday to Saturday in Unix cron.
#[test]
fn cron_is_quartz_whatever_it_looks_like() {
    let house = House::open();
    let added = house
        .call("schedule_add", json!({"name": "work", "cron": "0 0 9 ? * 2-6", "message": "x", "timezone": "UTC"}));
    let next: Vec<&Value> = added.structured["next"].as_array().unwrap().iter().map(|time| &time["utc"]).collect();
    // The clock stands on Friday afternoon.
    assert_eq!(next, ["2026-02-02T09:00:00Z", "2026-02-03T09:00:00Z", "2026-02-04T09:00:00Z"]);
    assert_eq!(added.structured["dialect"], "quartz");
}

/// What another tool booked as a literal text stays one when its text is edited by name.
#[test]
fn an_edited_text_stays_what_it_was() {
    let house = House::open();
    house.call("schedule_task", json!({"name": "n", "every": "1h", "message": "literal"}));
    house.says(
        "schedule_edit",
        json!({"name": "n", "message": "still literal"}),
        expect![[r#"
        OK: 'n' updated (message)
          Id: sched_…
          When: Every hour
          Next:
          - 2026-01-30T15:00:00Z = 2026-01-30T16:00:00+01:00 Europe/Berlin
          - 2026-01-30T16:00:00Z = 2026-01-30T17:00:00+01:00 Europe/Berlin
          - 2026-01-30T17:00:00Z = 2026-01-30T18:00:00+01:00 Europe/Berlin"#]],
    );
    house.says(
        "schedule_list",
        json!({}),
        expect![[r#"
        - n
          Every: 1h
          Message: still literal
          InjectInto: telegram_42
          Next: Fri Jan 30 16:00:00 CET 2026"#]],
    );
}

#[test]
fn a_text_cannot_forge_a_block_of_the_list() {
    let house = House::open();
    house.call("schedule_task", json!({"name": "n", "every": "1h", "message": "a\n- other\n  Cron: x"}));
    house.says(
        "schedule_list",
        json!({}),
        expect![[r#"
        - n
          Every: 1h
          Message: a
            - other
              Cron: x
          InjectInto: telegram_42
          Next: Fri Jan 30 16:00:00 CET 2026"#]],
    );
}
