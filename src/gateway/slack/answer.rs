//! What Slack's answers mean to a message.
//!
//! Its methods say most of what is wrong with the status 200, as `{"ok": false, "error": "…"}`; an incoming webhook says
//! it with the status and one word. Source: Slack's Web API, errors of "chat.postMessage", "Rate limits".
//! Not here: broken connections (`http`).

use serde_json::Value;

use crate::gateway::http::Answer;
use crate::gateway::{Receipt, SendError};
use crate::limits::MESSAGE_ID_BYTES_MAX;
use crate::pace::Scope;

/// Characters of a word by which Slack says what is wrong.
const WORD_CHARS: usize = 100;

/// What does not pass by itself, and the way out.
const HINTS: &[(&str, &str)] = &[
    ("channel_not_found", "check chat_id: a channel's id (C…), and for a private channel invite the bot first"),
    ("not_in_channel", "invite the bot into the channel: /invite @bot"),
    ("is_archived", "the channel is archived: unarchive it, or choose another"),
    ("channel_is_archived", "the channel is archived: unarchive it, or choose another"),
    ("thread_not_found", "check thread: the ts of the message that the thread hangs on"),
    ("cannot_reply_to_message", "this message can have no thread"),
    ("msg_too_long", "the text is too long"),
    ("no_text", "the text is empty"),
    ("restricted_action", "the workspace's settings do not let the bot post here: ask its owner"),
    ("restricted_action_read_only_channel", "only some may post into this channel: ask its owner"),
    ("action_prohibited", "the workspace's settings do not let the app post here: ask its owner"),
    ("messages_tab_disabled", "switch on the messages tab: the app's page App Home"),
    ("invalid_auth", "the token is wrong: copy the bot's token (xoxb-…) from the app's page OAuth & Permissions"),
    ("not_authed", "the token is empty: copy the bot's token (xoxb-…) from the app's page OAuth & Permissions"),
    ("token_revoked", "the token was revoked: install the app once more and copy the new one"),
    ("token_expired", "the token has expired: switch token rotation off, or install the app once more"),
    ("account_inactive", "the app was removed from the workspace: install it once more"),
    ("missing_scope", "give the app the scope chat:write, and install it once more"),
    ("no_permission", "give the app the scope chat:write, and install it once more"),
    ("not_allowed_token_type", "use the bot's token (xoxb-…)"),
    ("no_service", "the incoming webhook was removed: make a new one"),
    ("no_team", "the workspace of the incoming webhook is gone"),
    ("invalid_token", "the incoming webhook's address is wrong: copy it once more"),
];

/// What passes.
const PASSING: [&str; 4] = ["service_unavailable", "request_timeout", "rollup_error", "team_added_to_org"];

/// What is wrong with the app or its token, whatever the channel.
const BARRED: [&str; 9] = [
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "not_allowed_token_type",
    "no_service",
    "no_team",
    "invalid_token",
];

/// Whether a bot's message was taken.
pub(super) fn taken(answer: &Answer) -> Result<Receipt, SendError> {
    let body = read(answer)?;
    let id = body.get("ts").and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= MESSAGE_ID_BYTES_MAX);
    Ok(Receipt { message_id: id.map(str::to_owned) })
}

/// Whether an incoming webhook took a message; it gives no id.
pub(super) fn dropped(answer: &Answer) -> Result<Receipt, SendError> {
    if answer.status.is_success() {
        return Ok(Receipt::default());
    }
    let word = str::from_utf8(&answer.body).unwrap_or_default().trim();
    Err(trouble(answer, Some(word).filter(|word| is_word(word))))
}

/// What a method answered.
pub(super) fn read(answer: &Answer) -> Result<Value, SendError> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let word = body.as_ref().and_then(|body| body.get("error")).and_then(Value::as_str).filter(|word| is_word(word));
    match body.as_ref().and_then(|body| body.get("ok")).and_then(Value::as_bool) {
        Some(true) if answer.status.is_success() => Ok(body.unwrap_or_default()),
        None if answer.status.is_success() => {
            let error = "the answer is not Slack's, so the message may have been taken; check base_url".to_owned();
            Err(SendError::Ambiguous { error })
        }
        Some(_) | None => Err(trouble(answer, word)),
    }
}

fn trouble(answer: &Answer, word: Option<&str>) -> SendError {
    let status = answer.status;
    let error = match word {
        Some(word) => format!("Slack answered {word}"),
        None => format!("Slack answered {status}"),
    };
    match (status.as_u16(), word) {
        // Messages are counted by channel.
        (429, _) | (_, Some("ratelimited" | "rate_limited")) => {
            SendError::Limited { error, after: answer.wait, scope: Scope::Chat }
        }
        // Slack says of these that a part may have been done; and what stands before it has lost sight of the message.
        (_, Some("internal_error" | "fatal_error")) | (502 | 504..=599, _) => SendError::Ambiguous { error },
        (_, Some(word)) if PASSING.contains(&word) => SendError::Retry { error, after: answer.wait },
        (408 | 500 | 501 | 503, _) => SendError::Retry { error, after: answer.wait },
        (300..=399, _) => {
            SendError::Permanent { error: format!("{error}: redirects are not followed; check base_url") }
        }
        (_, word) => {
            let hint = word.and_then(|word| HINTS.iter().find(|(known, _)| *known == word)).map(|(_, hint)| *hint);
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            let error = error + hint.as_str();
            if word.is_some_and(|word| BARRED.contains(&word)) {
                SendError::Barred { error }
            } else {
                SendError::Permanent { error }
            }
        }
    }
}

/// Whether a text is one of the words by which Slack says what is wrong.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= WORD_CHARS
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
