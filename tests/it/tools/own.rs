//! The canonical set: what its tools say, and that two agents never meet.

use chimewheel::surface::error::Code;
use chimewheel::surface::ops::Caller;
use chimewheel::surface::tools::{Set, Toolbox};
use expect_test::expect_file;
use serde_json::json;

use super::{House, ada, all, named, shown, transcript};

#[test]
fn a_schedule_from_its_booking_to_its_end() {
    let book = json!({"id": "s", "name": "standup", "cron": "0 9 * * MON-FRI", "message": "Good morning"});
    let again = json!({"in": "2h", "message": "Review the PR", "name": "review", "client_token": "t"});
    let calls = [
        ("schedule_task", book.clone()),
        ("schedule_task", book),
        ("schedule_task", again.clone()),
        ("schedule_task", again),
        ("schedule_task", json!({"id": "w", "when": "every weekday at 9", "message": "x"})),
        ("schedule_task", json!({"id": "d", "every_seconds": 90, "message": "x", "dry_run": true})),
        ("schedule_list", json!({"status": "active"})),
        (
            "schedule_update",
            json!({"schedule_id": "s", "name": "daily", "cron": "0 30 9 ? * MON-FRI", "max_runs": 2}),
        ),
        ("schedule_update", json!({"name": "daily", "clear": ["max_runs"], "paused": true, "dry_run": true})),
        ("schedule_update", json!({"name": "dayly", "paused": true})),
        ("schedule_runs", named("daily")),
        ("schedule_preview", json!({"cron": "0 0 9 LW * ?", "n": 2})),
        ("schedule_preview", json!({"every_seconds": 5, "n": 1})),
        ("schedule_preview", json!({"when": "every weekday at 9", "n": 1})),
        ("schedule_cancel", named("daily")),
        ("schedule_cancel", json!({"schedule_id": "s"})),
        ("schedule_cancel", json!({"schedule_id": "nope"})),
        ("schedule_list", json!({"status": "cancelled"})),
    ];
    expect_file!["../../data/transcripts/canonical.txt"].assert_eq(&transcript(&House::open(), &all(), calls));
}

#[test]
fn where_a_message_goes_is_said_by_the_conversation() {
    let house = House::open();
    for (id, arguments, expected) in [
        ("a", json!({}), json!({"gateway": "telegram", "chat_id": "42"})),
        ("b", json!({"chat_id": "7"}), json!({"gateway": "telegram", "chat_id": "7"})),
        ("c", json!({"gateway": "console", "chat_id": 7}), json!({"gateway": "console", "chat_id": "7"})),
    ] {
        let mut body = json!({"id": id, "every": "1h", "message": "x"});
        body.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        assert!(!house.call("schedule_task", body).is_error);
        let listed = house.call("schedule_list", json!({}));
        assert_eq!(listed.structured["declarations"][0]["destination"], expected, "{arguments}");
        house.call("schedule_cancel", json!({"schedule_id": id}));
    }
}

#[test]
fn two_agents_never_see_each_other() {
    let house = House::open();
    let bob = Caller::agent("bob");
    house.call("schedule_task", json!({"id": "adas", "name": "tea", "every": "1h", "message": "secret of ada"}));
    house.with(
        &all(),
        &bob,
        "schedule_task",
        json!({"id": "bobs", "name": "tea", "every": "2h", "message": "bob's"}),
    );
    for (tool, arguments) in [
        ("schedule_cancel", json!({"schedule_id": "adas"})),
        ("schedule_cancel", json!({"name": "adas"})),
        ("schedule_update", json!({"schedule_id": "adas", "paused": true})),
        ("schedule_runs", json!({"schedule_id": "adas"})),
        ("schedule_run_now", json!({"schedule_id": "adas"})),
        ("schedule_remove", json!({"name": "adas"})),
        ("schedule_edit", json!({"name": "adas", "message": "x"})),
        ("schedule_enable", json!({"name": "adas"})),
        ("schedule_disable", json!({"name": "adas"})),
        ("cancel_schedule", json!({"schedule_id": "adas"})),
        ("schedule", json!({"action": "cancel", "schedule_id": "adas"})),
    ] {
        let told = house.with(&all(), &bob, tool, arguments.clone());
        let unknown = serde_json::from_str(&arguments.to_string().replace("adas", "none")).unwrap();
        let expected = house.with(&all(), &bob, tool, unknown);
        assert!(told.is_error, "{tool}");
        assert_eq!(shown(&told).replace("adas", "none"), shown(&expected), "{tool}");
    }
    for tool in ["schedule_list", "list_schedules"] {
        let told = house.with(&all(), &bob, tool, json!({}));
        assert!(!told.whole().contains("ada") && !told.structured.to_string().contains("ada"), "{}", told.whole());
        assert_eq!(told.structured["schedules"].as_array().unwrap().len(), 1, "{tool}");
    }
    let forged = house.with(&all(), &bob, "schedule_task", json!({"agent": "ada", "every": "1h", "message": "x"}));
    assert!(forged.is_error && forged.text.contains("agent: is not a parameter of this tool"), "{}", forged.text);
}

#[test]
fn an_agent_may_be_limited_to_some_tools() {
    let house = House::open();
    let toolbox = all().limited("ada", vec!["schedule_list".to_owned(), "no_such_tool".to_owned()]);
    let names = |caller: &Caller| toolbox.tools(caller).map(|tool| tool.name).collect::<Vec<_>>();
    assert_eq!(names(&ada()), ["schedule_list"]);
    assert_eq!(names(&Caller::agent("bob")).len(), 15);
    let refused = house.tokio.block_on(toolbox.call(&ada(), house.operations.as_ref(), "schedule_task", json!({})));
    let error = refused.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    assert_eq!(error.message, "there is no tool 'schedule_task'; did you mean 'schedule_list'?");
}

#[test]
fn a_name_of_two_sets_is_the_canonical_tool_where_that_is_on() {
    let set = |sets: &[Set], name: &str| Toolbox::of(sets).find(&Caller::Admin, name).map(|tool| tool.set).ok();
    assert_eq!(set(&Set::ALL, "schedule_task"), Some(Set::Canonical));
    assert_eq!(set(&[Set::Duragent, Set::Canonical], "schedule_task"), Some(Set::Canonical));
    assert_eq!(set(&[Set::Duragent], "schedule_task"), Some(Set::Duragent));
    assert_eq!(set(&[Set::Named], "schedule_list"), Some(Set::Named));
    assert_eq!(set(&[Set::Named], "schedule_task"), None);
    let default = Toolbox::default();
    assert_eq!(default, Toolbox::of(&[Set::Canonical, Set::Named]));
    for word in ["canonical", "named", "duragent"] {
        assert_eq!(Set::of(word).map(Set::word), Some(word));
    }
}
