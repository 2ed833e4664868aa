//! Schedules that start one another, from the door to the store.

use chimewheel::access::Quota;
use chimewheel::config::{Agent, Agents};
use chimewheel::surface::error::{Code, Error};
use chimewheel::surface::ops::Caller;
use serde_json::{Value, json};

use crate::isolation::{House, ada};

fn add(house: &House, caller: &Caller, id: &str, more: Value) -> Result<Value, Error> {
    let mut schedule = json!({"id": id, "payload": {"message": "tick"}});
    let (Value::Object(whole), Value::Object(more)) = (&mut schedule, more) else { panic!("an object") };
    whole.extend(more);
    house.ask(caller, "add", json!({"schedule": schedule}))
}

fn hourly(house: &House, caller: &Caller, id: &str) {
    let place = json!({"gateway": "console", "chat_id": "ada-home"});
    add(house, caller, id, json!({"schedule": {"every": "1h"}, "destination": place})).unwrap();
}

fn after(house: &House, caller: &Caller, id: &str, first: &str) -> Result<Value, Error> {
    add(house, caller, id, json!({"after": first}))
}

fn update(house: &House, id: &str, patch: Value) -> Result<Value, Error> {
    house.ask(&Caller::Admin, "update", json!({"schedule": id, "patch": patch}))
}

fn refusal(told: Result<Value, Error>) -> String {
    let error = told.unwrap_err();
    assert_eq!(error.code, Code::BadInput, "{error}");
    error.to_string()
}

#[test]
fn one_waits_for_its_own_agents_only() {
    let house = House::open();
    let (ada, bob) = (ada(), Caller::agent("bob"));
    hourly(&house, &ada, "fetch");
    house.ask(&ada, "update", json!({"schedule": "fetch", "patch": {"name": "Fetch it"}})).unwrap();
    let told = after(&house, &ada, "report", "Fetch it").unwrap();
    assert_eq!(told["schedules"][0]["description"], "After 'Fetch it' is delivered");
    let shown = house.ask(&ada, "show", json!({"schedule": "report"})).unwrap();
    assert_eq!(
        (&shown["description"], &shown["status"], &shown["upcoming"], &shown["declaration"]["after"]),
        (
            &json!("After 'fetch' is delivered"),
            &json!("active"),
            &json!([]),
            &json!({"schedule": "fetch", "outcome": ["delivered"]})
        )
    );
    let foreign = refusal(after(&house, &bob, "mine", "fetch"));
    let unknown = refusal(after(&house, &bob, "mine", "fetsh"));
    assert_eq!(foreign.replace("fetch", "fetsh"), unknown, "both look alike");
    assert_eq!(
        unknown,
        "after.schedule: 'after' names 'fetsh', and agent 'bob' has no schedule with that id or name: make that one first"
    );
    let dry = json!({"schedule": {"after": "nobody", "payload": {"message": "x"}}, "dry_run": true});
    refusal(house.ask(&ada, "add", dry));
}

#[test]
fn a_token_given_again_is_no_contradiction() {
    let house = House::open();
    hourly(&house, &ada(), "fetch");
    house.ask(&ada(), "update", json!({"schedule": "fetch", "patch": {"name": "Fetch it"}})).unwrap();
    let more = json!({"after": "Fetch it", "client_token": "t"});
    assert_eq!(add(&house, &ada(), "a", more.clone()).unwrap()["schedules"][0]["existing"], false);
    assert_eq!(add(&house, &ada(), "a", more).unwrap()["schedules"][0]["existing"], true);
    let other = json!({"after": {"schedule": "fetch", "outcome": "failed"}, "client_token": "t"});
    assert_eq!(add(&house, &ada(), "a", other).unwrap_err().code, Code::Conflict);
}

