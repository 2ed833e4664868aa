//! What agents may do: where they send to, how much they have, what becomes of what they repeat; and the audit.

use std::sync::Arc;

use chimewheel::access::{Pattern, Quota};
use chimewheel::config::{Agent, Agents};
use chimewheel::spec::Destination;
use chimewheel::surface::error::{Code, Error};
use chimewheel::surface::ops::{Caller, Operations as _, Request};
use chimewheel::time::{Span, Timestamp};
use serde_json::{Value, json};

use crate::isolation::{House, ada};

/// A house in which `ada` is somebody special.
fn house(rules: Agent) -> House {
    House::with(Agents::from_iter([("ada".to_owned(), rules), ("bob".to_owned(), Agent::default())]))
}

fn quota(change: impl FnOnce(&mut Quota)) -> House {
    let mut quota = Quota::default();
    change(&mut quota);
    house(Agent { quota, ..Agent::default() })
}

fn add(house: &House, id: &str, more: Value) -> Result<Value, Error> {
    add_as(&ada(), house, id, more)
}

fn add_as(caller: &Caller, house: &House, id: &str, more: Value) -> Result<Value, Error> {
    let mut schedule = json!({"id": id, "schedule": {"every": "1h"}, "payload": {"message": "tick"}});
    let (Value::Object(whole), Value::Object(more)) = (&mut schedule, more) else { panic!("an object") };
    whole.extend(more);
    house.ask(caller, "add", json!({"schedule": schedule}))
}

/// Path and message of the only problem.
fn problem(told: Result<Value, Error>) -> String {
    let error = told.unwrap_err();
    assert_eq!((error.code, error.problems.len()), (Code::BadInput, 1), "{error}");
    error.problems[0].to_string()
}

fn to(text: &str) -> Value {
    let (gateway, chat) = text.split_once(':').unwrap();
    match chat.split_once('/') {
        Some((chat, thread)) => json!({"gateway": gateway, "chat_id": chat, "thread": thread}),
        None => json!({"gateway": gateway, "chat_id": chat}),
    }
}

