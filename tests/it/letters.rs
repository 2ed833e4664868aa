//! Dead letters as those who ask meet them: listed, shown, tried again, dropped; what is refused, and to whom.

use chimewheel::access::Quota;
use chimewheel::config::{Agent, Agents};
use chimewheel::surface::error::{Code, Error};
use chimewheel::surface::ops::Caller;
use serde_json::{Value, json};

use crate::isolation::{House, ada};

/// Schedules of an agent, each with one run that no gateway takes: none is configured.
fn fail(house: &House, caller: &Caller, agent: &str, ids: &[&str]) {
    for id in ids {
        let schedule = json!({
            "id": id, "agent": agent, "schedule": {"every": "1h"}, "payload": {"message": format!("text of {id}")},
            "destination": {"gateway": "console", "chat_id": "ada-home"},
        });
        house.ask(caller, "add", json!({"schedule": schedule})).unwrap();
        house.ask(caller, "run-now", json!({"schedule": id})).unwrap();
        await_letter(house, id);
    }
}

/// Waits until the one run of a schedule is a dead letter, or one again, and answers its id.
fn await_letter(house: &House, id: &str) -> String {
    loop {
        let listed = house.ask(&Caller::Admin, "dead-letters", json!({"schedule": id})).unwrap();
        if let Some(found) = listed["dead_letters"][0]["id"].as_str() {
            return found.to_owned();
        }
        std::thread::yield_now();
    }
}

fn ids(told: &Value) -> Vec<&str> {
    told["dead_letters"].as_array().unwrap().iter().map(|letter| letter["schedule"].as_str().unwrap()).collect()
}

fn refusal(told: Result<Value, Error>) -> (Code, String) {
    let error = told.unwrap_err();
    (error.code, error.problems.first().map_or(error.message.clone(), ToString::to_string))
}

#[test]
fn an_agent_that_drops_the_letters_of_what_the_operator_cancelled_does_not_make_it_again_for_that() {
    let house = House::open();
    fail(&house, &ada(), "ada", &["note"]);
    house.ask(&ada(), "update", json!({"schedule": "note", "patch": {"name": "Note"}})).unwrap();
    house.ask(&Caller::Admin, "cancel", json!({"schedule": "note"})).unwrap();
    house.ask(&ada(), "dead-letters-drop", json!({"id": await_letter(&house, "note")})).unwrap();
    let again = json!({"name": "Note", "schedule": {"every": "1h"}, "payload": {"message": "x"}});
    let (code, why) = refusal(house.ask(&ada(), "add", json!({"schedule": again})));
    assert_eq!((code, why.starts_with("name: was cancelled by the operator at ")), (Code::Conflict, true), "{why}");
}

