//! The methods of the Bot API that bots need for messages, and the words in which it refuses.
//!
//! Requests come as JSON, as a form or in the address, as Telegram takes them.
//! Source: https://core.telegram.org/bots/api and the server behind it, `telegram-bot-api`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::chats::{Chat, Kind, State, Words, bot};
use super::{TOKEN, World, ok};
use crate::standin::{Play, Received};

/// A refusal: its code, its words, and what it says for programs.
type Refusal = (u16, String, Option<Value>);
type Answer = Result<Value, Refusal>;

fn refusal(code: u16, why: &str) -> Refusal {
    let kind = match code {
        400 => "Bad Request: ",
        403 => "Forbidden: ",
        409 => "Conflict: ",
        429 => "Too Many Requests: ",
        _ => "",
    };
    (code, format!("{kind}{why}"), None)
}

fn refuse<T>(code: u16, why: &str) -> Result<T, Refusal> {
    Err(refusal(code, why))
}

/// What is played to a request.
pub(super) fn answer(world: &World, request: &Received) -> Play {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let parts = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/'));
    let Some((token, method)) = parts.filter(|(token, _)| token.contains(':')) else {
        return refused(refusal(404, "Not Found"));
    };
    if token != TOKEN || world.state().is_revoked {
        return refused(refusal(401, "Unauthorized"));
    }
    let method = method.to_owned();
    let played = world.change(|state| {
        state.calls.push(method.clone());
        let place = state.plays.iter().position(|(played, ..)| *played == method)?;
        Some(state.plays.remove(place))
    });
    if let Some((_, play, false)) = played {
        return play;
    }
    let asked = read(world, &method, query, request);
    let answer = check_request(world, &method, &asked).and_then(|()| call(world, &method, &asked));
    match (answer, played) {
        (_, Some((_, play, _))) => play,
        (Ok(result), None) => {
            check_answer(world, &method, &result);
            ok(&result)
        }
        (Err(refusal), None) => refused(refusal),
    }
}

fn refused((code, why, parameters): Refusal) -> Play {
    let mut body = json!({"ok": false, "error_code": code, "description": why});
    if let Some(parameters) = parameters {
        body["parameters"] = parameters;
    }
    Play::json(code, &body).with("Content-Type", "application/json")
}

fn read(world: &World, method: &str, query: &str, request: &Received) -> Map<String, Value> {
    let mut asked = Map::new();
    let mut form = |bytes: &[u8]| {
        for (name, text) in serde_urlencoded::from_bytes::<Vec<(String, String)>>(bytes).expect("a form") {
            let value = match &world.description {
                Some(description) => description.read_form(method, &name, text),
                None => serde_json::from_str(&text).ok().filter(|_| name != "text").unwrap_or(Value::String(text)),
            };
            asked.insert(name, value);
        }
    };
    form(query.as_bytes());
    match request.header("content-type").unwrap_or_default() {
        _ if request.body.is_empty() => {}
        "application/json" => asked.extend(request.json().as_object().expect("an object").clone()),
        kind if kind.starts_with("application/x-www-form-urlencoded") => form(&request.body),
        kind => panic!("requests of type {kind} are not understood"),
    }
    asked
}

fn check_request(world: &World, method: &str, asked: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(description) = &world.description else { return Ok(()) };
    let wrong = description.check_request(method, asked);
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong = wrong.join(", ");
    world.change(|state| state.complaints.push(format!("{method}: {wrong}: {}", json!(asked))));
    refuse(400, &format!("not as the Bot API is described: {wrong}"))
}

fn check_answer(world: &World, method: &str, result: &Value) {
    let wrong = world.description.as_ref().map(|description| description.check_answer(method, result));
    let complaints = wrong.into_iter().flatten().map(|wrong| format!("answer of {method}: {wrong}"));
    world.change(|state| state.complaints.extend(complaints));
}

fn call(world: &World, method: &str, asked: &Map<String, Value>) -> Answer {
    match method {
        "getMe" => {
            let mut me = bot();
            me["can_join_groups"] = json!(true);
            me["can_read_all_group_messages"] = json!(false);
            me["supports_inline_queries"] = json!(false);
            Ok(me)
        }
        "sendMessage" => world.change(|state| send_message(state, asked)),
        "getUpdates" => get_updates(world, asked),
        "setWebhook" => world.change(|state| {
            asked["url"].as_str().unwrap_or_default().clone_into(&mut state.webhook);
            Ok(json!(true))
        }),
        "deleteWebhook" => world.change(|state| {
            state.webhook.clear();
            Ok(json!(true))
        }),
        "getWebhookInfo" => {
            let state = world.state();
            Ok(json!({
                "url": state.webhook, "has_custom_certificate": false, "pending_update_count": state.updates.len(),
            }))
        }
        _ => refuse(404, "Not Found: method not found"),
    }
}

