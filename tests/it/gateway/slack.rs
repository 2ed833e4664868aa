//! Slack: what is posted, what each answer means, and what is believed of what is posted to us.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use chimewheel::config::{self, Markup, Secret, SlackPost};
use chimewheel::gateway::{Gateway, Heard, Inbound, Posted, Secrets, SendError, Unheard, slack};
use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;
use serde_json::{Value, json};

use super::conformance::{Adapter, Said, delivery, send};
use crate::standin::{Play, Received, Standin};

pub const ADAPTER: Adapter = Adapter {
    name: "slack",
    open: |url, timeout| open(url, None, timeout).unwrap(),
    taken: |id| Play::json(200, &json!({"ok": true, "channel": "C0123", "ts": id})),
    refused: || Play::json(200, &json!({"ok": false, "error": "channel_not_found"})),
    broken: || Play::json(200, &json!({"ok": false, "error": "service_unavailable"})),
    busy: |seconds| Play::status(429).with("Retry-After", seconds.to_string()),
    read,
    takes_empty: false,
    chat: "C0123",
};

fn read(request: &Received) -> Said {
    let body = request.json();
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    let plain = text("text").unwrap().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Said { chat: text("channel").unwrap_or_default(), thread: text("thread_ts"), text: plain, key: None }
}

const SIGNING: &str = "8f742231b10e8888abcd99yyyzzz85a5";

fn open(base_url: &str, webhook: Option<&str>, timeout: Span) -> Result<Arc<dyn Gateway>, String> {
    open_as(Markup::Plain, base_url, webhook, timeout)
}

fn open_as(format: Markup, base_url: &str, webhook: Option<&str>, timeout: Span) -> Result<Arc<dyn Gateway>, String> {
    let named = Secret::Env("ANY".to_owned());
    let post = if webhook.is_some() { SlackPost::Webhook(named) } else { SlackPost::Bot(named) };
    let config = config::Slack { base_url: base_url.to_owned(), post, signing: None, format, timeout };
    let token = Some(webhook.unwrap_or("xoxb-1").into());
    slack::open(&config, &Secrets { signing: vec![SIGNING.into()], token, ..Secrets::default() })
        .map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect())
}

fn sent(played: Play, webhook: bool, text: &str) -> (Result<Option<String>, SendError>, Option<Received>) {
    let platform = Standin::start(move |_| played.clone());
    let (url, timeout) = (platform.url("/api/"), Span::from_seconds(5));
    let gateway = open(&url, webhook.then_some(platform.url("/services/T/B/x").as_str()), timeout).unwrap();
    let answer = send(&gateway, vec![delivery(text)]).pop().unwrap();
    (answer.map(|receipt| receipt.message_id), platform.poll().map(|(request, _)| request))
}

