//! The Matrix gateway: what it sends, what each answer means to it, and what it makes of a homeserver's news.

use std::sync::Arc;

use chimewheel::config::{self, Markup};
use chimewheel::gateway::{ChatKind, Delivery, Gateway, Inbound, Secrets, Sender, matrix};
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;
use serde_json::{Value, json};

use super::conformance::{Adapter, Said, delivery, send};
use super::inbox::{Noted, Step, listen_until};
use crate::standin::{Play, Received, Standin};

pub const ADAPTER: Adapter = Adapter {
    name: "matrix",
    open: |url, timeout| open(url, timeout, false),
    taken: |id| Play::json(200, &json!({"event_id": id})),
    refused: || Play::json(403, &json!({"errcode": "M_FORBIDDEN", "error": "User not in room"})),
    broken: || Play::json(500, &json!({"errcode": "M_UNKNOWN", "error": "Internal server error"})),
    busy: |seconds| Play::json(429, &json!({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": seconds * 1000})),
    read: |request| {
        let body = request.json();
        let path: Vec<&str> = request.target.split('/').collect();
        let ["", "_matrix", "client", "v3", "rooms", chat, "send", "m.room.message", key] = path[..] else {
            panic!("{path:?}")
        };
        Said {
            chat: chat.to_owned(),
            thread: body["m.relates_to"]["event_id"].as_str().map(str::to_owned),
            text: body["body"].as_str().unwrap().to_owned(),
            key: Some(key.to_owned()),
        }
    },
    takes_empty: false,
    chat: "team-7",
};

fn config(url: &str) -> config::Matrix {
    let (format, timeout) = (Markup::Plain, Span::from_seconds(5));
    config::Matrix { base_url: url.to_owned(), token: None, user: None, join: false, format, timeout }
}

fn open(url: &str, timeout: Span, join: bool) -> Arc<dyn Gateway> {
    let secrets = Secrets { token: Some("t0ken".into()), ..Secrets::default() };
    matrix::open(&config::Matrix { timeout, join, ..config(url) }, &secrets).unwrap()
}

fn to(chat: &str) -> Delivery {
    let mut delivery = delivery("Good morning");
    delivery.destination.chat_id = chat.to_owned();
    delivery
}

fn error(code: &str, words: &str) -> Value {
    json!({"errcode": code, "error": words})
}

#[test]
fn an_event_is_as_the_guide_says() {
    let server = Standin::start(|_| Play::json(200, &json!({"event_id": "$1"})));
    let gateway = open(&server.url("/hs/"), Span::from_seconds(5), false);
    let mut threaded = to("!a/b:example.org");
    threaded.destination.thread = Some("$root".to_owned());
    assert!(send(&gateway, vec![threaded]).pop().unwrap().is_ok());
    let (request, _) = server.next();
    let path = "/hs/_matrix/client/v3/rooms/!a%2Fb:example.org/send/m.room.message/3kTMd9zQ7xYhLp0VbWfNa1";
    assert_eq!(request.target, path);
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
    expect![[r#"
        {
          "body": "Good morning",
          "m.mentions": {},
          "m.relates_to": {
            "event_id": "$root",
            "is_falling_back": true,
            "m.in_reply_to": {
              "event_id": "$root"
            },
            "rel_type": "m.thread"
          },
          "msgtype": "m.text"
        }"#]]
    .assert_eq(&format!("{:#}", request.json()));
}

#[test]
fn markdown_goes_as_html_with_a_plain_copy_as_long_as_there_is_room() {
    let server = Standin::start(|_| Play::json(200, &json!({"event_id": "$1"})));
    let secrets = Secrets { token: Some("t0ken".into()), ..Secrets::default() };
    let gateway =
        matrix::open(&config::Matrix { format: Markup::Markdown, ..config(&server.url("")) }, &secrets).unwrap();
    let sent = |text: &str| {
        let delivery = Delivery { text: text.to_owned(), ..to("!a:example.org") };
        assert!(send(&gateway, vec![delivery]).pop().unwrap().is_ok());
        server.next().0.json()
    };
    expect![[r#"
        {
          "body": "Good morning, <b>all</b>",
          "format": "org.matrix.custom.html",
          "formatted_body": "<p><strong>Good</strong> morning, &lt;b&gt;all&lt;/b&gt;</p>",
          "m.mentions": {},
          "msgtype": "m.text"
        }"#]]
    .assert_eq(&format!("{:#}", sent("**Good** morning, <b>all</b>")));
    let many = "\"".repeat(16_000);
    assert_eq!(gateway.capabilities().text.room(), Some(16 * 1024));
    let (usual, crowded) = (sent(&"**word** ".repeat(1700)), sent(&many));
    assert!(usual["formatted_body"].as_str().is_some_and(|html| html.contains("<strong>word")));
    assert_eq!((&crowded["body"], &crowded["format"]), (&json!(many), &Value::Null));
}

#[test]
fn an_alias_is_looked_up_once_and_again_when_its_room_refuses() {
    let server = Standin::start(|request| match (request.target.contains("/directory/"), request.number) {
        (true, _) => Play::json(200, &json!({"room_id": "!r:example.org", "servers": []})),
        (false, 3) => Play::json(403, &error("M_FORBIDDEN", "no")),
        (false, _) => Play::json(200, &json!({"event_id": "$1"})),
    });
    let gateway = open(&server.url(""), Span::from_seconds(5), false);
    let answers: Vec<bool> = (0..4).map(|_| send(&gateway, vec![to("#team:example.org")])[0].is_ok()).collect();
    assert_eq!(answers, [true, true, false, true]);
    let targets: String = std::iter::from_fn(|| server.poll()).map(|(request, _)| request.target + "\n").collect();
    expect![[r#"
        /_matrix/client/v3/directory/room/%23team:example.org
        /_matrix/client/v3/rooms/!r:example.org/send/m.room.message/3kTMd9zQ7xYhLp0VbWfNa1
        /_matrix/client/v3/rooms/!r:example.org/send/m.room.message/3kTMd9zQ7xYhLp0VbWfNa1
        /_matrix/client/v3/rooms/!r:example.org/send/m.room.message/3kTMd9zQ7xYhLp0VbWfNa1
        /_matrix/client/v3/directory/room/%23team:example.org
        /_matrix/client/v3/rooms/!r:example.org/send/m.room.message/3kTMd9zQ7xYhLp0VbWfNa1
    "#]]
    .assert_eq(&targets);
}

#[test]
fn what_each_answer_means_is_said_with_the_way_out() {
    let cases = [
        (400, error("M_INVALID_PARAM", "not a room")),
        (401, error("M_UNKNOWN_TOKEN", "Invalid access token passed.")),
        (403, error("M_FORBIDDEN", "User @bot:example.org not in room")),
        (404, error("M_NOT_FOUND", "Room alias not found")),
        (404, error("M_UNRECOGNIZED", "Unrecognized request")),
        (404, Value::Null),
        (413, error("M_TOO_LARGE", "event too large")),
        (429, json!({"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 4413})),
        (429, Value::Null),
        (301, Value::Null),
        (500, error("M_UNKNOWN", "Internal server error")),
        (502, Value::Null),
        (504, Value::Null),
        (200, Value::Null),
    ];
    let mut meanings = String::new();
    for (status, body) in cases {
        let played = body.clone();
        let server = Standin::start(move |_| Play::json(status, &played).with("Retry-After", "9"));
        let gateway = open(&server.url(""), Span::from_seconds(5), false);
        let error = send(&gateway, vec![to("!r:example.org")]).pop().unwrap().unwrap_err();
        meanings += &(super::meaning(&error) + "\n");
    }
    let gateway = open("http://127.0.0.1:1", Span::from_seconds(5), false);
    meanings += &format!("{}\n", send(&gateway, vec![to("@ada:example.org")])[0].clone().unwrap_err());
    let controls = Delivery { text: "\u{1}".repeat(20_000), ..to("!r:example.org") };
    meanings += &format!("{}\n", send(&gateway, vec![controls])[0].clone().unwrap_err());
    expect![[r#"
        permanent: the answer was 400 Bad Request: M_INVALID_PARAM: not a room
        barred: the answer was 401 Unauthorized: M_UNKNOWN_TOKEN: Invalid access token passed.; the access token is no longer good: make a new one, put it where token_env or token_file says, and restart
        permanent: the answer was 403 Forbidden: M_FORBIDDEN: User @bot:example.org not in room; the bot is not in this room, or may not do that there: invite it (with join = true it accepts), and look at its power level
        permanent: the answer was 404 Not Found: M_NOT_FOUND: Room alias not found; no such room or alias is known to the homeserver; chat_id is !room:server or #alias:server
        permanent: the answer was 404 Not Found: M_UNRECOGNIZED: Unrecognized request; base_url seems not to be a homeserver: write its address up to /_matrix
        permanent: the answer was 404 Not Found; base_url seems not to be a homeserver: write its address up to /_matrix
        permanent: the answer was 413 Payload Too Large: M_TOO_LARGE: event too large; one message takes 24 KiB of text
        account limited 4s 413ms: the answer was 429 Too Many Requests: M_LIMIT_EXCEEDED: Too Many Requests
        account limited 9s: the answer was 429 Too Many Requests
        permanent: the answer was 301 Moved Permanently; redirects are not followed; put the final address into base_url
        retry 9s: the answer was 500 Internal Server Error: M_UNKNOWN: Internal server error
        ambiguous: the answer was 502 Bad Gateway
        ambiguous: the answer was 504 Gateway Timeout
        ambiguous: the answer is not a homeserver's (invalid type: null, expected struct Taken at line 1 column 4); look at base_url
        '@ada:example.org' is a person; chat_id is the room with them, such as !room:server (in most clients: room settings, advanced)
        the text has 20000 bytes, 120046 as an event; Matrix takes 24576 and 61440
    "#]].assert_eq(&meanings);
}

#[test]
fn what_is_wrong_with_a_config_is_told_at_once() {
    let open = |url: &str, token: Option<&str>| {
        let secrets = Secrets { token: token.map(Into::into), ..Secrets::default() };
        match matrix::open(&config(url), &secrets) {
            Ok(_) => "in order\n".to_owned(),
            Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
        }
    };
    let all = [
        open("http://127.0.0.1:8008", Some("t")),
        open("http://ada:pw@127.0.0.1", None),
        open("https://example.org/_matrix/client", Some("a\nb")),
        open("https://example.org/?x", Some("t")),
    ];
    expect![[r#"
        in order
        base_url: names a user or a password (name a token: token_file, token_env)
        token: is missing (write token_env or token_file)
        base_url: names a part of the API (write the address up to /_matrix, without it)
        token: the token holds characters that no header can carry
        base_url: has a part after '?' or '#' (write the address up to /_matrix)
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn a_look_tells_whose_the_token_is() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let probe = |play: Play, user: Option<&str>| {
        let server = Standin::start(move |_| play.clone());
        let config = config::Matrix { user: user.map(str::to_owned), ..config(&server.url("")) };
        let secrets = Secrets { token: Some("t".into()), ..Secrets::default() };
        let gateway = matrix::open(&config, &secrets).unwrap();
        let found = tokio.block_on(gateway.probe());
        assert_eq!(server.next().0.target, "/_matrix/client/v3/account/whoami");
        found.unwrap_or_else(|problem| problem.to_string()) + "\n"
    };
    let whoami = || Play::json(200, &json!({"user_id": "@bot:example.org"}));
    let all = [
        probe(whoami(), None),
        probe(whoami(), Some("@bot:example.org")),
        probe(whoami(), Some("@other:example.org")),
        probe(Play::json(401, &error("M_UNKNOWN_TOKEN", "Invalid access token passed.")), None),
        probe(Play::status(502), None),
    ];
    expect![[r#"
        signed in as @bot:example.org
        signed in as @bot:example.org
        user: the token is @bot:example.org's (given '@other:example.org'; take the token of the account that is meant, or correct user)
        token: the answer was 401 Unauthorized: M_UNKNOWN_TOKEN: Invalid access token passed.; the access token is no longer good: make a new one, put it where token_env or token_file says, and restart
        the answer was 502 Bad Gateway
    "#]].assert_eq(&all.concat());
}

/// A homeserver with one piece of news, told to whoever asks from `since`; then it has none.
fn homeserver(since: &'static str, news: Value, members: &'static [&'static str]) -> Standin {
    Standin::start(move |request| answer(request, since, &news, members))
}

fn answer(request: &Received, since: &str, news: &Value, members: &[&str]) -> Play {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let path = path.strip_prefix("/_matrix/client/v3").unwrap();
    let asked = |pair: &str| query.split('&').any(|given| given == pair);
    let said = match path {
        "/account/whoami" => json!({"user_id": "@bot:example.org"}),
        "/profile/@bot:example.org/displayname" => json!({"displayname": "Chime Wheel"}),
        "/sync" if asked(&format!("since={since}")) => news.clone(),
        "/sync" if !query.contains("since=") => json!({"next_batch": since, "rooms": news["rooms"]}),
        "/sync" => return Play::Hold,
        "/rooms/!r:example.org/joined_members" => {
            let joined: Value = members
                .iter()
                .map(|member| (format!("@{member}:example.org"), json!({"display_name": member.to_uppercase()})))
                .collect();
            json!({"joined": joined})
        }
        "/rooms/!r:example.org/event/$ours" => json!({"type": "m.room.message", "event_id": "$ours",
            "sender": "@bot:example.org", "content": {"msgtype": "m.text", "body": "x"}}),
        "/rooms/!r:example.org/event/$theirs" => json!({"type": "m.room.message", "event_id": "$theirs",
            "sender": "@ada:example.org", "content": {"msgtype": "m.text", "body": "x"}}),
        "/rooms/!r:example.org/messages" if asked("from=gap") => json!({"start": "gap", "end": "gap2", "chunk": [
            event("$4", "@ada:example.org", json!({"msgtype": "m.text", "body": "four"})),
            event("$3", "@ada:example.org", json!({"msgtype": "m.text", "body": "three"}))]}),
        "/rooms/!r:example.org/messages" => json!({"start": "gap2", "chunk": [
            event("$2", "@ada:example.org", json!({"msgtype": "m.text", "body": "two"}))]}),
        "/rooms/!new:example.org/join" => json!({"room_id": "!new:example.org"}),
        _ => return Play::json(404, &error("M_UNRECOGNIZED", path)),
    };
    Play::json(200, &said)
}

fn event(id: &str, sender: &str, content: Value) -> Value {
    json!({"type": "m.room.message", "event_id": id, "sender": sender, "origin_server_ts": 1_795_338_001_250_i64,
        "content": content})
}

fn timeline(events: Vec<Value>) -> Value {
    json!({"next_batch": "s2", "rooms": {"join": {"!r:example.org": {"timeline": {"events": events}}}}})
}

fn heard(content: Value, members: &'static [&'static str]) -> Option<Inbound> {
    let news = timeline(vec![event("$1", "@ada:example.org", content)]);
    let server = homeserver("s1", news, members);
    let inbox = Noted::at(Some("s1"));
    let gateway = open(&server.url(""), Span::from_seconds(5), false);
    listen_until(&gateway, &inbox, |inbox| inbox.steps().contains(&Step::Kept("s2".to_owned())));
    inbox.taken().pop()
}

#[test]
fn a_message_comes_in_whole_and_before_its_place_is_kept() {
    let news = timeline(vec![
        event("$own", "@bot:example.org", json!({"msgtype": "m.text", "body": "mine"})),
        json!({"type": "m.room.message", "event_id": 7}),
        event("$1", "@ada:example.org", json!({"msgtype": "m.text", "body": "Grüße"})),
    ]);
    let server = homeserver("s1", news, &["ada", "bot"]);
    let inbox = Noted::at(Some("s1"));
    let gateway = open(&server.url(""), Span::from_seconds(5), false);
    listen_until(&gateway, &inbox, |inbox| inbox.steps().len() == 2);
    let message = Inbound {
        message_id: "$1".to_owned(),
        chat_id: "!r:example.org".to_owned(),
        thread: None,
        chat: ChatKind::Direct,
        sender: Sender { id: "@ada:example.org".to_owned(), name: Some("ADA".to_owned()) },
        text: "Grüße".to_owned(),
        reply_to: None,
        is_addressed: true,
        at: Some(Timestamp::from_millis(1_795_338_001_250)),
    };
    assert_eq!(inbox.steps(), [Step::Took(message), Step::Kept("s2".to_owned())]);
}

#[test]
fn in_a_group_the_bot_is_spoken_to_by_name_or_answer() {
    let text = |body: &str| json!({"msgtype": "m.text", "body": body});
    let mentioning = |users: Value| {
        let mut said = text("hello bot");
        said["m.mentions"] = json!({"user_ids": users});
        said
    };
    let related = |relation: Value| {
        let mut said = text("yes");
        said["m.mentions"] = json!({});
        said["m.relates_to"] = relation;
        said
    };
    let thread = |root: &str| {
        json!({"rel_type": "m.thread", "event_id": root, "is_falling_back": true,
        "m.in_reply_to": {"event_id": "$theirs"}})
    };
    let cases = [
        (text("hello all"), false),
        (text("robots are here"), false),
        (text("bot: hello"), true),
        (text("so, CHIME WHEEL?"), true),
        (text("ask @bot:example.org"), true),
        (mentioning(json!(["@bot:example.org"])), true),
        (mentioning(json!(["@ada:example.org"])), false),
        (related(json!({"m.in_reply_to": {"event_id": "$ours"}})), true),
        (related(json!({"m.in_reply_to": {"event_id": "$theirs"}})), false),
        (related(json!({"m.in_reply_to": {"event_id": "$gone"}})), false),
        (related(thread("$ours")), true),
        (related(thread("$theirs")), false),
    ];
    for (content, is_addressed) in cases {
        let inbound = heard(content.clone(), &["ada", "bot", "eve"]).unwrap();
        assert_eq!((inbound.chat, inbound.is_addressed), (ChatKind::Group, is_addressed), "{content}");
    }
}

#[test]
fn threads_replies_and_quotes_are_told_apart() {
    let thread = json!({"msgtype": "m.text", "body": "yes", "m.relates_to": {"rel_type": "m.thread",
        "event_id": "$ours", "is_falling_back": true, "m.in_reply_to": {"event_id": "$last"}}});
    let inbound = heard(thread, &["ada", "bot"]).unwrap();
    assert_eq!((inbound.thread.as_deref(), inbound.reply_to), (Some("$ours"), None));
    let reply = json!({"msgtype": "m.text", "body": "> <@bot:example.org> How\n> are you?\n\nFine.\n> really",
        "m.relates_to": {"m.in_reply_to": {"event_id": "$ours"}}});
    let inbound = heard(reply, &["ada", "bot"]).unwrap();
    assert_eq!((inbound.reply_to.as_deref(), inbound.text.as_str()), (Some("$ours"), "Fine.\n> really"));
}

#[test]
fn what_is_no_message_of_a_person_is_left_out() {
    let edit = json!({"msgtype": "m.text", "body": "* new", "m.new_content": {"msgtype": "m.text", "body": "new"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$ours"}});
    let notice = json!({"msgtype": "m.notice", "body": "I am a bot, too"});
    let image = json!({"msgtype": "m.image", "body": "cat.png", "url": "mxc://example.org/1"});
    for content in [edit, notice, image, json!({}), json!({"body": 7})] {
        assert_eq!(heard(content.clone(), &["ada", "bot"]), None, "{content}");
    }
}

#[test]
fn a_gap_is_filled_in_order() {
    let mut news = timeline(vec![event("$5", "@ada:example.org", json!({"msgtype": "m.text", "body": "five"}))]);
    let room = &mut news["rooms"]["join"]["!r:example.org"]["timeline"];
    (room["limited"], room["prev_batch"]) = (json!(true), json!("gap"));
    let server = homeserver("s1", news, &["ada", "bot"]);
    let inbox = Noted::at(Some("s1"));
    let gateway = open(&server.url(""), Span::from_seconds(5), false);
    listen_until(&gateway, &inbox, |inbox| inbox.steps().contains(&Step::Kept("s2".to_owned())));
    let texts: Vec<String> = inbox.taken().into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["two", "three", "four", "five"]);
}

#[test]
fn who_never_listened_begins_now_and_accepts_invitations_if_that_is_wanted() {
    for join in [false, true] {
        let mut news = timeline(vec![event("$1", "@ada:example.org", json!({"msgtype": "m.text", "body": "old"}))]);
        news["rooms"]["invite"] = json!({"!new:example.org": {"invite_state": {"events": []}}});
        let server = homeserver("s1", json!({"next_batch": "s1", "rooms": news["rooms"]}), &["ada", "bot"]);
        let inbox = Noted::at(None);
        let gateway = open(&server.url(""), Span::from_seconds(5), join);
        listen_until(&gateway, &inbox, |inbox| inbox.steps() == [Step::Kept("s1".to_owned())]);
        let joined = std::iter::from_fn(|| server.poll()).filter(|(request, _)| request.target.ends_with("/join"));
        assert_eq!(joined.count(), usize::from(join));
    }
}

#[test]
fn trouble_is_waited_out() {
    let news = timeline(vec![event("$1", "@ada:example.org", json!({"msgtype": "m.text", "body": "x"}))]);
    let server = Standin::start(move |request| match request.number {
        0 => Play::status(502),
        1 => Play::Cut,
        2 => Play::json(429, &json!({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1})),
        _ => answer(request, "s1", &news, &["ada", "bot"]),
    });
    let inbox = Noted::at(Some("s1"));
    let gateway = open(&server.url(""), Span::from_seconds(5), false);
    listen_until(&gateway, &inbox, |inbox| inbox.taken().len() == 1);
}
