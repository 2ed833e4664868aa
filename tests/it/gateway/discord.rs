//! Discord by HTTP: what is posted, and what each answer means. Its socket is in `discord_socket`.

use std::sync::Arc;

use chimewheel::config::{self, Markup};
use chimewheel::gateway::text::{Numbering, split};
use chimewheel::gateway::{Gateway, Secrets, SendError, discord};
use chimewheel::time::Span;
use expect_test::expect;
use serde_json::{Value, json};

use super::conformance::{Adapter, Said, delivery, send};
use crate::standin::{Play, Received, Standin};

/// A token of nobody.
pub const TOKEN: &str = "MTE.Nzk.token";

pub const ADAPTER: Adapter = Adapter {
    name: "discord",
    open: |url, timeout| open(url, timeout).unwrap(),
    taken: |id| Play::json(200, &json!({"id": id, "channel_id": "11"})),
    refused: || Play::json(404, &json!({"message": "Unknown Channel", "code": 10003})),
    broken: || Play::json(500, &json!({"message": "500: Internal Server Error", "code": 0})),
    busy: |seconds| limited(&json!({"message": "slow", "retry_after": seconds as f64, "global": false})),
    read: |request| {
        let body = request.json();
        let channel = request.target.split('/').nth(2).unwrap().to_owned();
        // A thread is a channel.
        let thread = (channel != CHAT).then_some(channel.clone());
        Said { chat: channel, thread, text: seen(&text(&body, "content").unwrap()), key: text(&body, "nonce") }
    },
    takes_empty: false,
    chat: CHAT,
};

const CHAT: &str = "1199887766554433221";

fn text(body: &Value, key: &str) -> Option<String> {
    body[key].as_str().map(str::to_owned)
}

/// What people see of a content without Markdown: a backslash before a sign is not shown.
fn seen(content: &str) -> String {
    let mut seen = String::new();
    let mut chars = content.chars();
    while let Some(c) = chars.next() {
        seen.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    seen
}

fn limited(body: &Value) -> Play {
    Play::json(429, body).with("Retry-After", "65")
}

pub fn open(url: &str, timeout: Span) -> Result<Arc<dyn Gateway>, String> {
    open_as(Markup::Plain, url, timeout)
}

fn open_as(format: Markup, url: &str, timeout: Span) -> Result<Arc<dyn Gateway>, String> {
    let config = config::Discord { base_url: url.to_owned(), token: None, message_content: false, format, timeout };
    discord::open(&config, &Secrets { token: Some(TOKEN.into()), ..Secrets::default() })
        .map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect())
}

/// Sends one text to a platform that plays this.
fn sent(played: Play, chat: &str, thread: Option<&str>) -> (Result<Option<String>, SendError>, Option<Received>) {
    let platform = Standin::start(move |_| played.clone());
    let gateway = open(&platform.url("/api/v10/"), Span::from_seconds(5)).unwrap();
    let mut delivery = delivery("Good morning @everyone");
    chat.clone_into(&mut delivery.destination.chat_id);
    delivery.destination.thread = thread.map(str::to_owned);
    let answer = send(&gateway, vec![delivery]).pop().unwrap();
    (answer.map(|receipt| receipt.message_id), platform.poll().map(|(request, _)| request))
}