#[test]
fn no_circle_is_closed() {
    let house = House::open();
    let admin = Caller::Admin;
    hourly(&house, &admin, "a");
    after(&house, &admin, "b", "a").unwrap();
    after(&house, &admin, "c", "b").unwrap();
    assert_eq!(
        refusal(update(&house, "a", json!({"after": "c"}))),
        "after.schedule: 'after' would close a circle, in which nothing would ever begin: 'a' waits for 'c', which waits \
         for 'b', which waits for 'a'"
    );
    refusal(update(&house, "a", json!({"after": "a"})));
    update(&house, "c", json!({"every": "1h"})).unwrap();
    update(&house, "a", json!({"after": "c"})).unwrap();
    // What has ended counts, too: it may be declared anew.
    house.ask(&admin, "cancel", json!({"schedule": "b"})).unwrap();
    refusal(update(&house, "c", json!({"after": "a"})).and(update(&house, "a", json!({"after": "b"}))));
}

#[test]
fn a_row_has_an_end_and_so_have_those_that_one_starts() {
    let house = House::open();
    let admin = Caller::Admin;
    hourly(&house, &admin, "s0");
    let refused = (1..40).find_map(|n| {
        let told = after(&house, &admin, &format!("s{n}"), &format!("s{}", n - 1));
        told.is_err().then(|| (n, refusal(told)))
    });
    let (n, why) = refused.unwrap();
    assert_eq!((n, why.contains("the last of 32 in a row")), (32, true), "{why}");
    let refused = (0..200).find_map(|n| {
        let told = after(&house, &admin, &format!("f{n}"), "s0");
        told.is_err().then(|| (n, refusal(told)))
    });
    let (n, why) = refused.unwrap();
    assert_eq!((n, why.contains("starts 100 schedules")), (99, true), "{why}");
}

#[test]
fn what_has_ended_starts_nothing_and_that_is_said() {
    let house = House::open();
    let admin = Caller::Admin;
    hourly(&house, &admin, "a");
    after(&house, &admin, "b", "a").unwrap();
    let note = |house: &House| house.ask(&admin, "show", json!({"schedule": "b"})).unwrap()["note"].clone();
    assert_eq!(note(&house), Value::Null);
    house.ask(&admin, "cancel", json!({"schedule": "a"})).unwrap();
    assert_eq!(note(&house), "nothing will start it: 'a' is cancelled");
    let listed = house.ask(&admin, "list", json!({})).unwrap();
    assert_eq!(listed["schedules"][0]["note"], "nothing will start it: 'a' is cancelled");
    assert!(refusal(after(&house, &admin, "c", "a")).contains("'a', which has ended"), "a person is told");
    // What stays as it was is no news.
    update(&house, "b", json!({"payload": {"message": "tock"}})).unwrap();
}

fn apply(house: &House, files: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let files: Vec<Value> = files.iter().map(|(path, text)| json!({"path": path, "text": text})).collect();
    let told = house.ask(&Caller::Admin, "apply", json!({"files": files, "folder": "s"})).unwrap();
    assert_eq!(told["problems"].as_array().map_or(0, Vec::len), 0, "{told}");
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
    let changes = told["changes"].as_array().unwrap();
    changes.iter().map(|change| (text(change, "id"), text(change, "action"), text(change, "note"))).collect()
}

