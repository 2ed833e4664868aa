//! The webhook gateway: its body, headers and signatures, and what each answer means to it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chimewheel::config;
use chimewheel::gateway::{Delivery, Gateway, Secrets, SendError, webhook};
use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::time::Span;
use expect_test::expect;
use serde_json::{Value, json};

use super::conformance::{Adapter, Said, delivery, send};
use crate::standin::{Play, Received, Standin};

pub const ADAPTER: Adapter = Adapter {
    name: "webhook",
    open: |url, timeout| open(url, timeout, &[], None).unwrap(),
    taken: |id| Play::json(200, &json!({"message_id": id})),
    refused: || Play::status(404),
    broken: || Play::status(500),
    busy: |seconds| Play::status(429).with("Retry-After", seconds.to_string()),
    read: |request| {
        let body = request.json();
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        Said {
            chat: text("chat_id").unwrap(),
            thread: text("thread"),
            text: text("text").unwrap(),
            key: request.header("webhook-id").map(str::to_owned),
        }
    },
    takes_empty: true,
    chat: "team-7",
};

fn open(url: &str, timeout: Span, signing: &[&str], token: Option<&str>) -> Result<Arc<dyn Gateway>, String> {
    let config =
        config::Webhook { url: url.to_owned(), secrets: Vec::new(), token: None, allow_private: true, timeout };
    let signing = signing.iter().map(|secret| (*secret).into()).collect();
    let secrets = Secrets { signing, token: token.map(Into::into), ..Secrets::default() };
    webhook::open(&config, &secrets)
        .map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect())
}

const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bmV3ZXIta2V5LW9mLWEtcm90YXRpb24tMDEyMw=="];

/// What a receiver that answers with a body sees of one message.
fn seen(url_path: &str, signing: &[&str], token: Option<&str>, sent: Delivery) -> Received {
    let receiver = Standin::start(|_| Play::status(204));
    let gateway = open(&receiver.url(url_path), Span::from_seconds(5), signing, token).unwrap();
    assert!(matches!(&send(&gateway, vec![sent])[..], [Ok(receipt)] if receipt.message_id.is_none()));
    receiver.next().0
}