#[test]
fn a_pattern_allows_what_it_says() {
    let place = |text: &str| {
        let place = to(text);
        let part = |key: &str| place[key].as_str().map(str::to_owned);
        Destination { gateway: part("gateway").unwrap(), chat_id: part("chat_id").unwrap(), thread: part("thread") }
    };
    for (pattern, allowed, refused) in [
        ("telegram:*", vec!["telegram:1", "telegram:1/7"], vec!["tele:1", "telegram2:1", "console:1"]),
        ("telegram:123", vec!["telegram:123", "telegram:123/7"], vec!["telegram:1234", "telegram:12"]),
        ("telegram:123/7", vec!["telegram:123/7"], vec!["telegram:123", "telegram:123/8", "telegram:123/77"]),
        ("telegram:-100*", vec!["telegram:-1001", "telegram:-100/2"], vec!["telegram:-10"]),
        ("*:*", vec!["telegram:1", "console:me/7"], vec![]),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        for text in allowed {
            assert!(pattern.allows(&place(text)), "{pattern} {text}");
        }
        for text in refused {
            assert!(!pattern.allows(&place(text)), "{pattern} {text}");
        }
    }
    for wrong in ["", "telegram", "telegram:", ":1", "*", "*:1", "tele*:1", "telegram:*1", "telegram:**"] {
        assert!(Pattern::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_agent_sends_to_its_conversation_or_where_the_config_allows() {
    let destinations = vec![Pattern::parse("console:team").unwrap()];
    let house = house(Agent { destinations, ..Agent::default() });
    for (place, allowed) in [
        ("console:ada-home", true),
        ("console:ada-home/7", true),
        ("console:team", true),
        ("console:team2", false),
        ("console:bobs", false),
    ] {
        let told = add(&house, &place.replace([':', '/'], "-"), json!({"destination": to(place)}));
        assert_eq!(told.is_ok(), allowed, "{place}: {told:?}");
    }
    let refused = problem(add(&house, "x", json!({"destination": to("console:bobs")})));
    assert_eq!(
        refused,
        "destination: agent 'ada' may not send there (given 'console:bobs'; it may send to: console:ada-home (this \
         conversation), console:team; the operator adds more to agents.ada.destinations)"
    );
    let bob = Caller::agent("bob");
    let refused = problem(add_as(&bob, &house, "x", json!({"destination": to("console:bobs")})));
    assert!(refused.contains("it may send to: nowhere so far"), "{refused}");
    // By whatever way it would get there.
    let patch = |place| json!({"schedule": "console-team", "patch": {"destination": to(place)}});
    problem(house.ask(&ada(), "update", patch("console:bobs")));
    house.ask(&ada(), "update", patch("console:ada-home")).unwrap();
    let line =
        json!({"id": "l", "schedule": {"every": "1h"}, "payload": {"message": "x"}, "destination": to("console:b")});
    let told = house.ask(&ada(), "import", json!({"text": line.to_string()})).unwrap();
    assert_eq!((&told["created"], &told["problems"][0]["problem"]["path"]), (&json!(0), &json!("destination")));
    // What the admin chose for it stays when something else changes.
    add_as(&Caller::Admin, &house, "chosen", json!({"agent": "ada", "destination": to("console:bobs")})).unwrap();
    let patch = json!({"schedule": "chosen", "patch": {"payload": {"message": "other"}}});
    house.ask(&ada(), "update", patch).unwrap();
}

#[test]
fn dues_of_an_agent_keep_their_distance() {
    let house = quota(|quota| quota.min_interval = Span::from_seconds(300));
    for (schedule, allowed) in [
        (json!({"every": "5m"}), true),
        (json!({"every": "4m 59s"}), false),
        (json!({"cron": "*/5 * * * *"}), true),
        (json!({"cron": "0,4 9 * * *"}), false),
        (json!({"cron": "0 0,5 9 ? * MON"}), true),
        (json!({"cron": "0,30 0 9 ? * MON"}), false),
        (json!({"in": "1s"}), true),
    ] {
        let id = format!("s{}", schedule.to_string().len() * 100 + schedule.to_string().matches('0').count());
        let told = add(&house, &id, json!({"schedule": schedule}));
        assert_eq!(told.is_ok(), allowed, "{schedule}: {told:?}");
        let by_admin = json!({"agent": "ada", "schedule": schedule});
        add_as(&Caller::Admin, &house, &format!("admin-{id}"), by_admin).unwrap();
    }
    let refused = problem(add(&house, "x", json!({"schedule": {"every": "1m"}})));
    assert_eq!(
        refused,
        "schedule: is due again after 1m; agent 'ada' must leave 5m between two dues (given 'Every minute'; make it \
         rarer; the limit is agents.ada.quota.min_interval)"
    );
    add_as(&Caller::Admin, &house, "fast", json!({"agent": "ada", "schedule": {"every": "1s"}, "paused": true}))
        .unwrap();
    for name in ["resume", "run-now"] {
        problem(house.ask(&ada(), name, json!({"schedule": "fast"})));
    }
}

#[test]
fn payloads_are_as_long_as_the_agent_may() {
    let house = quota(|quota| quota.payload_bytes = 10);
    add(&house, "ten", json!({"payload": {"message": "0123456789"}})).unwrap();
    let refused = problem(add(&house, "eleven", json!({"payload": {"message": "0123456789a"}})));
    assert!(refused.starts_with("payload.message: is 11 bytes long; agent 'ada' may send 10"), "{refused}");
}

#[test]
fn an_agent_has_as_many_schedules_as_it_may() {
    let house = quota(|quota| quota.active = 3);
    // Those that were there before the agent first asked count, too.
    add_as(&Caller::Admin, &house, "before", json!({"agent": "ada"})).unwrap();
    let add_id = |id: &str| {
        let schedule = json!({"id": id, "schedule": {"every": "1h"}, "payload": {"message": "x"}});
        Request::read("add", json!({"schedule": schedule}).to_string().as_bytes()).unwrap()
    };
    // All at once.
    let told = house.tokio.block_on(async {
        let mut asked = tokio::task::JoinSet::new();
        for number in 0..20 {
            let (local, request) = (house.local.clone(), add_id(&format!("s{number}")));
            asked.spawn(async move { local.call(&ada(), request).await.map(|_| number) });
        }
        asked.join_all().await
    });
    let made: Vec<i32> = told.iter().filter_map(|told| told.clone().ok()).collect();
    assert_eq!(made.len(), 2, "{told:?}");
    let error = told.into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.code, Code::OverQuota);
    assert_eq!(
        error.message,
        "agent 'ada' has 3 schedules that have not ended, and may have 3: cancel one first (agents.ada.quota.active)"
    );
    // Another agent, and the admin, have their own measure.
    add_as(&Caller::agent("bob"), &house, "bobs", json!({})).unwrap();
    add_as(&Caller::Admin, &house, "admins", json!({"agent": "ada"})).unwrap();
    for _ in 0..2 {
        assert_eq!(add(&house, "more", json!({})).unwrap_err().code, Code::OverQuota);
        house.ask(&ada(), "cancel", json!({"schedule": "admins"})).unwrap();
    }
    // Changing what is there takes no further place, bringing back what has completed does.
    house.ask(&ada(), "update", json!({"schedule": "before", "patch": {"schedule": {"every": "2h"}}})).unwrap();
    house.ask(&ada(), "cancel", json!({"schedule": format!("s{}", made[0])})).unwrap();
    add(&house, "one", json!({})).unwrap();
    let lines: String = (0..3)
        .map(|n| {
            format!("{}\n", json!({"id": n.to_string(), "schedule": {"every": "1h"}, "payload": {"message": "x"}}))
        })
        .collect();
    house.ask(&ada(), "cancel", json!({"schedule": "one"})).unwrap();
    let told = house.ask(&ada(), "import", json!({"text": lines, "skip_bad": true})).unwrap();
    assert_eq!((&told["created"], told["problems"].as_array().unwrap().len()), (&json!(1), 2), "{told}");
}

#[test]
fn dues_in_a_day_are_counted_and_what_was_sent_goes_on_counting() {
    let house = quota(|quota| quota.fires_per_day = 30);
    add(&house, "hourly", json!({})).unwrap();
    let error = add(&house, "second", json!({})).unwrap_err();
    assert_eq!(error.code, Code::OverQuota);
    assert!(error.message.starts_with("agent 'ada' would have 48 dues in 24 hours, and may have 30"), "{error}");
    // A weekly one is one on the day that it comes.
    add(&house, "weekly", json!({"schedule": {"cron": "0 9 * * MON"}})).unwrap();
    let past = |house: &House| {
        let now = house.runtime.as_ref().unwrap().handle().now();
        json!({"schedule": {"at": now.minus(Span::from_seconds(2)).to_string()}})
    };
    for number in 0..5 {
        add(&house, &format!("once-{number}"), past(&house)).unwrap();
    }
    let error = add(&house, "once-5", past(&house)).unwrap_err();
    assert!(error.message.contains("31 dues"), "{error}");
    // What was cancelled before it fired counts no more.
    house.ask(&ada(), "cancel", json!({"schedule": "weekly"})).unwrap();
    add(&house, "once-5", past(&house)).unwrap();
    assert_eq!(add(&house, "once-6", past(&house)).unwrap_err().code, Code::OverQuota);
    // One that is due less often is no worse.
    house.ask(&ada(), "update", json!({"schedule": "hourly", "patch": {"schedule": {"every": "2h"}}})).unwrap();
}

#[test]
fn runs_by_hand_count_too() {
    let house = quota(|quota| quota.fires_per_day = 26);
    add(&house, "hourly", json!({})).unwrap();
    add(&house, "weekly", json!({"schedule": {"cron": "0 9 * * MON"}})).unwrap();
    house.ask(&ada(), "run-now", json!({"schedule": "hourly"})).unwrap();
    let error = house.ask(&ada(), "run-now", json!({"schedule": "weekly"})).unwrap_err();
    assert!(error.message.contains("would have 27 dues"), "{error}");
    house.ask(&Caller::Admin, "run-now", json!({"schedule": "hourly"})).unwrap();
}

#[test]
fn recurring_schedules_end_when_the_config_says() {
    let house = house(Agent { expires: Some(Span::parse("90d").unwrap()), ..Agent::default() });
    let told = add(&house, "r", json!({"client_token": "t"})).unwrap();
    let warning = told["schedules"][0]["warnings"][0].as_str().unwrap();
    assert!(
        warning.ends_with("end 90d after their first due, unless they name an end_at (agents.ada.expires)"),
        "{warning}"
    );
    let shown = |id: &str| house.ask(&ada(), "show", json!({"schedule": id})).unwrap()["declaration"].clone();
    let end = shown("r")["end_at"].as_str().unwrap().to_owned();
    assert!(warning.starts_with(&format!("it ends at {end}: ")), "{warning}");
    // Said again later, it would end later; that is no contradiction.
    assert_eq!(add(&house, "r", json!({"client_token": "t"})).unwrap()["schedules"][0]["existing"], true);
    add(&house, "own", json!({"end_at": "2199-01-01T00:00:00Z"})).unwrap();
    assert_eq!(shown("own")["end_at"], "2199-01-01T00:00:00Z");
    add(&house, "once", json!({"schedule": {"in": "1h"}})).unwrap();
    assert_eq!(shown("once").get("end_at"), None);
    house.ask(&ada(), "update", json!({"schedule": "r", "patch": {"name": "n"}})).unwrap();
    assert_eq!(shown("r")["end_at"], end.as_str());
    house.ask(&ada(), "update", json!({"schedule": "own", "patch": {"end_at": null}})).unwrap();
    let given = Timestamp::parse_rfc3339(shown("own")["end_at"].as_str().unwrap()).unwrap();
    assert!(given < Timestamp::parse_rfc3339("2199-01-01T00:00:00Z").unwrap());
    // What begins later than that ends later still.
    let rare = json!({"schedule": {"cron": "0 0 9 29 2 ?"}});
    let late = json!({"schedule": {"every": "2h"}, "start_at": "2190-01-01T00:00:00Z"});
    for (id, more) in [("rare", rare), ("late", late)] {
        let told = add(&house, id, more).unwrap();
        let next =
            told["schedules"][0]["next"][0]["utc"].as_str().map(|next| Timestamp::parse_rfc3339(next).unwrap());
        let end = Timestamp::parse_rfc3339(shown(id)["end_at"].as_str().unwrap()).unwrap();
        assert_eq!(next.map(|next| end.since(next)), Some(Span::parse("90d").unwrap()), "{told}");
    }
}

#[test]
fn what_an_agent_has_no_tool_for_it_may_not_do_by_any_way() {
    let house =
        house(Agent { tools: Some(vec!["schedule_list".into(), "schedule_task".into()]), ..Agent::default() });
    add(&house, "a", json!({"process_handle": "p"})).unwrap();
    let one = json!({"schedule": "a"});
    for (name, body) in [
        ("update", json!({"schedule": "a", "patch": {"name": "n"}})),
        ("cancel", one.clone()),
        ("pause", one.clone()),
        ("resume", one.clone()),
        ("run-now", one.clone()),
        ("process-exited", json!({"handle": "p"})),
    ] {
        let error = house.ask(&ada(), name, body).unwrap_err();
        let told = format!("agent 'ada' has no tool for '{name}'; the operator adds one to agents.ada.tools");
        assert_eq!((error.code, error.message), (Code::Forbidden, told));
    }
    for name in ["show", "runs", "preview"] {
        house.ask(&ada(), name, one.clone()).unwrap();
    }
    house.ask(&Caller::agent("bob"), "audit", json!({})).unwrap();
    house.ask(&Caller::Admin, "cancel", one).unwrap();
}

#[test]
fn an_agent_that_the_config_does_not_name_is_nobody() {
    let house = house(Agent { timezone: Some("Asia/Tokyo".to_owned()), ..Agent::default() });
    let error = house.ask(&Caller::agent("eve"), "list", json!({})).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (Code::Forbidden, "agent 'eve' is not in the config; the operator adds [agents.NAME] for it")
    );
    let error = house.ask(&Caller::Admin, "token-new", json!({"agent": "adda"})).unwrap_err();
    assert_eq!(error.message, "agent: is not in the config (given 'adda'; did you mean 'ada'?)");
    let daily = json!({"schedule": {"cron": "0 9 * * *"}});
    let told = add(&house, "a", daily.clone()).unwrap();
    assert_eq!(told["schedules"][0]["timezone"], "Asia/Tokyo");
    let asked = house.ask(&ada(), "preview", json!({"cron": "0 9 * * *"})).unwrap();
    assert_eq!(asked["timezone"], "Asia/Tokyo", "a preview promises what a create does");
    let asked = house.ask(&Caller::Admin, "preview", json!({"cron": "0 9 * * *", "agent": "ada"})).unwrap();
    assert_eq!(asked["timezone"], "Asia/Tokyo");
    let mut theirs = daily;
    theirs["agent"] = json!("ada");
    let told = add_as(&Caller::Admin, &house, "b", theirs).unwrap();
    assert_eq!(told["schedules"][0]["timezone"], "Asia/Tokyo", "its zone, whoever makes it");
}

#[test]
fn a_client_token_stands_for_one_create() {
    let house = House::open();
    let with = |more: Value| {
        let mut whole = json!({"client_token": "t"});
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        add(&house, "first", whole)
    };
    assert_eq!(with(json!({})).unwrap()["schedules"][0]["existing"], false);
    assert_eq!(with(json!({})).unwrap()["schedules"][0]["existing"], true);
    let error = with(json!({"schedule": {"every": "2h"}, "payload": {"message": "other"}})).unwrap_err();
    assert_eq!((error.code, error.problems[0].path.as_str()), (Code::Conflict, "client_token"));
    assert!(
        error.message.contains("made schedule 'first', which says something else (schedule, payload)"),
        "{error}"
    );
    let line = json!({"client_token": "t", "schedule": {"every": "2h"}, "payload": {"message": "tick"}});
    let told = house.ask(&ada(), "import", json!({"text": line.to_string()})).unwrap();
    assert_eq!((&told["existing"], &told["problems"][0]["problem"]["path"]), (&json!(0), &json!("client_token")));
    // A person cancelled it; an agent that has not heard of it makes nothing new.
    house.ask(&Caller::Admin, "cancel", json!({"schedule": "first"})).unwrap();
    let again = with(json!({})).unwrap()["schedules"][0].clone();
    assert_eq!((&again["id"], &again["existing"], &again["next"]), (&json!("first"), &json!(true), &json!([])));
    let warning = again["warnings"][0].as_str().unwrap();
    assert_eq!(warning, "it is cancelled, and nothing was created: take a new client_token for another one");
    let listed = house.ask(&ada(), "list", json!({})).unwrap();
    assert_eq!(listed["schedules"], json!([]));
    // Another agent's token of that name is another token.
    add_as(&Caller::agent("bob"), &house, "bobs", json!({"client_token": "t"})).unwrap();
}

#[test]
fn a_process_takes_its_schedules_with_it() {
    let house = House::open();
    for (id, handle) in [("a", "p1"), ("b", "p1"), ("c", "p2")] {
        add(&house, id, json!({"process_handle": handle})).unwrap();
    }
    add_as(&Caller::agent("bob"), &house, "bobs", json!({"process_handle": "p1"})).unwrap();
    let exited = |caller: &Caller, agent: Value| {
        house.ask(caller, "process-exited", json!({"handle": "p1", "agent": agent})).unwrap()
    };
    assert_eq!(exited(&Caller::Admin, Value::Null)["cancelled"], 0, "the default agent has none");
    // Another handle from now on: the index follows.
    house.ask(&ada(), "update", json!({"schedule": "b", "patch": {"process_handle": "p2"}})).unwrap();
    let told = exited(&ada(), json!("bob"));
    assert_eq!((&told["cancelled"], &told["schedules"]), (&json!(1), &json!(["a"])));
    let told = house.ask(&ada(), "process-exited", json!({"handle": "p2"})).unwrap();
    assert_eq!(told["schedules"], json!(["b", "c"]));
    assert_eq!(house.ask(&ada(), "process-exited", json!({"handle": "p2"})).unwrap()["cancelled"], 0);
    assert_eq!(exited(&Caller::Admin, json!("bob"))["cancelled"], 1);
}

/// What is in the audit of a house, or not, when this was asked; and the token that was made.
fn ask_this_and_that(house: &House) -> Value {
    add(house, "a", json!({})).unwrap();
    add(house, "a2", json!({"client_token": "t"})).unwrap();
    add(house, "a2", json!({"client_token": "t"})).unwrap();
    let lines: String = (0..30)
        .map(|n| {
            format!("{}\n", json!({"id": format!("l{n}"), "schedule": {"every": "1h"}, "payload": {"message": "x"}}))
        })
        .collect();
    house.ask(&Caller::agent("bob"), "import", json!({"text": lines})).unwrap();
    house.ask(&Caller::agent("bob"), "import", json!({"text": lines})).unwrap();
    for name in ["pause", "pause", "resume", "run-now"] {
        house.ask(&ada(), name, json!({"schedule": "a"})).unwrap();
    }
    house.ask(&Caller::Admin, "update", json!({"schedule": "a", "patch": {"name": "n"}})).unwrap();
    house.ask(&Caller::Admin, "update", json!({"schedule": "a", "patch": {"name": "n"}})).unwrap();
    house.ask(&Caller::Admin, "update", json!({"schedule": "a", "patch": {"name": "m"}, "dry_run": true})).unwrap();
    house.ask(&ada(), "cancel", json!({"schedule": "a"})).unwrap();
    assert!(house.ask(&ada(), "cancel", json!({"schedule": "nobodys"})).is_err());
    let token = house.ask(&Caller::Admin, "token-new", json!({"agent": "ada"})).unwrap();
    house.ask(&Caller::Admin, "token-revoke", json!({"id": token["id"]})).unwrap();
    token
}

#[test]
fn every_change_is_in_the_audit() {
    let house = House::open();
    let token = ask_this_and_that(&house);
    let read = |caller: &Caller, body: Value| {
        let told = house.ask(caller, "audit", body).unwrap();
        let mut records = told["records"].as_array().unwrap().clone();
        records.reverse();
        let line = |record: &Value| {
            let text = |key: &str| record[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", text("agent"), text("session"), text("operation"), record["count"])
        };
        (records.iter().map(line).collect::<Vec<_>>(), records)
    };
    let (lines, records) = read(&Caller::Admin, json!({}));
    let whole = [
        "ada s1 add 1",
        "ada s1 add 1",
        "bob - import 30",
        "ada s1 pause 1",
        "ada s1 resume 1",
        "ada s1 run-now 1",
        "- - update 1",
        "ada s1 cancel 1",
        "- - token-new 0",
        "- - token-revoke 0",
    ];
    assert_eq!(lines, whole);
    assert_eq!(records[2]["schedules"].as_array().unwrap().len(), 20);
    assert_eq!((&records[0]["via"], &records[0]["schedules"]), (&json!("cli"), &json!(["a"])));
    assert_eq!(records[8]["token"], token["id"]);
    let secret = token["token"].as_str().unwrap().rsplit('_').next().unwrap();
    assert!(!format!("{records:?}").contains(secret));
    // An agent's own, whatever it asks for.
    let own: Vec<&str> = whole.into_iter().filter(|line| line.starts_with("ada")).collect();
    assert_eq!(read(&ada(), json!({"agent": "bob"})).0, own);
    assert_eq!(read(&Caller::Admin, json!({"agent": "ada"})).0, own);
    assert_eq!(read(&Caller::Admin, json!({"schedule": "a"})).0.len(), 6);
    assert_eq!(read(&Caller::Admin, json!({"schedule": "l17"})).0, ["bob - import 30"]);
    assert_eq!(house.ask(&ada(), "audit", json!({"schedule": "l17"})).unwrap_err().code, Code::NotFound);
    // Page by page it is the same.
    let mut paged = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let told = house.ask(&Caller::Admin, "audit", json!({"limit": 3, "cursor": cursor})).unwrap();
        paged.extend(told["records"].as_array().unwrap().clone());
        cursor = told["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    paged.reverse();
    assert_eq!(paged, records);
}

#[test]
fn two_callers_share_nothing_but_the_door() {
    let house = House::open();
    let (ada, bob) = (Arc::new(ada()), Caller::agent("bob"));
    add_as(&ada, &house, "mine", json!({"client_token": "same", "process_handle": "p"})).unwrap();
    add_as(&bob, &house, "yours", json!({"client_token": "same", "process_handle": "p"})).unwrap();
    house.ask(&bob, "process-exited", json!({"handle": "p", "agent": "ada"})).unwrap();
    assert_eq!(house.ask(&ada, "show", json!({"schedule": "mine"})).unwrap()["status"], "active");
    let told = house.ask(&bob, "audit", json!({"agent": "ada"})).unwrap();
    assert!(told["records"].as_array().unwrap().iter().all(|record| record["agent"] == "bob"), "{told}");
}

/// Runs what the page says, in its order, in a folder that holds the config that it shows.
#[test]
fn the_page_about_agents_is_true() {
    let page = include_str!("../../src/guide/agents.md");
    let blocks = |kind: &str| {
        let begin = format!("```{kind}\n");
        page.split(begin.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("chimewheel.toml"), blocks("toml").concat()).unwrap();
    let mut told = Vec::new();
    for block in blocks("text") {
        for line in block.replace("\\\n", "").lines().filter(|line| line.starts_with("chimewheel ")) {
            let script = line.replacen("chimewheel", env!("CARGO_BIN_EXE_chimewheel"), 1);
            let mut command = std::process::Command::new("sh");
            command.args(["-c", &script]).current_dir(folder.path()).env_clear().env("HOME", folder.path());
            let output = command.output().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert!(output.status.success(), "{line}: {}", text(&output.stderr));
            told.push(text(&output.stdout));
        }
    }
    assert!(told[0].starts_with("cw_") && told[2].contains("agent ada"), "{told:?}");
    assert!(told.iter().any(|text| text.starts_with("Cancelled 1 schedule of 'proc-abc123'.")), "{told:?}");
    assert!(told[told.len() - 2].contains("process-exited"), "{told:?}");
    assert!(!told.concat().contains("ADA_TOKEN"));
}