fn send_message(state: &mut State, asked: &Map<String, Value>) -> Answer {
    let id = match &asked["chat_id"] {
        Value::Number(id) => id.as_i64(),
        other => other.as_str().and_then(|id| id.parse().ok()),
    };
    let Some(chat) = id.and_then(|id| state.chats.get_mut(&id)) else { return refuse(400, "chat not found") };
    may_write(chat)?;
    let topic = asked.get("message_thread_id").and_then(Value::as_i64);
    match topic.map(|topic| chat.topics.get(&topic)) {
        Some(None) => return refuse(400, "message thread not found"),
        Some(Some(topic)) if topic.is_closed => return refuse(400, "TOPIC_CLOSED"),
        Some(Some(_)) | None => {}
    }
    // Telegram takes white space off both ends before it looks.
    let text = asked["text"].as_str().unwrap_or_default().trim();
    let units = text.encode_utf16().count();
    if units == 0 {
        return refuse(400, "message text is empty");
    }
    if units > 4096 {
        return refuse(400, "message is too long");
    }
    if let Some(mode) = asked.get("parse_mode") {
        return refuse(400, &format!("can't parse entities: {mode} is not understood here"));
    }
    let entities = asked.get("entities").filter(|entities| entities.as_array().is_some_and(|all| !all.is_empty()));
    for entity in entities.into_iter().flat_map(|entities| entities.as_array().unwrap()) {
        let [offset, length] = ["offset", "length"].map(|key| entity[key].as_u64().unwrap_or(u64::MAX));
        if offset.saturating_add(length) > units as u64 || length == 0 {
            return refuse(400, &format!("can't parse entities: {entity} is not inside the text"));
        }
    }
    let answers = asked.get("reply_parameters").and_then(|reply| reply["message_id"].as_i64());
    if answers.is_some_and(|answered| !chat.messages.iter().any(|message| message.id == answered)) {
        return refuse(400, "message to be replied not found");
    }
    let words = Words { person: 0, chat: id.unwrap(), topic, text, answers };
    Ok(state.post(words, entities))
}

fn may_write(chat: &mut Chat) -> Result<(), Refusal> {
    if let Some(to) = chat.moved_to {
        let why = "Bad Request: group chat was upgraded to a supergroup chat".to_owned();
        return Err((400, why, Some(json!({"migrate_to_chat_id": to}))));
    }
    if let Some(why) = &chat.refusal {
        return refuse(403, why);
    }
    if !chat.is_open && chat.kind == Kind::Private {
        return refuse(403, "bot can't initiate conversation with a user");
    }
    if let (times @ 1.., seconds) = chat.floods {
        chat.floods.0 = times - 1;
        let why = format!("Too Many Requests: retry after {seconds}");
        return Err((429, why, Some(json!({"retry_after": seconds}))));
    }
    Ok(())
}

fn get_updates(world: &World, asked: &Map<String, Value>) -> Answer {
    let number = |key: &str, usual: i64| asked.get(key).and_then(Value::as_i64).unwrap_or(usual);
    let (limit, seconds) = (number("limit", 100).clamp(1, 100) as usize, number("timeout", 0).clamp(0, 50) as u64);
    let offset = number("offset", 0);
    let poller = world.change(|state| {
        state.pollers += 1;
        state.confirm(offset);
        if let Some(allowed) = asked.get("allowed_updates").and_then(Value::as_array) {
            state.allowed = allowed.iter().map(|kind| kind.as_str().unwrap().to_owned()).collect();
        }
        state.pollers
    });
    let is_idle = |state: &mut State| {
        state.updates.range(offset..).next().is_none()
            && state.pollers == poller
            && state.webhook.is_empty()
            && !state.has_ended
    };
    let patience = if world.state().is_hasty { Duration::from_millis(20) } else { Duration::from_secs(seconds) };
    let (state, _) = world.changed.wait_timeout_while(world.state(), patience, is_idle).unwrap();
    if !state.webhook.is_empty() {
        let why =
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
        return refuse(409, why);
    }
    if state.pollers != poller {
        let why = "terminated by other getUpdates request; make sure that only one bot instance is running";
        return refuse(409, why);
    }
    Ok(state.updates.range(offset..).map(|(_, update)| update.clone()).take(limit).collect())
}

impl State {
    /// The bot has taken everything before this piece of news.
    fn confirm(&mut self, offset: i64) {
        if offset < 0 {
            // So many from the end are left.
            let keep = offset.unsigned_abs() as usize;
            while self.updates.len() > keep {
                self.updates.pop_first();
            }
        } else {
            self.updates = self.updates.split_off(&offset);
        }
    }
}