#[test]
fn in_files_the_order_does_not_matter() {
    let house = House::open();
    let files = [
        ("s/c.yaml", "after: b\npayload: {message: c}\n"),
        ("s/a.yaml", "after: {schedule: The middle, outcome: any}\npayload: {message: a}\n"),
        ("s/b.yaml", "name: The middle\nafter: z\npayload: {message: b}\n"),
        ("s/z.yaml", "schedule: {every: 1h}\npayload: {message: z}\n"),
    ];
    let told = apply(&house, &files);
    let actions: Vec<(&str, &str)> = told.iter().map(|(id, action, _)| (id.as_str(), action.as_str())).collect();
    assert_eq!(actions, [("c", "created"), ("a", "created"), ("b", "created"), ("z", "created")], "{told:?}");
    assert!(apply(&house, &files).iter().all(|(_, action, _)| action == "unchanged"));
    // Turned round in one go.
    let turned = [
        ("s/b.yaml", "schedule: {every: 1h}\npayload: {message: b}\n"),
        ("s/z.yaml", "after: b\npayload: {message: z}\n"),
    ];
    assert!(apply(&house, &turned).iter().all(|(_, action, _)| action == "updated"));
    let circle = [
        ("s/x.yaml", "after: y\npayload: {message: x}\n"),
        ("s/y.yaml", "after: x\npayload: {message: y}\n"),
        ("s/w.yaml", "after: z\npayload: {message: w}\n"),
    ];
    let told = apply(&house, &circle);
    assert_eq!((told[0].1.as_str(), told[1].1.as_str(), told[2].1.as_str()), ("refused", "refused", "created"));
    assert!(told[0].2.contains("'x' waits for 'y', which waits for 'x'"), "{told:?}");
    // One file with several, added as if they were typed.
    let text =
        "- {id: two, after: one, payload: {message: x}}\n- {id: one, schedule: {every: 1h}, payload: {message: x}}\n";
    let file = json!({"path": "n.yaml", "text": text});
    for dry_run in [true, false] {
        house.ask(&Caller::Admin, "add", json!({"file": file, "dry_run": dry_run})).unwrap();
    }
}

#[test]
fn what_the_operator_cancelled_is_not_made_again_by_its_agent() {
    let house = House::open();
    let (ada, bob) = (ada(), Caller::agent("bob"));
    let named = |id: &str| json!({"id": id, "name": "Standup", "schedule": {"every": "1h"}});
    add(&house, &ada, "one", named("one")).unwrap();
    house.ask(&ada, "cancel", json!({"schedule": "one"})).unwrap();
    add(&house, &ada, "two", named("two")).expect("what it cancelled itself");
    add(&house, &bob, "bobs", named("bobs")).unwrap();
    house.ask(&Caller::Admin, "cancel", json!({"schedule": "two"})).unwrap();
    let refused = add(&house, &ada, "three", named("three")).unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    let told = refused.to_string();
    assert!(told.starts_with("name: was cancelled by the operator at "), "{told}");
    assert!(told.contains("agent 'ada' may make it again from ") && told.contains("--agent ada"), "{told}");
    let dry = json!({"schedule": {"name": "Standup", "every": "1h", "message": "x"}, "dry_run": true});
    assert_eq!(house.ask(&ada, "add", dry).unwrap_err().code, Code::Conflict);
    let mut line = named("four");
    line["payload"] = json!({"message": "x"});
    let told = house.ask(&ada, "import", json!({"text": line.to_string()})).unwrap();
    assert_eq!((&told["created"], &told["problems"][0]["problem"]["path"]), (&json!(0), &json!("name")));
    // Nor by way of another name.
    add(&house, &ada, "seven", json!({"name": "Other", "schedule": {"every": "1h"}})).unwrap();
    for dry_run in [true, false] {
        let renamed = json!({"schedule": "seven", "patch": {"name": "Standup"}, "dry_run": dry_run});
        assert_eq!(house.ask(&ada, "update", renamed).unwrap_err().code, Code::Conflict);
    }
    // The operator may, and then it is there; what the agent cancels after that it may make again.
    let again = json!({"id": "five", "name": "Standup", "agent": "ada", "schedule": {"every": "1h"}});
    add(&house, &Caller::Admin, "five", again).unwrap();
    house.ask(&ada, "cancel", json!({"schedule": "five"})).unwrap();
    add(&house, &ada, "six", named("six")).unwrap();
}

