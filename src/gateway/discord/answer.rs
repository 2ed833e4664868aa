//! What Discord's answers mean to a message.
//!
//! Invariant: only what has an id was taken; something else than Discord may answer with success. Rounding: waits go up to whole milliseconds.
//! Source: Discord API v10, "Opcodes and Status Codes" and "Rate Limits". Not here: broken connections (`http`).

use serde_json::Value;

use crate::gateway::http::Answer;
use crate::gateway::{Receipt, SendError};
use crate::limits::{ERROR_BYTES_MAX, MESSAGE_ID_BYTES_MAX, SPAN_MS_MAX};
use crate::pace::Scope;
use crate::time::Span;

/// Discord's codes of what does not pass by itself, and the way out.
const HINTS: &[(u64, &str)] = &[
    (10_003, "no such channel: check chat_id; the channel may have been deleted"),
    (10_004, "no such server: the bot may have been removed from it"),
    (40_001, "check the bot's token"),
    (40_002, "the bot's account must be verified by its owner"),
    (50_001, "the bot cannot see this channel: invite it to the server and give its role 'View Channel'"),
    (50_006, "Discord takes no message without visible characters"),
    (50_007, "this person takes no direct messages from the bot: they must share a server with it and allow them"),
    (50_008, "this channel holds no text"),
    (50_013, "give the bot's role 'Send Messages', and 'Send Messages in Threads' for threads"),
    (50_024, "this kind of channel cannot be written to; in a forum, name one of its threads"),
    (50_083, "the thread is archived and locked: somebody must reopen it"),
    (50_278, "the bot shares no server with this person"),
    (160_005, "the thread is locked: somebody must unlock it"),
    (200_000, "the server's AutoMod blocked it"),
];

/// Whether a message was taken.
pub(super) fn taken(answer: &Answer) -> Result<Receipt, SendError> {
    if answer.status.is_success() {
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let id =
            body.get("id").and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= MESSAGE_ID_BYTES_MAX);
        return match id {
            Some(id) => Ok(Receipt { message_id: Some(id.to_owned()) }),
            None => {
                let error =
                    "the answer names no message, so it may have been taken or not; check base_url".to_owned();
                Err(SendError::Ambiguous { error })
            }
        };
    }
    Err(trouble(answer))
}

/// What was answered, where that is needed.
pub(super) fn read(answer: &Answer) -> Result<Value, SendError> {
    if !answer.status.is_success() {
        return Err(trouble(answer));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| SendError::Retry { error: format!("the answer is not Discord's: {error}"), after: None })
}

fn trouble(answer: &Answer) -> SendError {
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let code = body.get("code").and_then(Value::as_u64).filter(|code| *code != 0);
    let status = answer.status;
    let mut error = format!("Discord answered {status}");
    if let Some(code) = code {
        error = format!("{error}, code {code}");
    }
    if let Some(message) = body.get("message").and_then(Value::as_str) {
        error = format!("{error}: {message}");
    }
    match status.as_u16() {
        429 => {
            let limit = scope(answer, &body);
            let named = limit.map(|limit| format!(" (limit: {limit})")).unwrap_or_default();
            let scope = if limit == Some("global") { Scope::Account } else { Scope::Chat };
            SendError::Limited { error: shortened(error + named.as_str()), after: wait(answer, &body), scope }
        }
        408 | 500 | 501 | 503 => SendError::Retry { error: shortened(error), after: answer.wait },
        // What stands before Discord has lost sight of the message.
        502 | 504..=599 => SendError::Ambiguous { error: shortened(error) },
        300..=399 => SendError::Permanent { error: format!("{error}: redirects are not followed; check base_url") },
        401 => {
            let hint = "the token is wrong or was reset: copy it from the developer portal, page Bot, and restart";
            SendError::Barred { error: format!("{}; {hint}", shortened(error)) }
        }
        status => {
            let hint = code.and_then(|code| HINTS.iter().find(|(known, _)| *known == code)).map(|(_, hint)| *hint);
            let hint = hint.or((status == 404).then_some("check base_url"));
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            SendError::Permanent { error: shortened(error) + hint.as_str() }
        }
    }
}

/// How long it asks to be left alone; the body says it the most exactly.
fn wait(answer: &Answer, body: &Value) -> Option<Span> {
    let seconds = |number: f64| {
        let ms = (number * 1000.0).ceil();
        (number >= 0.0 && ms.is_finite()).then(|| Span::from_millis((ms as u64).min(SPAN_MS_MAX)))
    };
    let told = body.get("retry_after").and_then(Value::as_f64).and_then(seconds);
    let reset = header(answer, "x-ratelimit-reset-after").and_then(|text| text.parse().ok()).and_then(seconds);
    told.or(reset).or(answer.wait)
}

/// Whose limit was reached: `user`, the bot's own; `global`, all it does; `shared`, of everybody in the channel.
fn scope<'a>(answer: &'a Answer, body: &Value) -> Option<&'a str> {
    if body.get("global").and_then(Value::as_bool) == Some(true) || header(answer, "x-ratelimit-global").is_some() {
        return Some("global");
    }
    header(answer, "x-ratelimit-scope")
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).and_then(|value| value.to_str().ok())
}

/// A text that leaves room for a hint.
fn shortened(text: String) -> String {
    let most = ERROR_BYTES_MAX / 4;
    if text.chars().nth(most).is_none() { text } else { text.chars().take(most).chain(['…']).collect() }
}
