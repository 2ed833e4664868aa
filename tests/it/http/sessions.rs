//! Sessions over HTTP: what a platform posts, what an agent hears and answers, and whose business that is.

use std::sync::{Arc, Mutex};

use chimewheel::access::{ChatKind, Quota};
use chimewheel::config::{Agent, Agents, Route};
use chimewheel::gateway::{
    Capabilities, Delivery, Gateway, Heard, Inbound, Posted, Receipt, Sender, Sending, Unheard,
};
use chimewheel::limits::{INBOUND_MS_MAX, POSTED_BYTES_MAX, SESSION_ANSWERS_COUNT_MAX};
use chimewheel::runtime::clock::Clock as _;
use chimewheel::runtime::{Gateways, Outside};
use chimewheel::time::Span;
use serde_json::{Value, json};

use super::house::{Answer, House, Message};

const JSON: &str = "content-type: application/json\r\n";
const ADA: &str = "chimewheel-caller: agent=ada\r\n";
const BOB: &str = "chimewheel-caller: agent=bob\r\n";

/// A platform that posts what people write, under a seal.
#[derive(Default)]
struct Chat(Mutex<Vec<String>>);

impl Gateway for Chat {
    fn capabilities(&self) -> Capabilities {
        Capabilities { receives: true, ..Capabilities::PLAIN }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        self.0.lock().unwrap().push(format!("{}: {}", delivery.destination, delivery.text));
        Box::pin(async { Ok(Receipt::default()) })
    }

    fn hear(&self, posted: &Posted<'_>) -> Result<Heard, Unheard> {
        if (posted.header)("x-seal") != Some("right") {
            return Err(Unheard::Forged("the seal is not right".to_owned()));
        }
        let body: Value =
            serde_json::from_slice(posted.body).map_err(|error| Unheard::Unreadable(error.to_string()))?;
        if let Some(challenge) = body["challenge"].as_str() {
            return Ok(Heard::Answer(challenge.to_owned()));
        }
        let message = |written: &Value| Inbound {
            message_id: written[0].as_str().unwrap().to_owned(),
            chat_id: written[1].as_str().unwrap().to_owned(),
            thread: None,
            chat: ChatKind::Direct,
            sender: Sender { id: "42".to_owned(), name: Some("Bo".to_owned()) },
            text: written[2].as_str().unwrap().to_owned(),
            reply_to: None,
            is_addressed: true,
            at: None,
        };
        Ok(Heard::Messages(body.as_array().unwrap().iter().map(message).collect()))
    }
}

/// A platform that posts nothing.
struct Deaf;

impl Gateway for Deaf {
    fn capabilities(&self) -> Capabilities {
        Capabilities { receives: true, ..Capabilities::PLAIN }
    }

    fn send(&self, _: Delivery) -> Sending<'_> {
        Box::pin(async { Ok(Receipt::default()) })
    }
}

/// A house in which chat 9 belongs to bob and every other one to ada, who may have one schedule, due once a day.
fn open() -> (House, Arc<Chat>) {
    again(Arc::new(tempfile::tempdir().unwrap()))
}

fn again(folder: Arc<tempfile::TempDir>) -> (House, Arc<Chat>) {
    let chat = Arc::new(Chat::default());
    let mut gateways = Gateways::new();
    gateways.insert("chat".into(), Arc::clone(&chat) as _);
    gateways.insert("deaf".into(), Arc::new(Deaf));
    let routes = [(Some("9"), "bob"), (None, "ada")].map(|(chat_id, agent)| Route {
        chat_id: chat_id.map(str::to_owned),
        agent: agent.to_owned(),
        ..Route::default()
    });
    let quota = Quota { active: 1, fires_per_day: 1, payload_bytes: 100, ..Quota::default() };
    let agents: Agents =
        ["ada", "bob"].map(|name| (name.to_owned(), Agent { quota, ..Agent::default() })).into_iter().collect();
    let outside = Outside {
        gateways,
        routes: Arc::new(routes.into_iter().collect()),
        agents: Arc::new(agents),
        ..Outside::default()
    };
    (House::with(folder, outside), chat)
}