#[test]
fn one_is_shown_tried_again_and_dropped() {
    let house = House::open();
    fail(&house, &ada(), "ada", &["note"]);
    let id = await_letter(&house, "note");
    let shown = house.ask(&ada(), "dead-letter-show", json!({"id": id})).unwrap();
    for (key, expected) in [
        ("id", json!(id)),
        ("outcome", json!("failed")),
        ("detail", json!("gateway 'console' is not configured")),
        ("message", json!("text of note")),
        ("destination", json!("console:ada-home")),
        ("retry", json!("send")),
        ("attempts", json!(1)),
        ("retried", Value::Null),
    ] {
        assert_eq!(shown.get(key).unwrap_or(&Value::Null), &expected, "{key}: {shown}");
    }
    assert_eq!(shown["key"].as_str().unwrap().len(), 22);

    let done = house.ask(&ada(), "dead-letters-retry", json!({"id": id})).unwrap();
    assert_eq!((&done["count"], &done["ids"]), (&json!(1), &json!([id])));
    assert_eq!(await_letter(&house, "note"), id, "it failed again");
    let again = house.ask(&ada(), "dead-letter-show", json!({"id": id})).unwrap();
    assert_eq!((&again["retried"]["times"], &again["key"]), (&json!(1), &shown["key"]));
    let state = house.ask(&ada(), "show", json!({"schedule": "note"})).unwrap();
    assert_eq!(state["failures"], 1, "{state}");

    house.ask(&ada(), "dead-letters-drop", json!({"id": id})).unwrap();
    let (code, why) = refusal(house.ask(&ada(), "dead-letters-drop", json!({"id": id})));
    assert_eq!((code, why.as_str()), (Code::Conflict, "it was dropped already"));
    assert_eq!(ids(&house.ask(&ada(), "dead-letters", json!({})).unwrap()), [""; 0]);
    let runs = house.ask(&ada(), "runs", json!({"schedule": "note", "outcome": "failed"})).unwrap();
    assert_eq!(runs["runs"][0]["dropped"], true, "its record stays: {runs}");
    let audit = house.ask(&ada(), "audit", json!({"schedule": "note"})).unwrap();
    let operations: Vec<&str> =
        audit["records"].as_array().unwrap().iter().map(|record| record["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["dead-letters-drop", "dead-letters-retry", "run-now", "add"]);

    house.ask(&Caller::Admin, "cancel", json!({"schedule": "note"})).unwrap();
    let (code, why) = refusal(house.ask(&ada(), "dead-letters-retry", json!({"id": id})));
    assert_eq!(
        (code, why.as_str()),
        (Code::Conflict, "its schedule was cancelled, and nothing of it is sent any more")
    );
    let shown = house.ask(&ada(), "dead-letter-show", json!({"id": id})).unwrap();
    assert_eq!((shown["refused"].as_str(), shown.get("retry")), (Some(why.as_str()), None));
}

#[test]
fn what_was_said_before_an_update_is_not_sent_after_it() {
    let house = House::open();
    fail(&house, &ada(), "ada", &["note"]);
    let id = await_letter(&house, "note");
    let patch = json!({"schedule": "note", "patch": {"payload": {"message": "other words"}}});
    house.ask(&ada(), "update", patch).unwrap();
    let (code, why) = refusal(house.ask(&ada(), "dead-letters-retry", json!({"id": id})));
    assert_eq!(code, Code::Conflict);
    assert!(why.starts_with("its schedule was changed since"), "{why}");
    let shown = house.ask(&ada(), "dead-letter-show", json!({"id": id})).unwrap();
    assert_eq!((shown["refused"].as_str(), shown.get("message")), (Some(why.as_str()), None), "{shown}");
    house.ask(&ada(), "dead-letters-drop", json!({"id": id})).unwrap();
}

#[test]
fn another_agents_dead_letter_answers_like_one_that_nobody_has() {
    let house = House::open();
    let bob = Caller::agent("bob");
    fail(&house, &ada(), "ada", &["note"]);
    let id = await_letter(&house, "note");
    for name in ["dead-letter-show", "dead-letters-retry", "dead-letters-drop"] {
        for (asked, unknown) in [(id.clone(), id.replace("note", "nobodys")), (format!("{id}:1"), "x:1:1:1".into())] {
            let told = refusal(house.ask(&bob, name, json!({"id": asked})));
            let expected = refusal(house.ask(&bob, name, json!({"id": unknown})));
            assert_eq!(told.0, Code::NotFound, "{name}");
            assert_eq!(told.1.replace(&asked, &unknown), expected.1, "{name}");
        }
    }
    for wrong in ["", "note", "note:1", "note:x:1", "note:1:1", "note:1:1:0", "note:1:1:1:1"] {
        let told = refusal(house.ask(&ada(), "dead-letter-show", json!({"id": wrong})));
        assert_eq!(told.0, Code::NotFound, "{wrong}: {}", told.1);
    }
    for wish in ["dead-letters-retry", "dead-letters-drop"] {
        let done = house.ask(&bob, wish, json!({"all": true, "agent": "ada"})).unwrap();
        assert_eq!((&done["count"], &done["refused_count"]), (&json!(0), &json!(0)));
    }
    assert_eq!(await_letter(&house, "note"), id);
}

#[test]
fn all_that_fit_are_taken_oldest_first_and_a_refusal_hinders_no_other() {
    let house = House::open();
    fail(&house, &ada(), "ada", &["a1", "a2", "a3"]);
    fail(&house, &Caller::Admin, "bob", &["b1"]);
    let all = |name: &str, body: Value| house.ask(&Caller::Admin, name, body).unwrap();
    assert_eq!(ids(&all("dead-letters", json!({}))), ["b1", "a3", "a2", "a1"]);
    assert_eq!(ids(&all("dead-letters", json!({"agent": "ada", "limit": 2}))), ["a3", "a2"]);
    assert_eq!(ids(&all("dead-letters", json!({"schedule": "a2"}))), ["a2"]);
    assert_eq!(ids(&all("dead-letters", json!({"gateway": "telegram"}))), [""; 0]);
    assert_eq!(ids(&all("dead-letters", json!({"since": "2100-01-01T00:00:00Z"}))), [""; 0]);

    all("cancel", json!({"schedule": "a2"}));
    let told = |done: &Value| {
        let names = |list: &Value, key: Option<&str>| {
            let of = |one: &Value| key.map_or(one.clone(), |key| one[key].clone());
            let ids = list.as_array().cloned().unwrap_or_default();
            ids.iter().map(|one| of(one).as_str().unwrap().split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        (names(&done["ids"], None).join(" "), names(&done["refused"], Some("id")).join(" "), done["more"] == true)
    };
    let would = all("dead-letters-retry", json!({"all": true, "agent": "ada", "dry_run": true}));
    assert_eq!(told(&would), ("a1 a3".to_owned(), "a2".to_owned(), false));
    assert_eq!(ids(&all("dead-letters", json!({}))).len(), 4, "nothing was done");
    let done = all("dead-letters-retry", json!({"all": true, "agent": "ada"}));
    assert_eq!(told(&done), ("a1 a3".to_owned(), "a2".to_owned(), false));
    for id in ["a1", "a3"] {
        await_letter(&house, id);
    }
    let done = all("dead-letters-drop", json!({"all": true, "limit": 1}));
    assert_eq!(told(&done), ("b1".to_owned(), String::new(), true));
    let done = all("dead-letters-drop", json!({"all": true, "gateway": "console"}));
    assert_eq!(told(&done), ("a1 a2 a3".to_owned(), String::new(), false));
    assert_eq!(ids(&all("dead-letters", json!({}))), [""; 0]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let house = House::open();
    for (body, expected) in [
        (json!({}), "id: is missing (the id of a dead letter, or all)"),
        (json!({"id": "a:1:1", "all": true}), "all: stands beside an id (give one of the two)"),
        (
            json!({"id": "a:1:1", "gateway": "x"}),
            "id: stands beside a filter (filters go with all; an id needs none)",
        ),
        (json!({"all": true, "limit": 0}), "limit: is out of range (given '0'; 1 or more)"),
        (
            json!({"all": true, "since": "yesterday"}),
            "since: is neither an RFC 3339 time nor a span (given 'yesterday'; such as 2026-01-30T16:00:00Z, or 7d for the \
             last seven days)",
        ),
    ] {
        for wish in ["dead-letters-retry", "dead-letters-drop"] {
            let told = refusal(house.ask(&Caller::Admin, wish, body.clone()));
            assert_eq!(told, (Code::BadInput, expected.to_owned()), "{wish}");
        }
    }
}

#[test]
fn an_agent_retries_within_its_quota_and_the_admin_without() {
    let quota = Quota { fires_per_day: 25, ..Quota::default() };
    let rules = Agent { quota, ..Agent::default() };
    let house = House::with(Agents::from_iter([("ada".to_owned(), rules)]));
    fail(&house, &ada(), "ada", &["note"]);
    let id = await_letter(&house, "note");
    let (code, why) = refusal(house.ask(&ada(), "dead-letters-retry", json!({"id": id})));
    assert_eq!(code, Code::OverQuota, "{why}");
    let done = house.ask(&ada(), "dead-letters-retry", json!({"all": true})).unwrap();
    assert_eq!((&done["count"], &done["refused"][0]["why"]), (&json!(0), &json!(why)));
    house.ask(&Caller::Admin, "dead-letters-retry", json!({"id": id})).unwrap();
    await_letter(&house, "note");
    house.ask(&ada(), "dead-letters-drop", json!({"id": id})).unwrap();
}

#[test]
fn an_agent_without_the_tool_does_neither() {
    let tools = Some(vec!["schedule_task".to_owned(), "schedule_list".to_owned()]);
    let rules = Agent { tools, ..Agent::default() };
    let house = House::with(Agents::from_iter([("ada".to_owned(), rules)]));
    fail(&house, &Caller::Admin, "ada", &["note"]);
    for wish in ["dead-letters-retry", "dead-letters-drop"] {
        let (code, why) = refusal(house.ask(&ada(), wish, json!({"all": true})));
        assert_eq!(code, Code::Forbidden, "{why}");
    }
}