#[test]
fn what_starts_others_counts_for_all_of_them() {
    let quota = Quota { fires_per_day: 100, ..Quota::default() };
    let rules = Agent { quota, ..Agent::default() };
    let house = House::with(Agents::from_iter([("ada".to_owned(), rules)]));
    hourly(&house, &ada(), "a");
    for n in 0..3 {
        after(&house, &ada(), &format!("b{n}"), "a").unwrap();
    }
    let over = after(&house, &ada(), "c", "b0").unwrap_err();
    assert_eq!((over.code, over.message.contains("120 dues")), (Code::OverQuota, true), "{over}");
    let patch = json!({"schedule": "a", "patch": {"every": "30m"}});
    let over = house.ask(&ada(), "update", patch).unwrap_err();
    assert_eq!((over.code, over.message.contains("192 dues")), (Code::OverQuota, true), "{over}");
    house.ask(&ada(), "update", json!({"schedule": "a", "patch": {"every": "2h"}})).unwrap();
    for n in 0..4 {
        after(&house, &ada(), &format!("c{n}"), "b0").unwrap();
    }
    assert_eq!(after(&house, &ada(), "d", "b0").unwrap_err().code, Code::OverQuota);
}

#[test]
fn a_run_by_hand_counts_for_all_that_it_starts() {
    let quota = Quota { fires_per_day: 30, ..Quota::default() };
    let rules = Agent { quota, ..Agent::default() };
    let house = House::with(Agents::from_iter([("ada".to_owned(), rules)]));
    add(&house, &ada(), "hub", json!({"schedule": {"in": "20h"}})).unwrap();
    for n in 0..9 {
        after(&house, &ada(), &format!("f{n}"), "hub").unwrap();
    }
    let run = || house.ask(&ada(), "run-now", json!({"schedule": "hub"}));
    run().unwrap();
    run().unwrap();
    let over = run().unwrap_err();
    assert_eq!((over.code, over.message.contains("40 dues")), (Code::OverQuota, true), "{over}");
}

#[test]
fn what_ended_with_its_process_may_be_made_again() {
    let house = House::open();
    let named = |id: &str| json!({"id": id, "name": "Standup", "schedule": {"every": "1h"}, "process_handle": "p1"});
    // Made by the operator, so that no other record of it is the agent's.
    let mut made = named("one");
    made["agent"] = json!("ada");
    add(&house, &Caller::Admin, "one", made).unwrap();
    let told = house.ask(&Caller::Admin, "process-exited", json!({"handle": "p1", "agent": "ada"})).unwrap();
    assert_eq!(told["cancelled"], 1);
    add(&house, &ada(), "two", named("two")).unwrap();
}

#[test]
fn two_rows_are_not_joined_to_one_that_is_too_long() {
    let house = House::open();
    let admin = Caller::Admin;
    for row in ["a", "b"] {
        hourly(&house, &admin, &format!("{row}0"));
        for n in 1..20 {
            after(&house, &admin, &format!("{row}{n}"), &format!("{row}{}", n - 1)).unwrap();
        }
    }
    let why = refusal(update(&house, "b0", json!({"after": "a19"})));
    assert!(why.contains("'a19', the last of 20 in a row, and a row of 19 waits for this one"), "{why}");
    refusal(update(&house, "b0", json!({"after": "a12"})));
    update(&house, "b0", json!({"after": "a11"})).unwrap();
}

#[test]
fn what_is_declared_anew_is_counted_anew() {
    let house = House::open();
    let follower = |n: usize| (format!("s/f{n}.yaml"), format!("after: hub\npayload: {{message: f{n}}}\n"));
    let files = |range: std::ops::Range<usize>| {
        let hub = ("s/hub.yaml".to_owned(), "schedule: {every: 1h}\npayload: {message: x}\n".to_owned());
        let files: Vec<(String, String)> = std::iter::once(hub).chain(range.map(follower)).collect();
        let files: Vec<Value> = files.iter().map(|(path, text)| json!({"path": path, "text": text})).collect();
        let asked = json!({"files": files, "folder": "s", "prune": true});
        let told = house.ask(&Caller::Admin, "apply", asked).unwrap();
        let changes = told["changes"].as_array().unwrap();
        changes.iter().filter(|change| change["action"] == "refused").count()
    };
    assert_eq!(files(0..1), 0);
    assert_eq!(files(1..101), 1, "the first one is pruned only after the others were declared");
    assert_eq!(files(1..101), 0);
    assert_eq!(files(0..101), 1, "it has ended, and there are 100 others");
}