#[test]
fn a_message_pings_nobody_and_carries_its_key_as_the_nonce() {
    let (answer, request) = sent((ADAPTER.taken)("77"), CHAT, None);
    assert_eq!(answer, Ok(Some("77".to_owned())));
    let request = request.unwrap();
    assert_eq!(request.target, format!("/api/v10/channels/{CHAT}/messages"));
    assert_eq!(request.header("authorization"), Some("Bot MTE.Nzk.token"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.header("user-agent").unwrap().starts_with("DiscordBot ("), "{request:?}");
    expect![[r#"
        {
          "allowed_mentions": {
            "parse": []
          },
          "content": "Good morning @everyone",
          "enforce_nonce": true,
          "nonce": "3kTMd9zQ7xYhLp0VbWfNa1"
        }"#]]
    .assert_eq(&format!("{:#}", request.json()));
}

#[test]
fn a_text_is_shown_as_it_is_written_or_as_markdown() {
    let content = |format: Markup, text: &str| {
        let platform = Standin::start(|_| (ADAPTER.taken)("77"));
        let gateway = open_as(format, &platform.url("/api/v10/"), Span::from_seconds(5)).unwrap();
        let mut delivery = delivery(text);
        CHAT.clone_into(&mut delivery.destination.chat_id);
        let answer = send(&gateway, vec![delivery]).pop().unwrap().map_err(|error| error.to_string());
        answer.map(|_| platform.next().0.json()["content"].as_str().unwrap().to_owned())
    };
    assert_eq!(content(Markup::Plain, "1. *a* <@7>").unwrap(), r"1\. \*a\* \<@7>");
    assert_eq!(content(Markup::Markdown, "1. *a* <@7>").unwrap(), "1. *a* <@7>");
    // A text that is cut for its escapes is never refused for them.
    let stars = "*".repeat(1001);
    let error = content(Markup::Plain, &stars).unwrap_err();
    assert!(error.contains("2002 UTF-16 code units with its escapes"), "{error}");
    let limit = open("http://127.0.0.1:9", Span::from_seconds(5)).unwrap().capabilities().text;
    for part in split(&stars, limit, Numbering::On).unwrap() {
        assert!(content(Markup::Plain, &part).is_ok());
    }
    assert!(content(Markup::Markdown, &stars).is_ok());
}

#[test]
fn a_thread_is_a_channel_of_its_own_and_never_reached_past_the_rules_of_chats() {
    let (_, request) = sent((ADAPTER.taken)("77"), "12", None);
    assert_eq!(request.unwrap().target, "/api/v10/channels/12/messages");
    let (answer, request) = sent((ADAPTER.taken)("77"), CHAT, Some("12"));
    let Err(SendError::Permanent { error }) = answer else { panic!("{answer:?}") };
    assert!(error.contains("write its id as chat_id") && request.is_none(), "{error} {request:?}");
}

#[test]
fn a_chat_that_is_no_channel_never_reaches_discord() {
    for (chat, thread) in [("team-7", None), ("../../users/@me", None), ("", None)] {
        let (answer, request) = sent((ADAPTER.taken)("77"), chat, thread);
        let Err(SendError::Permanent { error }) = answer else { panic!("{answer:?}") };
        assert!(error.contains("is not the id of a channel"), "{error}");
        assert!(request.is_none(), "{request:?}");
    }
}

#[test]
fn what_each_answer_means() {
    let code = |status: u16, code: u64, message: &str| Play::json(status, &json!({"message": message, "code": code}));
    let answers = [
        code(404, 10003, "Unknown Channel"),
        code(403, 50001, "Missing Access"),
        code(403, 50007, "Cannot send messages to this user"),
        code(403, 50013, "Missing Permissions"),
        code(400, 50006, "Cannot send an empty message"),
        code(400, 50035, "Invalid Form Body"),
        code(400, 50083, "Thread is archived"),
        code(401, 0, "401: Unauthorized"),
        Play::status(404),
        Play::status(302),
        Play::status(408),
        Play::status(500),
        Play::status(502),
        Play::status(503).with("Retry-After", "3"),
        Play::status(504),
        Play::status(524),
        Play::status(403),
        code(403, 999, &"x".repeat(2000)),
        limited(&json!({"retry_after": 0.0311, "global": false})).with("X-RateLimit-Scope", "shared"),
        limited(&json!({"retry_after": 64.57, "global": true})).with("X-RateLimit-Global", "true"),
        limited(&Value::Null).with("X-RateLimit-Reset-After", "1.25").with("X-RateLimit-Scope", "user"),
        limited(&json!({"retry_after": -1.0})),
        limited(&json!({"retry_after": 1e300})),
        Play::status(204),
    ];
    let mut meanings = String::new();
    for answer in answers {
        let meaning = match sent(answer, CHAT, None).0 {
            Ok(id) => format!("taken {id:?}"),
            Err(error) => super::meaning(&error),
        };
        meanings += &format!("{}\n", meaning.replace(&"x".repeat(200), "x200"));
    }
    expect![[r#"
        permanent: Discord answered 404 Not Found, code 10003: Unknown Channel; no such channel: check chat_id; the channel may have been deleted
        permanent: Discord answered 403 Forbidden, code 50001: Missing Access; the bot cannot see this channel: invite it to the server and give its role 'View Channel'
        permanent: Discord answered 403 Forbidden, code 50007: Cannot send messages to this user; this person takes no direct messages from the bot: they must share a server with it and allow them
        permanent: Discord answered 403 Forbidden, code 50013: Missing Permissions; give the bot's role 'Send Messages', and 'Send Messages in Threads' for threads
        permanent: Discord answered 400 Bad Request, code 50006: Cannot send an empty message; Discord takes no message without visible characters
        permanent: Discord answered 400 Bad Request, code 50035: Invalid Form Body
        permanent: Discord answered 400 Bad Request, code 50083: Thread is archived; the thread is archived and locked: somebody must reopen it
        barred: Discord answered 401 Unauthorized: 401: Unauthorized; the token is wrong or was reset: copy it from the developer portal, page Bot, and restart
        permanent: Discord answered 404 Not Found; check base_url
        permanent: Discord answered 302 Found: redirects are not followed; check base_url
        retry -: Discord answered 408 Request Timeout
        retry -: Discord answered 500 Internal Server Error
        ambiguous: Discord answered 502 Bad Gateway
        retry 3s: Discord answered 503 Service Unavailable
        ambiguous: Discord answered 504 Gateway Timeout
        ambiguous: Discord answered 524 <unknown status code>
        permanent: Discord answered 403 Forbidden
        permanent: Discord answered 403 Forbidden, code 999: x200xxxxxxxxxxxxxx…
        chat limited 32ms: Discord answered 429 Too Many Requests (limit: shared)
        account limited 1m 4s 570ms: Discord answered 429 Too Many Requests (limit: global)
        chat limited 1s 250ms: Discord answered 429 Too Many Requests (limit: user)
        chat limited 1m 5s: Discord answered 429 Too Many Requests
        chat limited 36600d: Discord answered 429 Too Many Requests
        ambiguous: the answer names no message, so it may have been taken or not; check base_url
    "#]].assert_eq(&meanings);
}

#[test]
fn an_account_is_looked_at() {
    let probe = |played: Play| {
        let platform = Standin::start(move |_| played.clone());
        let gateway = open(&platform.url(""), Span::from_seconds(5)).unwrap();
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seen = tokio.block_on(gateway.probe()).map_err(|problem| problem.to_string());
        (seen, platform.next().0.target)
    };
    let (seen, target) = probe(Play::json(200, &json!({"id": "9", "username": "chime"})));
    assert_eq!((seen, target.as_str()), (Ok("the bot chime (9)".to_owned()), "/users/@me"));
    let (seen, _) = probe(Play::json(401, &json!({"message": "401: Unauthorized", "code": 0})));
    expect!["token: Discord answered 401 Unauthorized: 401: Unauthorized; the token is wrong or was reset: copy it from the developer portal, page Bot, and restart"].assert_eq(&seen.unwrap_err());
}

#[test]
#[ignore = "needs Prism and Discord's own description of its methods: .ci/interop-discord"]
fn discord_s_own_description_knows_what_is_posted() {
    let base = std::env::var("PRISM").expect("where Prism is");
    // It reads the whole description again for each request.
    let gateway = open(&base, Span::from_seconds(120)).unwrap();
    let mut sent = delivery("Good morning @everyone");
    CHAT.clone_into(&mut sent.destination.chat_id);
    let answer = send(&gateway, vec![sent.clone()]).pop().unwrap();
    assert!(answer.as_ref().is_ok_and(|receipt| receipt.message_id.is_some()), "{answer:?}");
    // It looks at what it is sent: a key that is longer than a nonce may be is none.
    sent.key = "x".repeat(26);
    let answer = send(&gateway, vec![sent]).pop().unwrap();
    assert!(matches!(answer, Err(SendError::Permanent { .. })), "{answer:?}");
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seen = tokio.block_on(gateway.probe());
    assert!(seen.is_ok(), "{seen:?}");
}