#[test]
fn the_body_and_the_headers_are_as_the_guide_says() {
    let request = seen("/hook", &SECRETS, Some("t0ken"), delivery("Good morning"));
    expect![[r#"
        {
          "agent": "ada",
          "attempt": 1,
          "chat_id": "team-7",
          "due": "2026-11-22T09:00:00Z",
          "key": "3kTMd9zQ7xYhLp0VbWfNa1",
          "late_ms": 1250,
          "name": "Daily standup",
          "schedule": "standup",
          "sent_at": "2026-11-22T09:00:01.250Z",
          "text": "Good morning",
          "thread": null
        }"#]]
    .assert_eq(&format!("{:#}", request.json()));
    let mut headers = request.headers.clone();
    headers.remove("host");
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    expect![[r#"
        accept: */*
        authorization: Bearer t0ken
        content-length: 238
        content-type: application/json
        idempotency-key: 3kTMd9zQ7xYhLp0VbWfNa1
        user-agent: chimewheel/0.1.0
        webhook-id: 3kTMd9zQ7xYhLp0VbWfNa1
        webhook-signature: v1,baGY0nRASlXCP1GcqJTp0+6Y3fJUAKCMEbCuOsZwIqk= v1,06ecvXf94qhOW58Gs4NTcL6RaDvg+oB06tkxS3ByBRg=
        webhook-timestamp: 1795338001
    "#]].assert_eq(&headers);
    assert_eq!(request.target, "/hook");
}

#[test]
fn without_secrets_nothing_is_signed() {
    let request = seen("", &[], None, delivery("x"));
    assert_eq!((request.header("webhook-signature"), request.header("authorization")), (None, None));
    assert_eq!(request.header("webhook-id"), request.header("idempotency-key"));
    assert_eq!(request.target, "/");
}

#[test]
fn a_secret_that_is_none_is_refused_and_never_shown() {
    let refused = open("http://127.0.0.1:1", Span::from_seconds(1), &["hunter2", "whsec_aHVudGVy"], Some("a\nb"));
    let refused = refused.err().unwrap();
    assert!(!refused.contains("hunter"), "{refused}");
    expect![[r#"
        secret[0]: the secret is not base64 (make one with: printf 'whsec_%s\n' "$(openssl rand -base64 32)")
        secret[1]: the secret holds a key of 6 bytes; 24 to 64 are expected (make one with: printf 'whsec_%s\n' "$(openssl rand -base64 32)")
        token: the token holds characters that no header can carry
    "#]].assert_eq(&refused);
}

#[test]
fn the_chat_may_stand_in_the_address() {
    let chats = [
        ("/rooms/{chat_id}/post", "team 7/ü?#", Ok("/rooms/team%207%2F%C3%BC%3F%23/post")),
        ("/post?to={chat_id}&x=1", "a&b=c", Ok("/post?to=a%26b%3Dc&x=1")),
        ("/rooms/{chat_id}", "...", Ok("/rooms/...")),
        ("/rooms/{chat_id}", ".", Err("chat_id '.' cannot stand in the gateway's address")),
        ("/rooms/{chat_id}", "..", Err("chat_id '..' cannot stand in the gateway's address")),
        ("/rooms/{chat_id}/x", ".", Err("chat_id '.' cannot stand in the gateway's address")),
        ("/rooms/.{chat_id}/x", ".", Err("chat_id '.' cannot stand in the gateway's address")),
    ];
    for (path, chat, expected) in chats {
        let receiver = Standin::start(|_| Play::status(200));
        let gateway = open(&receiver.url(path), Span::from_seconds(5), &[], None).unwrap();
        let mut sent = delivery("x");
        chat.clone_into(&mut sent.destination.chat_id);
        match (&send(&gateway, vec![sent])[0], expected) {
            (Ok(_), Ok(target)) => assert_eq!(receiver.next().0.target, target),
            (Err(SendError::Permanent { error }), Err(why)) => assert_eq!(error, why),
            (answer, expected) => panic!("{chat}: {answer:?}, not {expected:?}"),
        }
    }
}

#[test]
fn an_address_that_will_not_do_is_refused() {
    let cases = [
        ("http://", "url: is not an address: empty host"),
        ("http://{chat_id}.example.com/", "url: has {chat_id} in its host"),
        ("http://example.com:{chat_id}/", "url: is not an address: invalid port number"),
        ("http://ada:pass@example.com/", "url: names a user or a password"),
        ("http://example.com/#x", "url: has a part after '#', which is never sent"),
    ];
    for (url, why) in cases {
        let refused = open(url, Span::from_seconds(1), &[], None).err().unwrap();
        assert!(refused.starts_with(why) && !refused.contains("pass@"), "{refused}");
    }
}

#[test]
fn every_status_has_its_meaning() {
    let mut meanings = String::new();
    for status in
        [200, 202, 204, 301, 307, 400, 401, 404, 408, 409, 410, 422, 425, 429, 500, 502, 503, 504, 520, 524, 525]
    {
        let receiver = Standin::start(move |_| Play::status(status).with("Location", "http://example.com/secret"));
        let gateway = open(&receiver.url(""), Span::from_seconds(5), &[], None).unwrap();
        let meaning = match send(&gateway, vec![delivery("x")]).pop().unwrap() {
            Ok(_) => "delivered".to_owned(),
            Err(error) => super::meaning(&error),
        };
        meanings.push_str(&format!("{status} {meaning}\n"));
        assert!(receiver.next().1.status_is(status) && receiver.poll().is_none(), "nothing follows {status}");
    }
    expect![[r#"
        200 delivered
        202 delivered
        204 delivered
        301 permanent: the answer was 301 Moved Permanently: redirects are not followed; put the final address into the gateway's config
        307 permanent: the answer was 307 Temporary Redirect: redirects are not followed; put the final address into the gateway's config
        400 permanent: the answer was 400 Bad Request
        401 barred: the answer was 401 Unauthorized; look at the token and the signing secret that the receiver knows, and restart
        404 permanent: the answer was 404 Not Found
        408 retry -: the answer was 408 Request Timeout
        409 permanent: the answer was 409 Conflict
        410 permanent: the answer was 410 Gone
        422 permanent: the answer was 422 Unprocessable Entity
        425 retry -: the answer was 425 Too Early
        429 account limited -: the answer was 429 Too Many Requests
        500 retry -: the answer was 500 Internal Server Error
        502 ambiguous: the answer was 502 Bad Gateway
        503 retry -: the answer was 503 Service Unavailable
        504 ambiguous: the answer was 504 Gateway Timeout
        520 ambiguous: the answer was 520 <unknown status code>
        524 ambiguous: the answer was 524 <unknown status code>
        525 retry -: the answer was 525 <unknown status code>
    "#]].assert_eq(&meanings);
}

#[test]
fn a_wait_is_asked_for_in_seconds_or_by_a_date() {
    let sunday = "Sun, 22 Nov 2026 09:00:00 GMT";
    let cases = [
        (vec![("Retry-After", "120")], Some(120_000)),
        (vec![("Retry-After", " 0 ")], Some(0)),
        // By the clock of whoever answers, where it is told.
        (vec![("Retry-After", "Sun, 22 Nov 2026 09:01:00 GMT"), ("Date", sunday)], Some(60_000)),
        (vec![("Retry-After", "Sun, 22 Nov 2026 09:01:01 GMT")], Some(60_000)),
        (vec![("Retry-After", "Sun, 22 Nov 2020 09:00:00 GMT")], Some(0)),
        (vec![("Retry-After", "soon")], None),
        (vec![("Retry-After", "-5")], None),
        (vec![("Retry-After", "99999999999999999999")], None),
        (vec![("Retry-After", "18446744073709551615")], Some(chimewheel::limits::SPAN_MS_MAX)),
        (vec![], None),
    ];
    for (headers, expected) in cases {
        let played = headers.iter().fold(Play::status(503), |play, (name, value)| play.with(name, *value));
        let receiver = Standin::start(move |_| played.clone());
        let gateway = open(&receiver.url(""), Span::from_seconds(5), &[], None).unwrap();
        let answer = send(&gateway, vec![delivery("x")]).pop().unwrap();
        let Err(SendError::Retry { after, .. }) = answer else { panic!("{headers:?}: {answer:?}") };
        assert_eq!(after.map(Span::as_millis), expected, "{headers:?}");
    }
}

#[test]
fn an_id_is_taken_from_a_short_json_answer() {
    let cases = [
        (json!({"id": "a"}).to_string(), Some("a")),
        (json!({"id": 12, "message_id": "b"}).to_string(), Some("b")),
        (json!({"id": 12}).to_string(), Some("12")),
        (json!({"id": ["x"]}).to_string(), None),
        (json!({"id": ""}).to_string(), None),
        (json!({"id": "x".repeat(257)}).to_string(), None),
        (json!({"id": "a", "padding": "x".repeat(300_000)}).to_string(), None),
        ("ok".to_owned(), None),
        (String::new(), None),
    ];
    for (body, id) in cases {
        let said = body.clone();
        let receiver = Standin::start(move |_| Play::Answer { status: 200, headers: vec![], body: said.clone() });
        let gateway = open(&receiver.url(""), Span::from_seconds(5), &[], None).unwrap();
        let receipt = send(&gateway, vec![delivery("x")]).pop().unwrap().unwrap();
        assert_eq!(receipt.message_id.as_deref(), id, "{body:.80}");
    }
}

impl Play {
    fn status_is(&self, expected: u16) -> bool {
        matches!(self, Self::Answer { status, .. } if *status == expected)
    }
}

#[test]
fn a_newer_key_signs_beside_the_old_one() {
    let signature =
        |secrets: &[&str]| seen("", secrets, None, delivery("x")).header("webhook-signature").unwrap().to_owned();
    let [both, old, new] = [&SECRETS[..], &SECRETS[..1], &SECRETS[1..]].map(signature);
    assert_eq!(both, format!("{old} {new}"));
    let bare = SECRETS[0].strip_prefix("whsec_").unwrap();
    assert_eq!(signature(&[bare]), old, "the prefix is no part of the key");
}

/// Asks the reference receiver, and the guide's own lines.
const VERIFY: &str = r#"
import sys, json
from standardwebhooks.webhooks import Webhook

asked = json.load(sys.stdin)
body = base64.b64decode(asked["body"])
try:
    theirs = Webhook(asked["secret"]).verify(body, asked["headers"])
except Exception as error:
    theirs = None
print(json.dumps({"guide": is_ours(asked["secret"], asked["headers"], body), "reference": theirs}))
"#;

#[test]
#[ignore = "needs the PyPI package standardwebhooks: .ci/interop-webhook"]
fn a_third_party_verifies_our_signatures() {
    let guide = include_str!("../../../src/guide/gateways.md");
    let lines = guide.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let sent = Delivery { sent_at: SystemClock.now(), ..delivery("Grüße 🕰️") };
    let request = seen("/hook", &SECRETS, None, sent);
    let other = "whsec_c29tZWJvZHktZWxzZS1pcy1ub3QtdXMtMDEyMzQ1Njc=";
    for (secret, is_ours) in [(SECRETS[0], true), (SECRETS[1], true), (other, false)] {
        let asked = json!({"secret": secret, "headers": request.headers, "body": STANDARD.encode(&request.body)});
        let reference = if is_ours { request.json() } else { Value::Null };
        assert_eq!(ask(&format!("{lines}{VERIFY}"), &asked), json!({"guide": is_ours, "reference": reference}));
    }
}

/// What a Python program says to a question.
fn ask(program: &str, question: &Value) -> Value {
    let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv-webhook/bin/python"))
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
