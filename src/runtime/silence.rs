//! Whether a model's answer says that there is nothing to send.
//!
//! With `silence: json`, the usual way, that is an answer which as a whole is one JSON object whose own `silent` is `true`:
//! blanks around it and one code fence are allowed, and everything else is sent. Better told than lost: an object in the
//! middle of prose, one that is cut short, or `"silent": "true"` as a text is an answer like any other.
//! With `silence: tool` a run is silent that calls no tool which delivers (`outbox`).
//! With `silence: heartbeat` it is that too, or what `heartbeat` tells.
//! A hook's `silent` is asked before (`shaping`). Invariant: whatever the text, this answers and does not panic.
//! Not here: an answer that is missing or empty, which is a failure (`runner`).

use serde_json::{Map, Value};

use crate::runtime::heartbeat::{Acknowledged, acknowledged};
use crate::spec::{Payload, Schedule, Silence, Task};

/// Stands where an answer gives no reason.
const NO_REASON: &str = "the answer said so";

/// Why an answer to this schedule's task is not to be sent; `None`: it is.
#[must_use]
pub fn reason(schedule: &Schedule, answer: &str) -> Option<String> {
    match &schedule.payload {
        Payload::Task(task) => match task.silence {
            Silence::Json => said(answer),
            // What a run says by a tool it wants to be sent.
            Silence::Tool | Silence::Never => None,
            Silence::Heartbeat => said(answer).or_else(|| match acknowledged(answer) {
                Some(Acknowledged::Nothing(reason)) => Some(reason),
                Some(Acknowledged::Rest(_)) | None => None,
            }),
        },
        Payload::Message(_) | Payload::Template(_) => None,
    }
}

/// What is sent of an answer that is not silent, where that is not all of it: nobody is sent the word of a heartbeat.
#[must_use]
pub fn rest(schedule: &Schedule, answer: &str) -> Option<String> {
    let Payload::Task(Task { silence: Silence::Heartbeat, .. }) = &schedule.payload else { return None };
    match acknowledged(answer) {
        Some(Acknowledged::Rest(rest)) => Some(rest),
        Some(Acknowledged::Nothing(_)) | None => None,
    }
}

/// Why an answer is silent, if it says so in JSON.
#[must_use]
pub fn said(answer: &str) -> Option<String> {
    let text = unfenced(answer.trim());
    // Most answers are prose, which need not be read as anything else.
    if !text.starts_with('{') {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    if object.get("silent") != Some(&Value::Bool(true)) {
        return None;
    }
    let reason = match object.get("reason") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(reason)) => reason.split_whitespace().collect::<Vec<_>>().join(" "),
        Some(other) => other.to_string(),
    };
    Some(if reason.is_empty() { NO_REASON.to_owned() } else { reason })
}

/// What stands inside of one code fence; the text itself where it is in none.
fn unfenced(text: &str) -> &str {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let (fence, rest) = text.split_at(ticks);
    if ticks < 3 {
        return text;
    }
    let Some(inside) = rest.strip_suffix(fence) else { return text };
    // The word that names the language.
    inside.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_').trim()
}