/// Somebody writes; taken once this is back.
fn write(house: &House, messages: &[(&str, &str, &str)]) {
    let body = json!(messages).to_string();
    let answer = house.ask_with("POST", "/v1/inbound/chat", "x-seal: right\r\n", &body);
    assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{answer:?}");
}

fn say(house: &House, caller: &str, session: &str, key: &str, text: &str) -> Answer {
    let headers = format!("{JSON}{caller}idempotency-key: {key}\r\n");
    house.ask_with("POST", &format!("/v1/sessions/{session}/messages"), &headers, &json!({"text": text}).to_string())
}

/// What stands in a session, once that is so many messages.
fn said(house: &House, session: &str, count: usize) -> Vec<String> {
    loop {
        let shown = house.ask("GET", &format!("/v1/sessions/{session}/messages?limit=1000"), "").json();
        let messages = shown["messages"].as_array().unwrap().clone();
        assert!(messages.len() <= count, "{messages:?}");
        if messages.len() == count {
            let line = |one: &Value| format!("{} {}", one["voice"].as_str().unwrap(), one["text"].as_str().unwrap());
            return messages.iter().map(line).collect();
        }
    }
}

fn texts(messages: &[Message]) -> Vec<String> {
    let line = |one: &Message| format!("{} {} {}", one.name, one.id, one.data["text"].as_str().unwrap_or("-"));
    messages.iter().map(line).collect()
}

#[test]
fn an_agent_hears_what_people_write_and_answers_it_once_and_in_order() {
    let (house, chat) = open();
    let ready = house.feed_of("/v1/inbound", ADA, 1).remove(0);
    assert_eq!((ready.name.as_str(), ready.id.as_str()), ("ready", "0"));
    write(&house, &[("m1", "7", "hello"), ("m2", "9", "to bob"), ("m3", "7", "are you there?")]);
    write(&house, &[("m1", "7", "hello"), ("m4", "7", "/status")]);
    let heard = house.feed_of("/v1/inbound", &format!("{ADA}last-event-id: {}\r\n", ready.id), 2);
    assert_eq!(texts(&heard), ["message 1 hello", "message 3 are you there?"]);
    assert_eq!(
        heard[1].data,
        json!({
            "type": "message", "number": 3, "agent": "ada", "session": "sess_0", "gateway": "chat", "chat_id": "7",
            "chat_type": "dm", "message_id": "m3", "sender": {"id": "42", "name": "Bo"}, "text": "are you there?",
            "received_at": "2026-01-30T14:00:00Z",
        })
    );
    // An answer whose acknowledgement was lost is sent again.
    let first = say(&house, ADA, "sess_0", "m1", "Hello, Bo.");
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None), "{first:?}");
    let again = say(&house, ADA, "sess_0", "m1", "Hello, Bo.");
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(again.json()["schedule"], first.json()["schedule"]);
    assert_eq!(say(&house, ADA, "sess_0", "m1", "Something else.").status, 409);
    for number in 0..5 {
        assert_eq!(say(&house, ADA, "sess_0", &format!("n{number}"), &format!("And {number}.")).status, 201);
    }
    let spoken = said(&house, "sess_0", 8);
    let agent = "agent Hello, Bo.|agent And 0.|agent And 1.|agent And 2.|agent And 3.|agent And 4.";
    assert_eq!(spoken[..2].join("|"), "user hello|user are you there?");
    assert_eq!(spoken[2..].join("|"), agent);
    let sent: Vec<String> =
        chat.0.lock().unwrap().iter().filter(|text| !text.contains("Conversation")).cloned().collect();
    assert_eq!(
        sent,
        ["Hello, Bo.", "And 0.", "And 1.", "And 2.", "And 3.", "And 4."].map(|text| format!("chat:7: {text}"))
    );
}

