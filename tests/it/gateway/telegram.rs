//! The telegram gateway: what refusals mean, where messages go, and what people write.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use chimewheel::config::{self, Markup, Secret};
use chimewheel::gateway::{Delivery, Gateway, Secrets, telegram};
use chimewheel::spec::Destination;
use chimewheel::time::Span;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::conformance::{Adapter, Said, delivery, send};
use crate::botapi::{TOKEN, Telegram};
use crate::standin::{Play, Standin};

pub const ADAPTER: Adapter = Adapter {
    name: "telegram",
    open: |url, timeout| open(url, TOKEN, timeout).unwrap(),
    taken: |id| Play::json(200, &json!({"ok": true, "result": {"message_id": id.parse().unwrap_or(7)}})),
    refused: || refusal(400, "Bad Request: chat not found", &Value::Null),
    broken: || Play::status(503),
    busy: |seconds| refusal(429, "Too Many Requests", &json!({"retry_after": seconds})),
    read: |request| {
        let body = request.json();
        assert_eq!(request.target, format!("/bot{TOKEN}/sendMessage"));
        Said {
            chat: body["chat_id"].to_string(),
            thread: body.get("message_thread_id").map(Value::to_string),
            text: body["text"].as_str().unwrap().to_owned(),
            key: None,
        }
    },
    takes_empty: false,
    chat: "-1001234567890",
};

pub fn refusal(code: u16, why: &str, parameters: &Value) -> Play {
    let mut body = json!({"ok": false, "error_code": code, "description": why});
    if !parameters.is_null() {
        body["parameters"] = parameters.clone();
    }
    Play::json(code, &body)
}

pub fn open(url: &str, token: &str, timeout: Span) -> Result<Arc<dyn Gateway>, String> {
    open_as(url, token, timeout, Markup::Plain)
}

fn open_as(url: &str, token: &str, timeout: Span, format: Markup) -> Result<Arc<dyn Gateway>, String> {
    let config = config::Telegram { token: Secret::Env("T".to_owned()), base_url: url.to_owned(), format, timeout };
    let secrets = Secrets { token: Some(token.into()), ..Secrets::default() };
    telegram::open(&config, &secrets)
        .map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect())
}

pub fn bot_of(telegram: &Telegram) -> Arc<dyn Gateway> {
    open(&telegram.url(), TOKEN, Span::from_seconds(20)).unwrap()
}

pub fn to(chat: &str, thread: Option<&str>, text: &str) -> Delivery {
    let destination =
        Destination { gateway: "t".to_owned(), chat_id: chat.to_owned(), thread: thread.map(str::to_owned) };
    Delivery { destination, ..delivery(text) }
}

/// What became of a delivery, in one line.
fn outcome(gateway: &Arc<dyn Gateway>, delivery: Delivery) -> String {
    match send(gateway, vec![delivery]).pop().unwrap() {
        Ok(receipt) => format!("delivered {}", receipt.message_id.unwrap_or_default()),
        Err(error) => super::meaning(&error),
    }
}

pub fn no_complaints(telegram: &Telegram) {
    assert_eq!(telegram.complaints(), [""; 0]);
}

