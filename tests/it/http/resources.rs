//! The resources: what they answer, what they refuse, and that their description is of them.

use expect_test::{expect, expect_file};
use serde_json::{Value, json};

use super::house::House;

const EVERY: &str = r#"{"id": "tick", "name": "Tick", "labels": {"team": "core"},
    "schedule": {"every": "1h"}, "payload": {"message": "tick"}}"#;

fn filled(count: usize) -> House {
    let house = House::open();
    for number in 0..count {
        let body = json!({"id": format!("s{number}"), "schedule": {"every": "1h"}, "payload": {"message": "x"}});
        assert_eq!(house.ask("POST", "/v1/schedules", &body.to_string()).status, 201);
    }
    house
}

#[test]
fn a_schedule_is_created_read_changed_and_ended() {
    let house = House::open();
    let created = house.ask("POST", "/v1/schedules", EVERY);
    assert_eq!((created.status, created.header("location")), (201, Some("/v1/schedules/tick")));
    assert_eq!((created.header("etag"), &created.json()["id"]), (Some("\"1\""), &json!("tick")));
    let shown = house.ask("GET", "/v1/schedules/tick", "");
    assert_eq!((shown.status, &shown.json()["status"]), (200, &json!("active")));
    let patched = house.ask("PATCH", "/v1/schedules/tick", r#"{"name": "Tock", "labels": null}"#);
    assert_eq!((patched.status, &patched.json()["fields"]), (200, &json!(["labels", "name"])), "{patched:?}");
    for (action, status) in [("pause", "paused"), ("resume", "active")] {
        let set = house.ask("POST", &format!("/v1/schedules/tick/{action}"), "");
        assert_eq!((set.status, &set.json()["status"]), (200, &json!(status)));
    }
    let noted = house.ask("POST", "/v1/schedules/tick/pause", r#"{"note": "on holiday"}"#).json();
    assert_eq!(noted["note"], "on holiday");
    let listed = house.ask("GET", "/v1/schedules?status=paused", "").json();
    assert_eq!(listed["schedules"][0]["note"], "on holiday");
    for (body, status) in [(r#"{"nota": "x"}"#, 400), (r#"{"note": 7}"#, 400), (r#"{"note": ""}"#, 422)] {
        assert_eq!(house.ask("POST", "/v1/schedules/tick/pause", body).status, status, "{body}");
    }
    let resumed = house.ask("POST", "/v1/schedules/tick/resume", "").json();
    assert_eq!((&resumed["status"], &resumed["note"]), (&json!("active"), &Value::Null));
    let letters = house.ask("GET", "/v1/dead-letters?limit=5", "");
    assert_eq!((letters.status, letters.json()), (200, json!({"dead_letters": [], "cut": false})));
    let run = house.ask("POST", "/v1/schedules/tick/run", "");
    assert_eq!((run.status, run.header("location")), (202, Some("/v1/schedules/tick/runs")));
    let runs = house.ask("GET", "/v1/schedules/tick/runs?since=2026-01-30T13:59:00Z", "");
    assert_eq!(runs.json()["runs"][0]["cause"], "manual", "{runs:?}");
    let times = house.ask("GET", "/v1/schedules/tick/occurrences?n=2", "").json();
    assert_eq!(times["next"], json!(["2026-01-30T15:00:00Z", "2026-01-30T16:00:00Z"]));
    let ended = house.ask("DELETE", "/v1/schedules/tick", "");
    assert_eq!((ended.status, &ended.json()["status"]), (200, &json!("cancelled")));
    let all = house.ask("GET", "/v1/schedules?all=true&name=Tock", "").json();
    assert_eq!(all["schedules"][0]["status"], "cancelled", "its history stays");
    assert_eq!(house.ask("PATCH", "/v1/schedules/tick", r#"{"name": "x"}"#).status, 409);
}

#[test]
fn a_change_of_what_was_changed_meanwhile_is_not_made() {
    let house = House::open();
    house.ask("POST", "/v1/schedules", EVERY);
    let shown = house.ask("GET", "/v1/schedules/tick", "");
    let tag = shown.header("etag").unwrap();
    let known = house.ask_with("GET", "/v1/schedules/tick", &format!("if-none-match: {tag}\r\n"), "");
    assert_eq!((known.status, known.header("etag"), known.body.as_str()), (304, Some(tag), ""));
    // What was shown has changed, the declaration has not: the tag still allows a change, and news are told.
    house.ask("POST", "/v1/schedules/tick/run", "");
    house.ask("POST", "/v1/schedules/tick/pause", "");
    let news = house.ask_with("GET", "/v1/schedules/tick", &format!("if-none-match: {tag}\r\n"), "");
    assert_eq!(news.status, 200);
    let headers = |tag: &str| format!("content-type: application/merge-patch+json\r\nif-match: {tag}\r\n");
    let first = house.ask_with("PATCH", "/v1/schedules/tick", &headers(tag), r#"{"name": "A"}"#);
    assert_eq!((first.status, first.header("etag")), (200, Some("\"2\"")), "{first:?}");
    let second = house.ask_with("PATCH", "/v1/schedules/tick", &headers(tag), r#"{"name": "B"}"#);
    let current = house.ask("GET", "/v1/schedules/tick", "");
    assert_eq!((second.status, second.header("etag")), (412, current.header("etag")), "{second:?}");
    assert_eq!(current.json()["name"], "A");
    for (method, path) in [("DELETE", ""), ("POST", "/pause"), ("POST", "/run"), ("POST", "/resume")] {
        let path = format!("/v1/schedules/tick{path}");
        for tag in ["\"1\"", "\"7-abc\"", "nonsense", "\"\""] {
            let refused = house.ask_with(method, &path, &format!("if-match: {tag}\r\n"), "");
            assert_eq!((refused.status, &refused.json()["code"]), (412, &json!("stale")), "{method} {path} {tag}");
        }
    }
    let ended = house.ask_with("DELETE", "/v1/schedules/tick", "if-match: \"2\"\r\n", "");
    assert_eq!(ended.status, 200);
}

#[test]
fn a_create_that_is_repeated_creates_once() {
    let house = House::open();
    let body = r#"{"schedule": {"every": "1h"}, "payload": {"message": "x"}}"#;
    let headers = "content-type: application/json\r\nidempotency-key: \"k-1\"\r\n";
    let first = house.ask_with("POST", "/v1/schedules", headers, body);
    let again = house.ask_with("POST", "/v1/schedules", headers, body);
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(first.json()["id"], again.json()["id"]);
    let other = r#"{"client_token": "k-2", "schedule": {"every": "1h"}, "payload": {"message": "x"}}"#;
    assert_eq!(house.ask_with("POST", "/v1/schedules", headers, other).status, 422);
    let whole = r#"{"max_runs": 5.0, "schedule": {"every": "1h"}, "payload": {"message": "x"}}"#;
    assert_eq!(house.ask("POST", "/v1/schedules?dry_run=true", whole).status, 200, "5.0 is a whole number");
    let dry = house.ask("POST", "/v1/schedules?dry_run=true", body);
    assert_eq!((dry.status, dry.header("location")), (200, None));
    assert_eq!(house.ask("GET", "/v1/schedules", "").json()["schedules"].as_array().unwrap().len(), 1);
}

#[test]
fn pages_follow_one_another_to_the_end() {
    let house = filled(7);
    let mut path = "/v1/schedules?limit=3&status=active".to_owned();
    let mut ids = Vec::new();
    loop {
        let page = house.ask("GET", &path, "");
        ids.extend(page.json()["schedules"].as_array().unwrap().iter().map(|line| line["id"].clone()));
        let Some(link) = page.header("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        assert!(path.contains("limit=3") && path.contains("status=active"), "{path}");
    }
    assert_eq!(ids, (0..7).map(|number| json!(format!("s{number}"))).collect::<Vec<_>>());
    for _ in 0..5 {
        house.ask("POST", "/v1/schedules/s0/run", "");
    }
    let mut path = "/v1/schedules/s0/runs?limit=2".to_owned();
    let mut dues = Vec::new();
    loop {
        let page = house.ask("GET", &path, "");
        dues.extend(page.json()["runs"].as_array().unwrap().iter().map(|run| run["due"]["utc"].to_string()));
        let Some(link) = page.header("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(dues.len(), 5, "{dues:?}");
    assert!(dues.is_sorted_by(|newer, older| newer > older), "each once, the newest first: {dues:?}");
}

#[test]
fn filters_choose() {
    let house = filled(2);
    house.ask("POST", "/v1/schedules", EVERY);
    house.ask("POST", "/v1/schedules/s1/pause", "");
    house.ask("POST", "/v1/schedules/tick/run", "");
    for (query, expected) in [
        ("status=paused", &["s1"][..]),
        ("label=team", &["tick"]),
        ("label=team%3Dcore", &["tick"]),
        ("label=team%3Dother", &[]),
        ("name=Tick", &["tick"]),
        ("agent=nobody", &[]),
        ("outcome=failed", &[]),
        ("status=active", &["s0", "tick"]),
    ] {
        let listed = house.ask("GET", &format!("/v1/schedules?{query}"), "").json();
        let ids: Vec<&str> =
            listed["schedules"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
}

/// Method, path, headers, body; status and a part of the problem.
type Refused = (&'static str, &'static str, &'static str, &'static str, u16, &'static str);

const REFUSED: &[Refused] = &[
    ("GET", "/v1/schedules/nobody", "", "", 404, "schedule not found: nobody"),
    ("GET", "/v1/nothing", "", "", 404, "there is nothing at /v1/nothing"),
    ("PUT", "/v1/schedules/tick", "", "", 405, "PUT is not allowed here"),
    ("OPTIONS", "/v1/schedules", "", "", 405, "OPTIONS is not allowed here"),
    ("GET", "/v1/schedules?limt=3", "", "", 400, "did you mean 'limit'?"),
    ("GET", "/v1/schedules?limit=0", "", "", 400, "a whole number from 1 to 1000"),
    ("GET", "/v1/schedules?limit=1&limit=2", "", "", 400, "is given twice"),
    ("GET", "/v1/schedules?all=1", "", "", 400, "true or false"),
    ("GET", "/v1/schedules?status=dead", "", "", 400, "active, paused, completed, cancelled"),
    ("GET", "/v1/schedules?name=%ff", "", "", 400, "is not UTF-8"),
    ("GET", "/v1/schedules/%ff", "", "", 400, "is not UTF-8"),
    ("GET", "/v1/schedules?cursor=mine", "", "", 422, "is not one of ours"),
    ("GET", "/v1/schedules/tick/runs?since=yesterday", "", "", 400, "an RFC 3339 time"),
    ("GET", "/v1/schedules", "accept: text/html\r\n", "", 406, "application/json only"),
    ("GET", "/v1/schedules", "accept: application/json;q=0\r\n", "", 406, "application/json only"),
    ("GET", "/v1/events", "last-event-id: x\r\n", "", 422, "is not one of our cursors"),
    ("POST", "/v1/schedules/tick/resume", "", "{}", 400, "nothing here would read it"),
    ("POST", "/v1/schedules", "", "", 415, "content-type application/json"),
    ("POST", "/v1/schedules", "content-type: text/json\r\n", "{}", 415, "content-type application/json"),
    ("POST", "/v1/schedules", "content-type: application/json\r\n", "{", 400, "is not JSON"),
    ("POST", "/v1/schedules", "content-type: application/json\r\n", "[]", 400, "write a JSON object"),
    ("POST", "/v1/schedules", "content-type: application/json\r\n", r#"{"nam": "x"}"#, 400, "did you mean 'name'?"),
    ("POST", "/v1/schedules", "content-type: application/json\r\n", r#"{"max_runs": "5"}"#, 400, "invalid type"),
    ("POST", "/v1/schedules", "content-type: application/json\r\n", "{}", 422, "problems"),
    ("POST", "/v1/schedules", "content-type: application/json\r\n", EVERY, 409, "exists already"),
    ("PATCH", "/v1/schedules/tick", "content-type: application/json\r\n", r#"{"id": "x"}"#, 422, "cannot change"),
    ("POST", "/v1/preview", "content-type: application/json\r\n", r#"{"crn": "x"}"#, 400, "unknown field"),
    (
        "POST",
        "/v1/preview",
        "content-type: application/json\r\n",
        r#"{"cron": "0 25 * * *"}"#,
        422,
        "hours are 0 to 23",
    ),
    ("POST", "/v1/schedules:bulk", "content-type: application/json\r\n", "{}", 415, "application/jsonl"),
    ("GET", "/v1/status", "chimewheel-caller: agent=ada\r\n", "", 403, "is for the admin"),
];

#[test]
fn refusals_are_problem_documents() {
    let house = House::open();
    house.ask("POST", "/v1/schedules", EVERY);
    for (method, path, headers, body, status, part) in REFUSED {
        let answer = house.ask_with(method, path, headers, body);
        assert_eq!(answer.status, *status, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        let document = answer.json();
        assert_eq!(document["status"], *status, "{method} {path}");
        assert!(answer.body.contains(part), "{method} {path}: {answer:?}");
        assert_eq!(*status == 405, answer.header("allow").is_some(), "{method} {path}");
    }
    let long = house.ask("GET", &format!("/v1/schedules?name={}", "x".repeat(9000)), "");
    assert_eq!((long.status, &long.json()["code"]), (414, &json!("url-too-long")));
    let heads = house.ask_with("GET", "/v1/schedules", &format!("x: {}\r\n", "x".repeat(20_000)), "");
    assert_eq!((heads.status, &heads.json()["code"]), (431, &json!("headers-too-large")));
    let head = house.ask("HEAD", "/v1/schedules/tick", "");
    assert_eq!((head.status, head.body.as_str(), head.header("etag").is_some()), (200, "", true));
}

#[test]
fn an_agent_meets_its_own_schedules_here_too() {
    let house = House::open();
    let (ada, bob) = ("chimewheel-caller: agent=ada\r\n", "chimewheel-caller: agent=bob\r\n");
    let as_ada = format!("{ada}content-type: application/json\r\n");
    assert_eq!(house.ask_with("POST", "/v1/schedules", &as_ada, EVERY).status, 201);
    for path in ["", "/runs", "/occurrences"] {
        let foreign = house.ask_with("GET", &format!("/v1/schedules/tick{path}"), bob, "");
        let unknown = house.ask_with("GET", &format!("/v1/schedules/nobody{path}"), bob, "");
        assert_eq!(foreign.status, 404);
        assert_eq!(foreign.body.replace("tick", "nobody"), unknown.body);
    }
    assert_eq!(house.ask_with("GET", "/v1/export", bob, "").body, "");
    assert_eq!(house.ask_with("GET", "/v1/export", ada, "").body.lines().count(), 1);
}

#[test]
fn whoever_asks_too_often_is_asked_to_wait() {
    let house = House::open();
    let mut refused = None;
    for _ in 0..3 * chimewheel::limits::RATE_BURST_COUNT_MAX {
        let answer = house.ask("GET", "/v1/schedules", "");
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    // A machine too slow to ask that often is never refused.
    let Some(refused) = refused else { return };
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(house.ask("GET", "/healthz", "").status, 200);
}

/// Every program that was made from the description relies on it, so a change of it is a change of this file.
#[test]
fn the_description_is_as_written_down() {
    let document = chimewheel::surface::http::document();
    expect_file!["../../data/openapi.json"].assert_eq(&format!("{document:#}\n"));
    let house = House::open();
    let answered = house.ask("GET", "/openapi.json", "").json();
    assert_eq!(answered, document);
    // Whatever is described is there, behind the door or open, with its methods.
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{id}", "nobody");
            let answer = house.ask_with(&method.to_uppercase(), &path, "chimewheel-caller: nobody\r\n", "");
            let is_open = methods[method].get("security") == Some(&json!([]));
            assert_eq!(answer.status, if is_open { 200 } else { 400 }, "{method} {path}: {answer:?}");
        }
    }
}

#[test]
fn references_of_the_description_lead_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = chimewheel::surface::http::document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn metrics_tell_what_was_done() {
    let house = filled(3);
    house.ask("POST", "/v1/schedules/s0/run", "");
    house.ask("GET", "/v1/nothing", "");
    let answer = house.ask_with("GET", "/metrics", "", "");
    assert_eq!(answer.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    let wanted = ["chimewheel_schedules{", "chimewheel_http_requests_total{", "chimewheel_up ", "chimewheel_retries"];
    let mut told: Vec<&str> =
        answer.body.lines().filter(|line| wanted.iter().any(|wanted| line.starts_with(wanted))).collect();
    told.sort_unstable();
    let told: String = told.into_iter().map(|line| format!("{line}\n")).collect();
    expect![[r#"
        chimewheel_http_requests_total{route="/v1/schedules",method="POST",status="201"} 3
        chimewheel_http_requests_total{route="/v1/schedules/{id}/run",method="POST",status="202"} 1
        chimewheel_http_requests_total{route="none",method="GET",status="404"} 1
        chimewheel_retries_total 0
        chimewheel_schedules{state="armed"} 3
        chimewheel_schedules{state="held"} 3
        chimewheel_schedules{state="known"} 3
        chimewheel_up 1
    "#]]
    .assert_eq(&told);
    assert!(answer.body.ends_with("# EOF\n"));
}

#[test]
fn dead_letters_are_a_resource() {
    let house = House::open();
    // The house has no gateway at all, so nothing is delivered.
    let body = r#"{"id": "note", "schedule": {"every": "1h"}, "payload": {"message": "hello"},
        "destination": {"gateway": "console", "chat_id": "me"}}"#;
    assert_eq!(house.ask("POST", "/v1/schedules", body).status, 201);
    house.ask("POST", "/v1/schedules/note/run", "");
    let letter = || {
        loop {
            let listed =
                house.ask("GET", "/v1/dead-letters?schedule=note&gateway=console&since=2026-01-01T00:00:00Z", "");
            if let Some(id) = listed.json()["dead_letters"][0]["id"].as_str() {
                return id.to_owned();
            }
        }
    };
    let id = letter();
    assert!(id.starts_with("note:1:17697815"), "{id}");
    let shown = house.ask("GET", &format!("/v1/dead-letters/{id}"), "");
    assert_eq!((shown.status, &shown.json()["message"]), (200, &json!("hello")));
    let tried = house.ask("POST", &format!("/v1/dead-letters/{id}/retry?dry_run=true"), "");
    assert_eq!((tried.status, &tried.json()["dry_run"]), (202, &json!(true)));
    let tried = house.ask("POST", &format!("/v1/dead-letters/{id}/retry"), "");
    assert_eq!((tried.status, tried.header("location")), (202, Some(&*format!("/v1/dead-letters/{id}"))));
    letter();
    let tried = house.ask("POST", "/v1/dead-letters/retry", r#"{"all": true, "agent": "default"}"#);
    assert_eq!((tried.status, &tried.json()["count"]), (202, &json!(1)), "{tried:?}");
    letter();
    for (method, path, body, status) in [
        ("GET", "/v1/dead-letters/nobodys:1:1", "", 404),
        ("POST", "/v1/dead-letters/note:1:1/retry", "", 404),
        ("POST", "/v1/dead-letters/retry", "{}", 422),
        ("POST", "/v1/dead-letters/retry", r#"{"al": true}"#, 400),
        ("POST", "/v1/dead-letters/drop", r#"{"all": true, "schedule": "nobodys"}"#, 404),
        ("DELETE", &*format!("/v1/dead-letters/{id}"), "", 200),
        ("DELETE", &*format!("/v1/dead-letters/{id}"), "", 409),
        ("POST", "/v1/dead-letters/drop", r#"{"all": true}"#, 200),
    ] {
        let answer = house.ask(method, path, body);
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
    }
    let listed = house.ask("GET", "/v1/dead-letters", "");
    assert_eq!(listed.json()["dead_letters"], json!([]));
}