#[test]
fn the_feed_of_messages_is_taken_up_after_a_restart_and_says_what_it_cannot_tell() {
    let (house, _) = open();
    write(&house, &[("m1", "7", "one"), ("m2", "7", "two"), ("m3", "9", "three")]);
    let folder = Arc::clone(&house.folder);
    drop(house);
    let (house, _) = again(folder);
    write(&house, &[("m4", "7", "four")]);
    let all = house.feed_of("/v1/inbound?after=0", "", 4);
    assert_eq!(texts(&all), ["message 1 one", "message 2 two", "message 3 three", "message 4 four"]);
    assert_eq!(
        texts(&house.feed_of("/v1/inbound?agent=ada", "last-event-id: 1\r\n", 2)),
        ["message 2 two", "message 4 four"]
    );
    assert_eq!(texts(&house.feed_of("/v1/inbound?agent=ada", BOB, 1)), ["ready 4 -"]);
    // Of another store, or one that was restored.
    assert_eq!(texts(&house.feed_of("/v1/inbound", "last-event-id: 99\r\n", 1)), ["reset 4 -"]);
    for wrong in ["x", "-1", "+1", "1.0"] {
        let answer = house.ask_with("GET", "/v1/inbound", &format!("last-event-id: {wrong}\r\n"), "");
        assert_eq!(answer.status, 422, "{wrong}: {answer:?}");
    }
}

#[test]
fn messages_that_are_dropped_are_said_to_be() {
    let (house, _) = open();
    write(&house, &["1", "2", "3", "4", "5"].map(|id| (id, "7", "x")));
    house.clock.set(house.clock.now().plus(Span::from_millis(INBOUND_MS_MAX + 1)));
    write(&house, &[("6", "7", "x"), ("7", "7", "x")]);
    let heard = house.feed_of("/v1/inbound", "last-event-id: 2\r\n", 3);
    assert_eq!(texts(&heard), ["reset 5 -", "message 6 x", "message 7 x"]);
    assert_eq!(texts(&house.feed_of("/v1/inbound", "last-event-id: 5\r\n", 1)), ["message 6 x"]);
}

#[test]
fn another_agents_session_is_answered_like_one_that_nobody_has() {
    let (house, _) = open();
    write(&house, &[("m1", "7", "to ada"), ("m2", "9", "to bob")]);
    let asked = [("GET", ""), ("GET", "/messages"), ("DELETE", "")];
    for (foreign, unknown) in [("sess_0", "sess_5"), ("sess_0", "nothing")] {
        for (method, rest) in asked {
            let ask = |id: &str| house.ask_with(method, &format!("/v1/sessions/{id}{rest}"), BOB, "");
            let (foreign_answer, unknown_answer) = (ask(foreign), ask(unknown));
            assert_eq!((foreign_answer.status, unknown_answer.status), (404, 404), "{method} {rest}");
            assert_eq!(foreign_answer.body.replace(foreign, "ID"), unknown_answer.body.replace(unknown, "ID"));
        }
        assert_eq!(say(&house, BOB, foreign, "k", "hi").status, 404);
    }
    let listed = |caller: &str, query: &str| {
        let sessions = house.ask_with("GET", &format!("/v1/sessions{query}"), caller, "").json()["sessions"].clone();
        sessions.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("", ""), ["sess_1", "sess_0"]);
    assert_eq!(listed(BOB, "?agent=ada"), ["sess_1"]);
    assert_eq!(listed("", "?chat_id=7&gateway=chat&active=true"), ["sess_0"]);
    assert_eq!(listed("", "?gateway=deaf"), Vec::<String>::new());
    let page = house.ask("GET", "/v1/sessions?limit=1", "");
    assert_eq!(page.header("link"), Some("</v1/sessions?limit=1&cursor=1>; rel=\"next\""), "{page:?}");
    assert_eq!(listed("", "?limit=1&cursor=1"), ["sess_0"]);
}