#[test]
fn a_dry_run_promises_nothing_that_is_refused() {
    let house = House::open();
    let admin = Caller::Admin;
    hourly(&house, &admin, "s0");
    for n in 1..32 {
        after(&house, &admin, &format!("s{n}"), &format!("s{}", n - 1)).unwrap();
    }
    for n in 0..99 {
        after(&house, &admin, &format!("f{n}"), "s0").unwrap();
    }
    hourly(&house, &admin, "gone");
    house.ask(&admin, "cancel", json!({"schedule": "gone"})).unwrap();
    let dry = |first: &str| {
        let schedule = json!({"id": "new", "after": first, "payload": {"message": "x"}});
        refusal(house.ask(&admin, "add", json!({"schedule": schedule, "dry_run": true})))
    };
    for (first, why) in [("s31", "the last of 32 in a row"), ("s0", "starts 100 schedules"), ("gone", "has ended")] {
        assert!(dry(first).contains(why), "{first}");
    }
    let patch = json!({"schedule": "s0", "patch": {"after": "s3"}, "dry_run": true});
    assert!(refusal(house.ask(&admin, "update", patch)).contains("close a circle"));
    let files = [("x", "after: s31\n"), ("y", "after: z\n"), ("z", "after: y\n"), ("ok", "after: s1\n")];
    let files: Vec<Value> = files
        .iter()
        .map(|(id, after)| json!({"path": format!("s/{id}.yaml"), "text": format!("{after}payload: {{message: m}}\n")}))
        .collect();
    let told = house.ask(&admin, "apply", json!({"files": files, "folder": "s", "dry_run": true})).unwrap();
    let actions: Vec<&Value> = told["changes"].as_array().unwrap().iter().map(|change| &change["action"]).collect();
    assert_eq!(actions, ["refused", "refused", "refused", "created"], "{told}");
    assert_eq!(
        house
            .ask(&admin, "add", json!({"schedule": {"id": "last", "after": "s1", "message": "x"}, "dry_run": true}))
            .unwrap()["dry_run"],
        true
    );
}

#[test]
fn who_waits_for_a_delivery_of_what_delivers_nothing_is_told() {
    let house = House::open();
    let admin = Caller::Admin;
    add(&house, &admin, "quiet", json!({"schedule": {"every": "1h"}})).unwrap();
    let why = "nothing will start it: 'quiet' has no destination, so its runs end silent and never delivered";
    let told = |told: Value| told["schedules"][0]["warnings"][0].as_str().unwrap_or_default().starts_with(why);
    for dry_run in [true, false] {
        let schedule = json!({"id": "b", "after": "quiet", "message": "x"});
        let answer = house.ask(&admin, "add", json!({"schedule": schedule, "dry_run": dry_run})).unwrap();
        assert!(told(answer.clone()), "{answer}");
    }
    let note = |id: &str| house.ask(&admin, "show", json!({"schedule": id})).unwrap()["note"].clone();
    assert!(note("b").as_str().unwrap().starts_with(why));
    let any = after(&house, &admin, "c", "b").unwrap();
    assert_eq!(any["schedules"][0]["warnings"].as_array().map_or(0, Vec::len), 1, "b delivers nothing, either");
    update(&house, "b", json!({"after": {"schedule": "quiet", "outcome": ["silent", "delivered"]}})).unwrap();
    assert_eq!(note("b"), Value::Null);
    let files = [("s/d.yaml", "after: quiet\npayload: {message: d}\n")];
    assert!(apply(&house, &files)[0].2.starts_with(why));
}
