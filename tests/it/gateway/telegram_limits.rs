//! Telegram's limits through the real engine and the real adapter, by a clock that is set by hand.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use chimewheel::calendar::Trigger;
use chimewheel::gateway::SendError;
use chimewheel::runtime::{Declaration, Done, Handle, Op};
use chimewheel::time::{Span, Timestamp};
use serde_json::json;

use super::conformance::send;
use super::telegram::{open, refusal, to};
use crate::botapi::TOKEN;
use crate::runtime::{BEGIN, House, created, declaration};
use crate::standin::{Play, Received, Standin};

/// The chat that is limited.
const LIMITED: i64 = 1000;

fn after(ms: u64) -> Timestamp {
    BEGIN.plus(Span::from_millis(ms))
}

fn message(id: &str, chat: i64, at: Timestamp) -> Declaration {
    let mut message = declaration(id, Trigger::At(at));
    message.schedule.destination.as_mut().unwrap().chat_id = chat.to_string();
    message
}

/// A Telegram where nobody writes to the bot: it says what becomes of each message, counted from 0.
fn telegram(script: impl Fn(usize, &Received) -> Option<Play> + Send + Sync + 'static) -> Standin {
    let sent = AtomicUsize::new(0);
    Standin::start(move |request| {
        if !is_message(request) {
            return Play::json(200, &json!({"ok": true, "result": []}));
        }
        let taken = || Play::json(200, &json!({"ok": true, "result": {"message_id": 7}}));
        script(sent.fetch_add(1, Ordering::SeqCst), request).unwrap_or_else(taken)
    })
}

fn is_message(request: &Received) -> bool {
    request.target.ends_with("/sendMessage")
}

/// The next message: its chat and its text.
fn next(telegram: &Standin) -> (i64, String) {
    loop {
        let (request, _) = telegram.next();
        if is_message(&request) {
            let body = request.json();
            let chat = &body["chat_id"];
            let chat = chat.as_i64().unwrap_or_else(|| chat.as_str().unwrap().parse().unwrap());
            return (chat, body["text"].as_str().unwrap().to_owned());
        }
    }
}

/// Waits until the loop knows of so many chats that are held back.
fn held_back(house: &House, handle: &Handle, chats: usize) {
    loop {
        let Ok(Done::Status(status)) = house.ask(handle, Op::Status) else { panic!() };
        if status.gated.iter().map(|gated| gated.chats).sum::<usize>() == chats {
            return;
        }
    }
}

#[test]
fn one_chat_that_answers_429_for_a_minute_delays_no_other() {
    let busy = refusal(429, "Too Many Requests: retry after 60", &json!({"retry_after": 60}));
    let telegram = telegram(move |number, _| (number == 0).then(|| busy.clone()));
    let house = House::new();
    let gateway = open(&telegram.url(""), TOKEN, Span::from_seconds(20)).unwrap();
    let runtime = house.start_with(true, gateway).unwrap();
    let handle = runtime.handle();
    let mut declared: Vec<Declaration> =
        (0..3).map(|place| message(&format!("limited-{place}"), LIMITED, after(1000))).collect();
    declared
        .extend((2..61).map(|second| message(&format!("at-{second}"), 2000 + second, after(1000 * second as u64))));
    for declaration in declared {
        created(house.ask(&handle, Op::Create(declaration)));
    }
    let arrived = || next(&telegram);

    house.set(&handle, after(1000));
    assert_eq!(arrived(), (LIMITED, "this is limited-0".to_owned()));
    held_back(&house, &handle, 1);
    // Each is there before the clock goes on, and none of the limited chat's is.
    for second in 2..61 {
        house.set(&handle, after(1000 * second as u64));
        assert_eq!(arrived(), (2000 + second, format!("this is at-{second}")));
    }
    // Then it goes on where it was, in its order.
    for (place, ms) in [61_000, 61_100, 61_200].into_iter().enumerate() {
        house.set(&handle, after(ms));
        assert_eq!(arrived(), (LIMITED, format!("this is limited-{place}")));
    }
    held_back(&house, &handle, 0);
    let rest = std::iter::from_fn(|| telegram.poll()).find(|(request, _)| is_message(request));
    assert!(rest.is_none(), "{rest:?}");
    runtime.stop().unwrap();
}

#[test]
fn a_token_that_is_revoked_loses_nothing_and_is_told_with_the_way_out() {
    let unauthorized = refusal(401, "Unauthorized", &json!(null));
    let telegram = telegram(move |number, _| (number < 2).then(|| unauthorized.clone()));
    let gateway = open(&telegram.url(""), TOKEN, Span::from_seconds(20)).unwrap();
    let error = send(&gateway, vec![to("1", None, "x")]).pop().unwrap().unwrap_err();
    assert!(matches!(&error, SendError::Barred { error } if error.contains("@BotFather")), "{error}");
    assert_eq!(next(&telegram).0, 1);

    let house = House::new();
    let runtime = house.start_with(true, gateway).unwrap();
    let handle = runtime.handle();
    for chat in 1..20 {
        created(house.ask(&handle, Op::Create(message(&format!("to-{chat}"), chat, after(1000)))));
    }
    house.set(&handle, after(1000));
    let first = next(&telegram).0;
    let shut = loop {
        let Ok(Done::Status(status)) = house.ask(&handle, Op::Status) else { panic!() };
        if let Some(gated) = status.gated.into_iter().find(|gated| gated.error.is_some()) {
            break gated;
        }
    };
    assert_eq!(shut.until, Some(after(2000)));
    assert!(shut.error.unwrap().contains("@BotFather"));
    // Somebody puts the right token there, and everything comes.
    let mut chats = BTreeSet::new();
    for place in 0..19 {
        house.set(&handle, after(2000 + 100 * place));
        chats.insert(next(&telegram).0);
    }
    assert!(chats.contains(&first) && chats == (1..20).collect(), "{chats:?}");
    runtime.stop().unwrap();
}