#[test]
fn a_config_that_cannot_be_served_says_all_that_is_wrong() {
    let check = |url: &str, token: &str, expected: Expect| {
        expected.assert_eq(&open(url, token, Span::from_seconds(1)).err().unwrap_or_default());
    };
    check("https://api.telegram.org", TOKEN, expect![""]);
    check("http://127.0.0.1:8081/telegram/", TOKEN, expect![""]);
    check(
        "https://user@host",
        "hunter2/../x",
        expect![[r#"
            token: the token has not the form of a bot's token (it is a number, a colon and some 35 letters, as @BotFather tells it)
            base_url: is more than a host and a path (given 'https://user@host'; such as https://api.telegram.org)
        "#]],
    );
    for token in ["", ":", "1:", ":x", "x:y", "1:x/y", "1:x y", "1:ü"] {
        assert!(open("https://host", token, Span::from_seconds(1)).is_err(), "{token}");
    }
}

#[test]
fn a_message_goes_to_a_person_a_group_a_topic_and_a_channel() {
    let telegram = Telegram::start();
    let gateway = bot_of(&telegram);
    let (ada, group, forum) = (telegram.acquaintance("Ada"), telegram.group("Tea"), telegram.forum("Work"));
    let (topic, channel) = (telegram.topic(forum, "Standup"), telegram.channel("News"));
    for (chat, thread) in [(ada, None), (group, None), (forum, None), (forum, Some(topic)), (channel, None)] {
        let thread = thread.map(|topic| topic.to_string());
        let said = outcome(&gateway, to(&chat.to_string(), thread.as_deref(), "Good *morning* 🕰️"));
        let shown = telegram.shown(chat).pop().unwrap();
        assert_eq!(said, format!("delivered {}", shown.id));
        assert_eq!((shown.text.as_str(), shown.topic.map(|topic| topic.to_string())), ("Good *morning* 🕰️", thread));
    }
    // The general topic has the number 1, and must not be named.
    assert!(outcome(&gateway, to(&forum.to_string(), Some("1"), "x")).starts_with("delivered"));
    no_complaints(&telegram);
}

#[test]
fn a_refusal_is_told_with_its_way_out() {
    let telegram = Telegram::start();
    let gateway = bot_of(&telegram);
    let (ada, eve, group, forum) =
        (telegram.acquaintance("Ada"), telegram.person("Eve"), telegram.group("Tea"), telegram.forum("Work"));
    let topic = telegram.topic(forum, "Old");
    telegram.closes(forum, topic);
    telegram.blocks(ada);
    telegram.refuses(group, "bot was kicked from the group chat");
    let mut said = String::new();
    let mut note = |delivery| said.push_str(&(outcome(&gateway, delivery) + "\n"));
    for chat in [ada, eve, group, 42] {
        note(to(&chat.to_string(), None, "x"));
    }
    for (thread, text) in [(topic, "x"), (77, "x")] {
        note(to(&forum.to_string(), Some(&thread.to_string()), text));
    }
    note(to("me", None, "x"));
    note(to("@", None, "x"));
    note(to("1", Some("general"), "x"));
    note(to("1", Some("-5"), "x"));
    note(to("1", None, " \n\t"));
    telegram.floods(forum, 1, 17);
    note(to(&forum.to_string(), None, "x"));
    telegram.revokes(true);
    note(to(&forum.to_string(), None, "x"));
    expect![[r#"
        permanent: the answer was Forbidden: bot was blocked by the user; the user has blocked the bot; nothing can be sent until they unblock it
        permanent: the answer was Forbidden: bot can't initiate conversation with a user; the user must write to the bot first, or press Start
        permanent: the answer was Forbidden: bot was kicked from the group chat; the bot was taken out of this chat; add it again
        permanent: the answer was Bad Request: chat not found; the bot does not know this chat: look at its number (that of a group is negative); a person must have pressed Start, and a group must have the bot in it
        permanent: the answer was Bad Request: TOPIC_CLOSED; open the topic, or make the bot an administrator that may manage topics
        permanent: the answer was Bad Request: message thread not found; there is no such topic; give destination.thread another one, or leave it out
        permanent: chat_id 'me' is no chat of Telegram; write its number, or the @name of a public group or channel
        permanent: chat_id '@' is no chat of Telegram; write its number, or the @name of a public group or channel
        permanent: thread 'general' is no topic of Telegram; topics are numbers
        permanent: thread '-5' is no topic of Telegram; topics are numbers
        permanent: Telegram takes no text without a character that can be seen
        chat limited 17s: the answer was Too Many Requests: retry after 17
        barred: the answer was Unauthorized; the token is not valid; ask @BotFather for one, and put it where token_env or token_file says
    "#]].assert_eq(&said);
    no_complaints(&telegram);
}

#[test]
fn a_group_that_moved_is_followed_at_once_and_from_then_on() {
    let telegram = Telegram::start();
    let gateway = bot_of(&telegram);
    let group = telegram.group("Tea");
    let now = telegram.moves(group);
    for (count, text) in ["first", "second"].into_iter().enumerate() {
        assert_eq!(outcome(&gateway, to(&group.to_string(), None, text)), format!("delivered {}", count + 1));
    }
    assert_eq!(telegram.said(now), ["first", "second"]);
    assert_eq!(telegram.calls(), ["sendMessage"; 3], "the second message knows the way");
    // What becomes of the message is what the new place says.
    telegram.refuses(now, "bot was kicked from the supergroup chat");
    assert!(
        outcome(&bot_of(&telegram), to(&group.to_string(), None, "x")).starts_with("permanent: the answer was Forb")
    );
    no_complaints(&telegram);
}

#[test]
fn a_move_that_leads_on_is_not_followed_for_ever() {
    let telegram = Standin::start(|_| refusal(400, "Bad Request: moved", &json!({"migrate_to_chat_id": -5})));
    let gateway = open(&telegram.url(""), TOKEN, Span::from_seconds(20)).unwrap();
    assert!(outcome(&gateway, to("-1", None, "x")).starts_with("permanent"));
    assert!(telegram.poll().is_some() && telegram.poll().is_some() && telegram.poll().is_none());
}

#[test]
fn what_an_answer_means_does_not_hang_on_its_form() {
    let ok = |result: Value| Play::json(200, &json!({"ok": true, "result": result}));
    let text = |status, body: &str| Play::Answer { status, headers: vec![], body: body.to_owned() };
    let cases = [
        ok(json!({"message_id": 5, "chat": {}})),
        ok(json!({"message_id": "five"})),
        ok(json!({"message_id": 5, "padding": "x".repeat(70_000)})),
        text(200, r#"{"ok":true}"#),
        text(200, ""),
        text(200, "<html>Log in to the hotel's network"),
        text(404, "<html>nothing here"),
        text(302, "").with("Location", "https://elsewhere"),
        text(429, "").with("Retry-After", "3"),
        text(503, "down").with("Retry-After", "4"),
        text(504, ""),
        text(502, ""),
        refusal(500, "Internal Server Error", &Value::Null),
        refusal(420, "Flood", &Value::Null),
        refusal(418, "a teapot", &json!({"retry_after": u64::MAX})),
        refusal(413, "Request Entity Too Large", &Value::Null),
        text(400, r#"{"ok":false}"#),
    ];
    let mut said = String::new();
    for play in cases {
        let telegram = Standin::start(move |_| play.clone());
        let gateway = open(&telegram.url(""), TOKEN, Span::from_seconds(20)).unwrap();
        said.push_str(&(outcome(&gateway, delivery_to_one()) + "\n"));
    }
    expect![[r#"
        delivered 5
        delivered 
        delivered 5
        delivered 
        unreachable: what answers is not Telegram's Bot API; look at base_url
        unreachable: what answers is not Telegram's Bot API; look at base_url
        barred: the answer was 404 Not Found; there is no such bot here; look at the token and at base_url
        permanent: the answer was 302 Found: redirects are not followed; put the final address into base_url
        chat limited 3s: the answer was 429 Too Many Requests
        retry 4s: the answer was 503 Service Unavailable
        ambiguous: the answer was 504 Gateway Timeout
        ambiguous: the answer was 502 Bad Gateway
        retry -: the answer was Internal Server Error
        chat limited -: the answer was Flood
        permanent: the answer was a teapot
        permanent: the answer was Request Entity Too Large
        permanent: the answer was 400 Bad Request
    "#]]
    .assert_eq(&said);
}

fn delivery_to_one() -> Delivery {
    to("1", None, "x")
}

#[test]
fn the_token_is_never_told() {
    let telegram = Standin::start(|_| Play::Cut);
    let addresses = [telegram.url(""), "http://127.0.0.1:1".to_owned(), "http://nobody.invalid".to_owned()];
    for address in addresses {
        let gateway = open(&address, TOKEN, Span::from_seconds(20)).unwrap();
        let told = outcome(&gateway, delivery_to_one());
        assert!(!told.contains(TOKEN) && !told.contains("AAHxZ"), "{told}");
    }
}

#[test]
fn a_lost_answer_is_ambiguous_and_the_message_is_there() {
    let telegram = Telegram::start();
    let (gateway, ada) = (bot_of(&telegram), telegram.acquaintance("Ada"));
    telegram.loses_answer("sendMessage");
    assert!(outcome(&gateway, to(&ada.to_string(), None, "once")).starts_with("ambiguous"));
    assert_eq!(telegram.said(ada), ["once"]);
    telegram.plays("sendMessage", Play::Cut);
    assert!(outcome(&gateway, to(&ada.to_string(), None, "never")).starts_with("ambiguous"));
    assert_eq!(telegram.said(ada), ["once"]);
}

#[test]
fn markdown_is_shown_and_what_telegram_cannot_read_is_sent_as_it_is_written() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    let gateway = open_as(&telegram.url(), TOKEN, Span::from_seconds(20), Markup::Markdown).unwrap();
    let source = "🕰️ **Good** _morning_, [all](https://example.com)\n\n```rust\nfn a() {}\n```\n\n> `x` < 1 & 2*3*4";
    let say = |source: &str| outcome(&gateway, to(&ada.to_string(), None, source));
    assert_eq!(say(source), "delivered 1");
    let shown = telegram.shown(ada).pop().unwrap();
    expect![[r#"
        🕰️ Good morning, all

        fn a() {}

        x < 1 & 234
        --
        [
          {
            "length": 4,
            "offset": 4,
            "type": "bold"
          },
          {
            "length": 7,
            "offset": 9,
            "type": "italic"
          },
          {
            "length": 3,
            "offset": 18,
            "type": "text_link",
            "url": "https://example.com"
          },
          {
            "language": "rust",
            "length": 9,
            "offset": 23,
            "type": "pre"
          },
          {
            "length": 11,
            "offset": 34,
            "type": "blockquote"
          },
          {
            "length": 1,
            "offset": 34,
            "type": "code"
          },
          {
            "length": 1,
            "offset": 43,
            "type": "italic"
          }
        ]"#]]
    .assert_eq(&format!("{}\n--\n{:#}", shown.text, shown.json["entities"]));
    let cannot = |why: &str| telegram.plays("sendMessage", refusal(400, why, &Value::Null));
    cannot("Bad Request: can't parse entities: unsupported");
    assert_eq!(say(source), "delivered 2");
    assert_eq!(telegram.shown(ada).pop().unwrap().text, source);
    // Another refusal, and one of a text without formatting, is what it is.
    cannot("Bad Request: chat not found");
    assert!(say(source).starts_with("permanent"));
    cannot("Bad Request: can't parse entities: unsupported");
    assert!(say("plain").starts_with("permanent"));
    assert_eq!(telegram.said(ada).len(), 2);
    assert!(say(&"*a* ".repeat(1025)).contains("4096"), "the source is what is measured");
    no_complaints(&telegram);
}

/// The daemon as an operator has it.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).env("TELEGRAM_TOKEN", TOKEN);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_reminder_lands_in_its_topic_and_the_ledger_says_so() {
    let telegram = Telegram::start();
    let forum = telegram.forum("Work");
    let topic = telegram.topic(forum, "Standup").to_string();
    telegram.floods(forum, 1, 0);
    let folder = tempfile::tempdir().unwrap();
    let guide = include_str!("../../../src/guide/gateways.md");
    let config = guide
        .split("```toml\n")
        .find(|part| part.starts_with("[gateways.telegram]") && part.contains("base_url"))
        .unwrap();
    let config = config.split("```").next().unwrap().replace("https://api.telegram.org", &telegram.url());
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let chat = format!("--chat-id={forum}");
    let add = [
        "add",
        "--id",
        "standup",
        "--in",
        "1ms",
        "-m",
        "Stand up!",
        "--gateway",
        "telegram",
        &chat,
        "--thread",
        &topic,
    ];
    assert!(program(folder.path(), &add).status().unwrap().success());
    let mut daemon = program(folder.path(), &["serve", "--no-listen"]).spawn().unwrap();
    let said = telegram.wait_for(forum, 1);
    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert!(daemon.wait().unwrap().success());
    let sends = telegram.calls().iter().filter(|call| call.contains("sendMessage")).count();
    assert_eq!((said.as_slice(), sends), (&["Stand up!".to_owned()][..], 2));
    let shown = telegram.shown(forum).pop().unwrap();
    assert_eq!(shown.topic.map(|topic| topic.to_string()).as_ref(), Some(&topic));
    let runs = program(folder.path(), &["runs", "standup", "--json"]).output().unwrap();
    let runs: Value = serde_json::from_slice(&runs.stdout).unwrap();
    assert_eq!(runs["runs"][0]["detail"], json!(format!("message {}", shown.id)), "{runs}");
    no_complaints(&telegram);
}

#[test]
fn a_message_too_long_for_one_message_becomes_several_in_order() {
    let telegram = Telegram::start();
    let ada = telegram.acquaintance("Ada");
    let folder = tempfile::tempdir().unwrap();
    let url = telegram.url();
    let config =
        format!("[gateways.telegram]\nkind = \"telegram\"\ntoken_env = \"TELEGRAM_TOKEN\"\nbase_url = \"{url}\"\n");
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let lines: Vec<String> = (0..1000).map(|line| format!("line {line}")).collect();
    let (chat, text) = (format!("--chat-id={ada}"), lines.join("\n"));
    let add = ["add", "--in", "1ms", "--message", &text, "--gateway", "telegram", &chat];
    assert!(program(folder.path(), &add).status().unwrap().success());
    let mut daemon = program(folder.path(), &["serve", "--no-listen"]).spawn().unwrap();
    let said = telegram.wait_for(ada, 3);
    assert!(Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap().success());
    assert!(daemon.wait().unwrap().success());
    let numbered = said.iter().zip(1..).map(|(part, number)| part.strip_suffix(&format!("\n\n({number}/3)")));
    let parts: Vec<&str> = numbered.map(|part| part.expect("a number at its end")).collect();
    assert_eq!((parts.len(), parts.join("\n")), (3, text));
    no_complaints(&telegram);
}
