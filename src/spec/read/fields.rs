//! The fields of a schedule, one line each: how every key of the top level is read.
//!
//! The keys of trigger, payload and destination may also stand at the top level, as tool calls write them.
//! Not here: those three themselves and `retry` (`shapes`).

use serde_json::Value as Json;

use super::{At, Field, Reader};
use crate::spec::raw::RawSchedule;
use crate::spec::tree::Value;

/// Keys of a trigger.
pub(super) const TRIGGER: [&str; 10] =
    ["at", "in", "every", "every_seconds", "cron", "when", "timezone", "tz", "dialect", "anchor"];
/// Keys of a payload.
pub(super) const PAYLOAD: [&str; 3] = ["message", "template", "task"];
/// Keys of a destination.
pub(super) const DESTINATION: [&str; 3] = ["gateway", "chat_id", "thread"];
/// Keys of a retry policy, older names last.
pub(super) const RETRY: [&str; 7] =
    ["max_attempts", "max_age", "backoff_min", "backoff_max", "max_retries", "retry_delay_ms", "max_retry_delay_ms"];
/// Older names that stand beside `retry`.
const RETRY_TOP: [&str; 3] = ["max_retries", "retry_delay_ms", "max_retry_delay_ms"];
/// Every other key of the top level, in the order that lists of them are shown.
const OWN: [&str; 31] = [
    "id",
    "name",
    "agent",
    "created_by_session",
    "destination",
    "schedule",
    "payload",
    "model",
    "hook",
    "start_at",
    "end_at",
    "max_runs",
    "jitter",
    "misfire_policy",
    "catchup_window",
    "overlap_policy",
    "retry",
    "delivery",
    "pause_after_failures",
    "session",
    "silence",
    "budget",
    "labels",
    "vars",
    "paused",
    "except",
    "after",
    "expect_every",
    "on_hook_error",
    "client_token",
    "process_handle",
];

/// Whether a key is one of the top level, and of no part.
pub(super) fn is_own(key: &str) -> bool {
    OWN.contains(&key)
}

/// The canonical path of a key that was meant in a part.
pub(super) fn canonical(part: &str, key: &str) -> String {
    let home = match (part, key) {
        ("", key) if TRIGGER.contains(&key) => "schedule",
        ("", key) if PAYLOAD.contains(&key) => "payload",
        ("", key) if DESTINATION.contains(&key) => "destination",
        ("", key) if RETRY_TOP.contains(&key) => "retry",
        (part, _) => part,
    };
    let key = match (home, key) {
        ("schedule", "tz") => "timezone",
        ("schedule", "every_seconds") => "every",
        ("retry", "max_retries") => "max_attempts",
        ("retry", "retry_delay_ms") => "backoff_min",
        ("retry", "max_retry_delay_ms") => "backoff_max",
        (_, key) => key,
    };
    super::join(home, key)
}

impl Reader {
    /// Reads the top level.
    pub(super) fn schedule(&mut self, whole: &At<'_>) {
        let known: Vec<&'static str> =
            OWN.iter().chain(&TRIGGER).chain(&PAYLOAD).chain(&DESTINATION).chain(&RETRY_TOP).copied().collect();
        let example = "write at least schedule and payload";
        let Some(fields) = self.fields(whole, &known, example) else {
            self.reading.doubtful.extend(["schedule".to_owned(), "payload".to_owned()]);
            return;
        };
        let mut raw = RawSchedule::default();
        for Field { key, at } in fields {
            let at = at.named(&canonical("", key));
            if TRIGGER.contains(&key) {
                self.trigger_key(key, &at, raw.schedule.get_or_insert_default());
            } else if PAYLOAD.contains(&key) {
                self.payload_key(key, &at, raw.payload.get_or_insert_default());
            } else if DESTINATION.contains(&key) {
                self.destination_key(key, &at, raw.destination.get_or_insert_default());
            } else if RETRY_TOP.contains(&key) {
                self.retry_key(key, &at, raw.retry.get_or_insert_default());
            } else {
                self.own_key(key, &at, &mut raw);
            }
        }
        self.reading.raw = raw;
    }