#[test]
fn a_session_that_is_over_takes_no_answer_and_says_what_goes_on() {
    let (house, _) = open();
    write(&house, &[("m1", "7", "hello")]);
    assert_eq!(say(&house, ADA, "sess_0", "k1", "hi").status, 201);
    let ended = house.ask_with("DELETE", "/v1/sessions/sess_0", ADA, "");
    assert_eq!((ended.status, &ended.json()["ended_by"]), (200, &json!("request")), "{ended:?}");
    let detail = |answer: Answer| (answer.status, answer.json()["detail"].as_str().unwrap().to_owned());
    let begins = "session sess_0 is over: the next message in its chat begins another";
    assert_eq!(detail(house.ask_with("DELETE", "/v1/sessions/sess_0", ADA, "")), (409, begins.to_owned()));
    // What was taken before the end is known after it.
    assert_eq!(say(&house, ADA, "sess_0", "k1", "hi").status, 200);
    write(&house, &[("m2", "7", "hello again")]);
    let told = detail(say(&house, ADA, "sess_0", "k2", "hi"));
    assert_eq!(told.0, 409);
    assert!(told.1.starts_with("session sess_0 is over: sess_") && told.1.contains("goes on there;"), "{}", told.1);
    let audit = house.ask_with("POST", "/v1/ops/audit", JSON, "{}").json();
    let records = audit["records"].as_array().unwrap();
    let told: Vec<String> =
        records.iter().map(|one| format!("{} {} {}", one["agent"], one["operation"], one["conversation"])).collect();
    assert_eq!(told, [r#""ada" "session-end" "sess_0""#, r#""ada" "session-answer" "sess_0""#]);
}

#[test]
fn answers_are_no_schedules_of_their_agent_and_have_limits_of_their_own() {
    let (house, _) = open();
    write(&house, &[("m1", "7", "hello")]);
    let body = json!({"schedule": {"in": "1d"}, "payload": {"message": "x"}}).to_string();
    let headers = format!("{JSON}{ADA}");
    assert_eq!(house.ask_with("POST", "/v1/schedules", &headers, &body).status, 201);
    assert_eq!(house.ask_with("POST", "/v1/schedules", &headers, &body).status, 429);
    for number in 0..SESSION_ANSWERS_COUNT_MAX {
        assert_eq!(say(&house, ADA, "sess_0", &format!("k{number}"), "hi").status, 201, "{number}");
    }
    let refused = say(&house, ADA, "sess_0", "k", "hi");
    assert!(refused.status == 429 && refused.body.contains("has had 60 answers within a minute"), "{refused:?}");
    assert_eq!(say(&house, ADA, "sess_0", "k0", "hi").status, 200, "one that was taken is known");
    for (text, why) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("x\0", "NUL"),
        (&*"ü".repeat(51), "is 102 bytes long, more than 100"),
    ] {
        let refused = say(&house, ADA, "sess_0", "new", text);
        assert!(refused.status == 422 && refused.body.contains(why), "{text:?}: {refused:?}");
    }
    let strict = |body: &str| house.ask("POST", "/v1/sessions/sess_0/messages", body).status;
    assert_eq!([strict("{}"), strict(r#"{"text": "x", "reply_to": "m1"}"#), strict("[]")], [400, 400, 400]);
    // Nothing of all that is in a list.
    let listed = house.ask_with("GET", "/v1/schedules?all=true", ADA, "").json();
    assert_eq!(listed["schedules"].as_array().unwrap().len(), 1);
    assert_eq!(house.ask_with("GET", "/v1/export", ADA, "").body.lines().count(), 1);
    said(&house, "sess_0", 1 + SESSION_ANSWERS_COUNT_MAX as usize);
    assert_eq!(house.feed("last-event-id: 0\r\n", 1)[0].data["agent"], "ada");
    let status = house.ask("GET", "/v1/status", "").json();
    assert_eq!(status["sessions"], json!({"active": 1, "kept": 1}));
}

#[test]
fn what_a_conversation_made_is_shown_by_id_and_not_changed() {
    let (house, _) = open();
    write(&house, &[("m1", "7", "hello")]);
    let answered = say(&house, ADA, "sess_0", "k", "hi");
    let address = answered.header("location").unwrap();
    said(&house, "sess_0", 2);
    assert_eq!(house.ask_with("GET", address, ADA, "").json()["destination"], "chat:7");
    let runs = house.ask_with("GET", &format!("{address}/runs"), ADA, "").json();
    assert_eq!(runs["runs"][0]["outcome"], "delivered");
    for rest in ["/pause", "/resume", "/run"] {
        assert_eq!(house.ask_with("POST", &format!("{address}{rest}"), ADA, "").status, 409, "{rest}");
    }
    let patch = r#"{"payload": {"message": "other"}}"#;
    assert_eq!(house.ask_with("PATCH", address, &format!("{JSON}{ADA}"), patch).status, 409);
}

#[test]
fn a_tool_called_from_a_session_sends_to_its_chat() {
    let (house, _) = open();
    write(&house, &[("m1", "7", "remind me"), ("m2", "9", "hello")]);
    let call = |caller: &str| {
        let headers = format!("{JSON}chimewheel-caller: agent=ada&{caller}\r\n");
        let body = json!({"schedule": {"in": "2h"}, "payload": {"message": "PR"}}).to_string();
        house.ask_with("POST", "/v1/schedules", &headers, &body)
    };
    // Neither another agent's nor an unknown one; any other text is only noted.
    for foreign in ["session=sess_1", "session=sess_7"] {
        let refused = call(foreign);
        assert!(refused.status == 404 && refused.body.contains("session not found"), "{foreign}: {refused:?}");
    }
    let created = call("session=sess_0");
    assert_eq!(created.status, 201, "{created:?}");
    let shown = house.ask("GET", created.header("location").unwrap(), "").json();
    assert_eq!(shown["destination"], "chat:7");
    assert_eq!(shown["declaration"]["created_by_session"], "sess_0");
    let elsewhere = call("session=s1&gateway=chat&chat_id=8");
    assert_ne!(elsewhere.status, 404, "{elsewhere:?}");
}

#[test]
fn a_platform_is_known_by_its_seal_and_comes_by_any_name() {
    let (house, _) = open();
    let post = |path: &str, headers: &str, body: &str| house.ask_with("POST", path, headers, body);
    let sealed =
        "x-seal: right\r\nhost: bot.example.org\r\norigin: https://slack.example\r\naccept: application/json\r\n";
    let challenged = post("/v1/inbound/chat", sealed, r#"{"challenge": "3eZbrw1aB"}"#);
    assert_eq!((challenged.status, challenged.body.as_str()), (200, "3eZbrw1aB"));
    assert_eq!(challenged.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(post("/v1/inbound/chat", "x-seal: wrong\r\n", "[]").status, 401);
    assert_eq!(post("/v1/inbound/chat", "", "[]").status, 401);
    assert_eq!(post("/v1/inbound/chat", sealed, "{").status, 400);
    let long = "x".repeat(POSTED_BYTES_MAX + 1);
    assert_eq!(post("/v1/inbound/chat", sealed, &long).status, 413);
    let (closed, unknown) = (post("/v1/inbound/deaf", sealed, "[]"), post("/v1/inbound/none", sealed, "[]"));
    assert_eq!((closed.status, unknown.status), (404, 404));
    assert_eq!(closed.body.replace("deaf", "none"), unknown.body);
    assert_eq!(house.ask("GET", "/v1/inbound/chat", "").status, 405);
    // Everything else is for this machine.
    assert_eq!(house.ask_with("GET", "/v1/sessions", "host: bot.example.org\r\n", "").status, 403);
    write(&house, &[("m1", "7", "hello"), ("m2", "7", "/new"), ("m1", "7", "hello")]);
    let metrics = house.ask("GET", "/metrics", "").body;
    for (result, count) in [("taken", 2), ("known", 1)] {
        let line = format!("chimewheel_inbound_messages_total{{gateway=\"chat\",result=\"{result}\"}} {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert!(metrics.contains("\nchimewheel_sessions_active 0\n"), "{metrics}");
}
