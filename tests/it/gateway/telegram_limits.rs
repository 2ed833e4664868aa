//! Telegram's limits through the real engine and the real adapter, by a clock that is set by hand.

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

/// A Bot API that answers sends like this, by their number, and has no news for whoever listens.
fn sending(answer: impl Fn(usize, &Received) -> Play + Send + Sync + 'static) -> Standin {
    let sends = AtomicUsize::new(0);
    Standin::start(move |request| match request.target.ends_with("/sendMessage") {
        true => answer(sends.fetch_add(1, Ordering::SeqCst), request),
        false => Play::status(503),
    })
}

/// The next send.
fn sent(telegram: &Standin) -> Received {
    std::iter::repeat_with(|| telegram.next().0).find(|request| request.target.ends_with("/sendMessage")).unwrap()
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
    let telegram = sending(move |number, request| match (number, request.json()["chat_id"].as_i64()) {
        (0, Some(LIMITED)) => busy.clone(),
        _ => Play::json(200, &json!({"ok": true, "result": {"message_id": 7}})),
    });
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
    let arrived = || {
        let body = sent(&telegram).json();
        (body["chat_id"].as_i64().unwrap(), body["text"].as_str().unwrap().to_owned())
    };

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
    let more = std::iter::from_fn(|| telegram.poll()).filter(|(request, _)| request.target.ends_with("/sendMessage"));
    assert_eq!(more.count(), 0, "nothing else was sent");
    runtime.stop().unwrap();
}

#[test]
fn a_token_that_is_revoked_loses_nothing_and_is_told_with_the_way_out() {
    let unauthorized = refusal(401, "Unauthorized", &json!(null));
    let telegram = sending(move |number, _| match number {
        0 | 1 => unauthorized.clone(),
        _ => Play::json(200, &json!({"ok": true, "result": {"message_id": 7}})),
    });
    let gateway = open(&telegram.url(""), TOKEN, Span::from_seconds(20)).unwrap();
    let error = send(&gateway, vec![to("1", None, "x")]).pop().unwrap().unwrap_err();
    assert!(matches!(&error, SendError::Barred { error } if error.contains("@BotFather")), "{error}");
    assert_eq!(sent(&telegram).json()["chat_id"], 1);

    let house = House::new();
    let runtime = house.start_with(true, gateway).unwrap();
    let handle = runtime.handle();
    for chat in 1..20 {
        created(house.ask(&handle, Op::Create(message(&format!("to-{chat}"), chat, after(1000)))));
    }
    house.set(&handle, after(1000));
    sent(&telegram);
    let shut = loop {
        let Ok(Done::Status(status)) = house.ask(&handle, Op::Status) else { panic!() };
        if let Some(gated) = status.gated.into_iter().find(|gated| gated.error.is_some()) {
            break gated;
        }
    };
    assert_eq!(shut.until, Some(after(2000)));
    assert!(shut.error.unwrap().contains("@BotFather"));
    // Somebody puts the right token there, and everything comes.
    for place in 0..19 {
        house.set(&handle, after(2000 + 100 * place));
        sent(&telegram);
    }
    runtime.stop().unwrap();
}