#[test]
fn a_text_is_plain_and_calls_nobody() {
    let (answer, request) = sent((ADAPTER.taken)("1795338001.000200"), false, "<!channel> a & b");
    assert_eq!(answer, Ok(Some("1795338001.000200".to_owned())));
    let request = request.unwrap();
    assert_eq!(request.target, "/api/chat.postMessage");
    assert_eq!(request.header("authorization"), Some("Bearer xoxb-1"));
    assert_eq!(request.header("content-type"), Some("application/json; charset=utf-8"));
    expect![[r#"
        {
          "channel": "team-7",
          "mrkdwn": false,
          "text": "&lt;!channel&gt; a &amp; b",
          "unfurl_links": false,
          "unfurl_media": false
        }"#]]
    .assert_eq(&format!("{:#}", request.json()));
}

#[test]
fn a_long_answer_is_read_to_its_end() {
    let long = json!({"ok": true, "ts": "1", "message": {"text": "x".repeat(200 * 1024)}});
    let (answer, _) = sent(Play::json(200, &long), false, "hi");
    assert_eq!(answer, Ok(Some("1".to_owned())));
}

#[test]
fn markdown_becomes_mrkdwn_that_calls_nobody() {
    let shown = |text: &str| {
        let platform = Standin::start(|_| (ADAPTER.taken)("1"));
        let gateway = open_as(Markup::Markdown, &platform.url("/api/"), None, Span::from_seconds(5)).unwrap();
        assert!(send(&gateway, vec![delivery(text)]).pop().unwrap().is_ok());
        let body = platform.next().0.json();
        (body["text"].as_str().unwrap().to_owned(), body["mrkdwn"].as_bool().unwrap())
    };
    let source = "**Good** [morning](https://e.example/?a=1&b=2), <!channel> & `x`";
    let formatted = "*Good* <https://e.example/?a=1&amp;b=2|morning>, &lt;!channel&gt; &amp; `x`";
    assert_eq!(shown(source), (formatted.to_owned(), true));
    // Every line of a link is a link, so a long address may grow beyond what Slack takes whole.
    let lines = "[".to_owned() + "a\n".repeat(200).as_str() + "](https://e.example/" + "b".repeat(500).as_str() + ")";
    let (text, mrkdwn) = shown(&lines);
    assert_eq!((text.as_str(), mrkdwn), (lines.as_str(), false));
}

#[test]
fn an_incoming_webhook_takes_the_same_without_a_channel() {
    let played = Play::Answer { status: 200, headers: vec![], body: "ok".to_owned() };
    let (answer, request) = sent(played, true, "hi");
    assert_eq!(answer, Ok(None));
    let request = request.unwrap();
    assert_eq!((request.target.as_str(), request.header("authorization")), ("/services/T/B/x", None));
    assert_eq!(request.json()["channel"], Value::Null);
    let refused = open("http://127.0.0.1:1", Some("hooks/secret-part"), Span::from_seconds(1)).err().unwrap();
    assert!(
        refused.starts_with("webhook: holds no http(s) address") && !refused.contains("secret-part"),
        "{refused}"
    );
}

fn meanings(answers: Vec<Play>, webhook: bool) -> String {
    let meaning = |answer: Play| match sent(answer, webhook, "x").0 {
        Ok(id) => format!("taken {id:?}\n"),
        Err(error) => super::meaning(&error) + "\n",
    };
    answers.into_iter().map(meaning).collect()
}

#[test]
fn what_each_answer_of_a_method_means() {
    let word = |word: &str| Play::json(200, &json!({"ok": false, "error": word}));
    let answers = vec![
        word("channel_not_found"),
        word("not_in_channel"),
        word("is_archived"),
        word("invalid_auth"),
        word("token_revoked"),
        word("missing_scope"),
        word("something_new"),
        word("not a word <b>"),
        word("internal_error"),
        word("fatal_error"),
        word("ratelimited").with("Retry-After", "30"),
        Play::status(429).with("Retry-After", "30"),
        Play::status(200),
        Play::json(200, &json!({"ok": true})),
        Play::status(302),
        Play::status(404),
        Play::status(500),
        Play::status(503),
        Play::status(502),
        Play::status(504),
    ];
    expect![[r#"
        permanent: Slack answered channel_not_found; check chat_id: a channel's id (C…), and for a private channel invite the bot first
        permanent: Slack answered not_in_channel; invite the bot into the channel: /invite @bot
        permanent: Slack answered is_archived; the channel is archived: unarchive it, or choose another
        barred: Slack answered invalid_auth; the token is wrong: copy the bot's token (xoxb-…) from the app's page OAuth & Permissions
        barred: Slack answered token_revoked; the token was revoked: install the app once more and copy the new one
        permanent: Slack answered missing_scope; give the app the scope chat:write, and install it once more
        permanent: Slack answered something_new
        permanent: Slack answered 200 OK
        ambiguous: Slack answered internal_error
        ambiguous: Slack answered fatal_error
        chat limited 30s: Slack answered ratelimited
        chat limited 30s: Slack answered 429 Too Many Requests
        ambiguous: the answer is not Slack's, so the message may have been taken; check base_url
        taken None
        permanent: Slack answered 302 Found: redirects are not followed; check base_url
        permanent: Slack answered 404 Not Found
        retry -: Slack answered 500 Internal Server Error
        retry -: Slack answered 503 Service Unavailable
        ambiguous: Slack answered 502 Bad Gateway
        ambiguous: Slack answered 504 Gateway Timeout
    "#]].assert_eq(&meanings(answers, false));
}

#[test]
fn what_each_answer_of_an_incoming_webhook_means() {
    let word = |status: u16, word: &str| Play::Answer { status, headers: vec![], body: word.to_owned() };
    let answers = vec![
        word(404, "no_service"),
        word(403, "action_prohibited"),
        word(410, "channel_is_archived"),
        word(400, "invalid_payload"),
        word(500, "rollup_error"),
        word(502, "<html>"),
        word(429, "rate_limited").with("Retry-After", "7"),
    ];
    expect![[r#"
        barred: Slack answered no_service; the incoming webhook was removed: make a new one
        permanent: Slack answered action_prohibited; the workspace's settings do not let the app post here: ask its owner
        permanent: Slack answered channel_is_archived; the channel is archived: unarchive it, or choose another
        permanent: Slack answered invalid_payload
        retry -: Slack answered rollup_error
        ambiguous: Slack answered 502 Bad Gateway
        chat limited 7s: Slack answered rate_limited
    "#]].assert_eq(&meanings(answers, true));
}

/// Connections end with the runtime that made them.
fn probe(gateway: &Arc<dyn Gateway>) -> Result<String, String> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(gateway.probe()).map_err(|problem| problem.to_string())
}

#[test]
fn an_account_is_looked_at() {
    let probe = |played: Play| {
        let platform = Standin::start(move |_| played.clone());
        probe(&open(&platform.url(""), None, Span::from_seconds(5)).unwrap())
    };
    let well = probe(Play::json(200, &json!({"ok": true, "user": "chime", "team": "Home"})));
    assert_eq!(well, Ok("the bot chime in Home".to_owned()));
    let ill = probe(Play::json(200, &json!({"ok": false, "error": "invalid_auth"}))).unwrap_err();
    assert!(ill.starts_with("token: Slack answered invalid_auth; the token is wrong"), "{ill}");
}

/// What is made of a body with this signature, signed at 1531420618 and come so many seconds later.
fn heard_with(body: &[u8], signature: Option<&str>, later: i64) -> Result<Heard, Unheard> {
    let gateway = open("http://127.0.0.1:1", None, Span::from_seconds(1)).unwrap();
    let header = |name: &'static str| match name {
        "x-slack-request-timestamp" => Some("1531420618"),
        "x-slack-signature" => signature,
        _ => None,
    };
    gateway.hear(&Posted { header: &header, body, now: Timestamp::from_seconds(1_531_420_618 + later) })
}

/// The request and the signature of Slack's own documentation.
const THEIRS: &[u8] =
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const THEIR_SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

#[test]
fn only_what_slack_signed_just_now_is_read() {
    let readable = heard_with(THEIRS, Some(THEIR_SIGNATURE), 0).unwrap_err();
    assert!(matches!(&readable, Unheard::Unreadable(why) if why.contains("not JSON")), "signed, but {readable}");
    assert!(matches!(heard_with(THEIRS, Some(THEIR_SIGNATURE), 300), Err(Unheard::Unreadable(_))));
    let forged = [
        (THEIRS, Some(THEIR_SIGNATURE), 301),
        (THEIRS, Some(THEIR_SIGNATURE), -301),
        (&THEIRS[1..], Some(THEIR_SIGNATURE), 0),
        (THEIRS, None, 0),
        (THEIRS, Some("v0="), 0),
        (THEIRS, Some("v0=a2114d57"), 0),
        (THEIRS, Some("v0=zz"), 0),
        (THEIRS, Some(&THEIR_SIGNATURE[3..]), 0),
    ];
    for (body, signature, later) in forged {
        let unheard = heard_with(body, signature, later).unwrap_err();
        assert!(matches!(unheard, Unheard::Forged(_)), "{signature:?} {later}: {unheard}");
    }
}

/// What is made of a body that is signed as it should be.
fn heard(body: &Value) -> Result<Heard, Unheard> {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let body = body.to_string();
    let mut code = Hmac::<sha2::Sha256>::new_from_slice(SIGNING.as_bytes()).unwrap();
    code.update(format!("v0:1531420618:{body}").as_bytes());
    let digits: String = code.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    heard_with(body.as_bytes(), Some(&format!("v0={digits}")), 1)
}

#[test]
fn slack_s_question_is_answered() {
    let asked = json!({"token": "x", "challenge": "3eZbrw1aB", "type": "url_verification"});
    assert_eq!(heard(&asked), Ok(Heard::Answer("3eZbrw1aB".to_owned())));
    assert!(matches!(heard(&json!({"type": "url_verification"})), Err(Unheard::Unreadable(_))));
    assert_eq!(heard(&json!({"type": "app_rate_limited"})), Ok(Heard::Messages(Vec::new())));
}

#[test]
fn what_people_write_is_heard() {
    let written = |event: Value| {
        let mut whole = json!({"type": "message", "channel": "C1", "user": "U1", "ts": "1531420617.000200"});
        whole.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        let body = json!({
            "type": "event_callback", "event_id": "Ev1", "authorizations": [{"user_id": "UBOT"}], "event": whole,
        });
        let Ok(Heard::Messages(messages)) = heard(&body) else { panic!("{body}") };
        match &messages[..] {
            [] => "nothing".to_owned(),
            [message] => line(message),
            _ => panic!("{messages:?}"),
        }
    };
    let cases = [
        json!({"text": "hello", "channel_type": "channel"}),
        json!({"text": "hello", "channel_type": "im", "channel": "D1"}),
        json!({"text": "<@UBOT>  /status &amp; <b&gt; <https://a.b/c?d&amp;e|a link> <@U2> <!here>"}),
        json!({"text": "ask <@UBOT>", "type": "app_mention"}),
        json!({"text": "<@UBOT>"}),
        json!({"text": "in a thread", "thread_ts": "1531420000.000100", "parent_user_id": "UBOT"}),
        json!({"text": "begins a thread", "thread_ts": "1531420617.000200"}),
        json!({"text": "with a picture", "subtype": "file_share"}),
        json!({"text": " "}),
        json!({"text": "edited", "subtype": "message_changed"}),
        json!({"text": "of a bot", "bot_id": "B1"}),
        json!({"text": "of ourselves", "user": "UBOT"}),
        json!({"text": "joined", "subtype": "channel_join"}),
        json!({"type": "reaction_added"}),
    ];
    let heard: String = cases.into_iter().map(|case| written(case) + "\n").collect();
    expect![[r#"
        1531420617.000200 at 2018-07-12T18:36:57Z in C1 (Group) by U1: "hello"
        1531420617.000200 at 2018-07-12T18:36:57Z in D1 (Direct) by U1: "hello", addressed
        1531420617.000200 at 2018-07-12T18:36:57Z in C1 (Group) by U1: "/status & <b> https://a.b/c?d&e <@U2> <!here>", addressed
        1531420617.000200 at 2018-07-12T18:36:57Z in C1 (Group) by U1: "ask <@UBOT>", addressed
        1531420617.000200 at 2018-07-12T18:36:57Z in C1 (Group) by U1: "<@UBOT>", addressed
        1531420617.000200 at 2018-07-12T18:36:57Z in C1 (Group) by U1: "in a thread", thread 1531420000.000100, answers 1531420000.000100, addressed
        1531420617.000200 at 2018-07-12T18:36:57Z in C1 (Group) by U1: "begins a thread"
        1531420617.000200 at 2018-07-12T18:36:57Z in C1 (Group) by U1: "with a picture"
        nothing
        nothing
        nothing
        nothing
        nothing
        nothing
    "#]].assert_eq(&heard);
}

/// A message in one line.
fn line(message: &Inbound) -> String {
    let Inbound { message_id, chat_id, thread, chat, sender, text, reply_to, is_addressed, at } = message;
    let at = at.map_or("-".to_owned(), |at| at.to_string());
    let mut line = format!("{message_id} at {at} in {chat_id} ({chat:?}) by {}: {text:?}", sender.id);
    for (name, value) in [("thread", thread), ("answers", reply_to)] {
        if let Some(value) = value {
            line += &format!(", {name} {value}");
        }
    }
    line + if *is_addressed { ", addressed" } else { "" }
}

/// The emulator, ended with the test.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Emulator {
    /// Starts it on this port; what happens in it is posted to `events`.
    fn start(events: &str, port: u16) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut child = Command::new(std::env::var("NODE24").expect("where Node 24 is"))
            .arg(format!("{root}/tests/interop/slack/emulate.mjs"))
            .arg(format!("{root}/target/emulate/node_modules/emulate"))
            .args([events, SIGNING, &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let emulator = Self(child);
        assert!(lines.any(|line| line.unwrap() == "ready"), "it ended");
        emulator
    }
}

#[test]
#[ignore = "needs the npm package emulate and Node 24: .ci/interop-slack"]
fn the_emulator_takes_what_we_post_and_we_hear_what_it_posts() {
    let events = Standin::start(|_| Play::status(200));
    let port = 18_100;
    let _emulator = Emulator::start(&events.url("/events"), port);
    let root = format!("http://127.0.0.1:{port}");
    let open = |post: SlackPost, token: &str| {
        let timeout = Span::from_seconds(20);
        let config =
            config::Slack { base_url: format!("{root}/api"), post, signing: None, format: Markup::Plain, timeout };
        slack::open(
            &config,
            &Secrets { signing: vec![SIGNING.into()], token: Some(token.into()), ..Secrets::default() },
        )
        .unwrap()
    };
    let named = || Secret::Env("ANY".to_owned());
    let bot = open(SlackPost::Bot(named()), "test_token_admin");
    let post = |gateway: &Arc<dyn Gateway>, text: &str, chat: &str, thread: Option<&str>| {
        let mut delivery = delivery(text);
        chat.clone_into(&mut delivery.destination.chat_id);
        delivery.destination.thread = thread.map(str::to_owned);
        send(gateway, vec![delivery]).pop().unwrap()
    };
    assert_eq!(probe(&bot), Ok("the bot admin in Emulate".to_owned()));

    // The emulator says of what we post that a person wrote it, so it is heard.
    let heard = || {
        let (request, _) = events.next();
        let hear = |body: &[u8]| {
            let header = |name: &'static str| request.header(name);
            bot.hear(&Posted { header: &header, body, now: SystemClock.now() })
        };
        let mut changed = request.body.clone();
        *changed.last_mut().unwrap() = b' ';
        assert!(matches!(hear(&changed), Err(Unheard::Forged(_))));
        match hear(&request.body) {
            Ok(Heard::Messages(messages)) => <[Inbound; 1]>::try_from(messages).unwrap().into_iter().next().unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let text = "a <b> & c, <!channel>";
    let id = post(&bot, text, "C000000001", None).unwrap().message_id.unwrap();
    let message = heard();
    assert_eq!((message.message_id.as_str(), message.text.as_str(), message.thread), (id.as_str(), text, None));
    assert_eq!(message.chat_id, "C000000001");
    assert!(message.at.is_some());
    let answer = post(&bot, "in the thread", "C000000001", Some(&id)).unwrap().message_id.unwrap();
    let message = heard();
    assert_eq!((message.message_id, message.thread), (answer, Some(id)));

    let webhook = open(SlackPost::Webhook(named()), &format!("{root}/services/T000000001/B000000001/X000000001"));
    assert!(post(&webhook, "by a webhook", "any", None).is_ok());

    let refused = post(&bot, "x", "C999", None);
    let Err(SendError::Permanent { error }) = refused else { panic!("{refused:?}") };
    assert!(error.contains("channel_not_found; check chat_id"), "{error}");
}