    fn own_key(&mut self, key: &str, at: &At<'_>, raw: &mut RawSchedule) {
        match key {
            "id" => raw.id = self.text(at),
            "name" => raw.name = self.text(at),
            "agent" => raw.agent = self.text(at),
            "created_by_session" => raw.created_by_session = self.text_or_unset(at),
            "destination" => self.destination(at, &mut raw.destination),
            "schedule" => self.trigger(at, &mut raw.schedule),
            "payload" => self.payload(at, &mut raw.payload),
            "model" => {
                raw.model = self.text_or_unset(at);
                // An empty one is none, so in a change it takes away what was there.
                if raw.model.is_none() {
                    self.reading.cleared.insert(at.canonical.clone());
                }
            }
            "hook" => raw.hook = self.text_or_unset(at),
            "start_at" => raw.start_at = self.text(at),
            "end_at" => raw.end_at = self.text(at),
            "max_runs" => raw.max_runs = self.whole(at),
            "jitter" => raw.jitter = self.text(at),
            "misfire_policy" => raw.misfire_policy = self.text(at),
            "catchup_window" => raw.catchup_window = self.text(at),
            "overlap_policy" => raw.overlap_policy = self.text(at),
            "retry" => self.retry(at, &mut raw.retry),
            "delivery" => raw.delivery = self.text(at),
            "pause_after_failures" => raw.pause_after_failures = self.whole(at),
            "session" => raw.session = self.text(at),
            "silence" => raw.silence = self.text(at),
            "budget" => raw.budget = self.any(at),
            "labels" => self.labels(at, raw),
            "vars" => self.vars(at, raw),
            "paused" => raw.paused = self.flag(at),
            "except" => raw.except = self.texts(at),
            "after" => self.after(at, &mut raw.after),
            "expect_every" => raw.expect_every = self.text(at),
            "on_hook_error" => raw.on_hook_error = self.text(at),
            "client_token" => raw.client_token = self.text_or_unset(at),
            "process_handle" => raw.process_handle = self.text_or_unset(at),
            _ => {}
        }
    }

    /// A value of whatever shape.
    fn any(&mut self, at: &At<'_>) -> Option<Json> {
        (!self.cleared(at)).then(|| at.node.to_json())
    }

    fn labels(&mut self, at: &At<'_>, raw: &mut RawSchedule) {
        for (key, value) in self.named_values(at, "write labels as {team: core}") {
            let text = match &value.node.value {
                Value::Bool(flag) => Some(flag.to_string()),
                Value::Number(number) => Some(number.to_string()),
                _ => self.text(&value),
            };
            self.spot(&value, value.node.head());
            if let Some(text) = text {
                raw.labels.insert(key, text);
            }
        }
    }

    fn vars(&mut self, at: &At<'_>, raw: &mut RawSchedule) {
        for (key, value) in self.named_values(at, "write vars as {who: Ada}") {
            self.spot(&value, value.node.head());
            raw.vars.insert(key, value.node.to_json());
        }
    }

    /// The entries of a map whose keys are the user's own.
    fn named_values<'n>(&mut self, at: &At<'n>, example: &str) -> Vec<(String, At<'n>)> {
        if self.cleared(at) {
            return Vec::new();
        }
        let Value::Map(entries) = &at.node.value else {
            self.unreadable(at, format!("must be a map, not {}", at.node.kind()), Some(example));
            return Vec::new();
        };
        let mut named: Vec<(String, At<'n>)> = Vec::new();
        let mut lines = std::collections::BTreeMap::new();
        for entry in entries {
            let (written, canonical) = (super::join(&at.written, &entry.key), super::join(&at.canonical, &entry.key));
            if let Some(first) = lines.insert(&entry.key, entry.key_place) {
                self.twice(written, &entry.key, first, entry.key_place);
                continue;
            }
            named.push((entry.key.clone(), At { node: &entry.value, written, canonical }));
        }
        named
    }
}
