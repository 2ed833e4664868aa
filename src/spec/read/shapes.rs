//! The parts of a schedule that users write in several shapes: trigger, payload, destination, retry.
//!
//! Accepted besides the plain shape: doubly nested (`schedule: {at: {at: …}}`), `{every: {every_seconds: 30}}`,
//! `{cron: {expr: …, tz: …}}`, `payload: {message: {message: …}}`, `telegram_123456` as a destination, and the
//! retry names of older tools.
//! Not here: whether exactly one trigger and one payload is given (`validate`).

use super::fields::{DESTINATION, PAYLOAD, RETRY, TRIGGER, canonical};
use super::{At, Field, Reader};
use crate::access::Destination;
use crate::spec::raw::{RawAfter, RawDestination, RawPayload, RawRetry, RawTrigger};
use crate::spec::tree::Value;
use crate::time::Span;

const TRIGGER_EXAMPLE: &str = "write for example schedule: {cron: \"0 9 * * MON-FRI\"} or schedule: {in: 2h}";
const PAYLOAD_EXAMPLE: &str = "write payload: {message: \"…\"}";
const DESTINATION_EXAMPLE: &str = "write {gateway: telegram, chat_id: \"123456\"} or telegram_123456";

impl Reader {
    /// `schedule: …`.
    pub(super) fn trigger(&mut self, at: &At<'_>, raw: &mut Option<RawTrigger>) {
        if self.cleared(at) {
            return;
        }
        let Some(fields) = self.fields(at, &TRIGGER, TRIGGER_EXAMPLE) else { return };
        let raw = raw.get_or_insert_default();
        for Field { key, at } in fields {
            let at = at.named(&canonical("schedule", key));
            self.trigger_key(key, &at, raw);
        }
    }

    /// One key of a trigger; the value may be nested once more.
    pub(super) fn trigger_key(&mut self, key: &str, at: &At<'_>, raw: &mut RawTrigger) {
        if matches!(at.node.value, Value::Map(_)) && matches!(key, "at" | "in" | "every" | "cron") {
            return self.trigger_nested(key, at, raw);
        }
        match key {
            "at" => self.set_text(&mut raw.at, at),
            "in" => self.set_text(&mut raw.r#in, at),
            "every" => self.set_text(&mut raw.every, at),
            "every_seconds" => {
                let every = self.seconds(at);
                self.set(&mut raw.every, every, at);
            }
            "cron" => self.set_text(&mut raw.cron, at),
            "when" => self.set_text(&mut raw.when, at),
            "timezone" | "tz" => self.set_text(&mut raw.timezone, at),
            "dialect" => self.set_text(&mut raw.dialect, at),
            "anchor" => self.set_text(&mut raw.anchor, at),
            _ => {}
        }
    }

    fn trigger_nested(&mut self, key: &str, at: &At<'_>, raw: &mut RawTrigger) {
        let known: &[&'static str] = match key {
            "at" => &["at", "timezone", "tz"],
            "in" => &["in"],
            "every" => &["every", "every_seconds", "anchor"],
            _ => &["cron", "expr", "expression", "timezone", "tz", "dialect"],
        };
        let Some(fields) = self.fields(at, known, TRIGGER_EXAMPLE) else { return };
        if fields.is_empty() {
            self.unreadable(at, format!("'{key}' holds nothing"), Some(TRIGGER_EXAMPLE));
        }
        for Field { key, at } in fields {
            let key = if matches!(key, "expr" | "expression") { "cron" } else { key };
            let at = at.named(&canonical("schedule", key));
            if matches!(at.node.value, Value::Map(_)) {
                self.unreadable(&at, "must be text, not a map", Some(TRIGGER_EXAMPLE));
            } else {
                self.trigger_key(key, &at, raw);
            }
        }
    }

    /// `every_seconds: 30` as the span it means.
    fn seconds(&mut self, at: &At<'_>) -> Option<String> {
        let seconds = self.whole(at)?;
        match u64::try_from(seconds) {
            Ok(seconds) if seconds >= 1 => Some(Span::from_seconds(seconds).to_string()),
            _ => {
                self.unreadable(at, "must be at least 1", None);
                None
            }
        }
    }

    /// `payload: …`.
    pub(super) fn payload(&mut self, at: &At<'_>, raw: &mut Option<RawPayload>) {
        if self.cleared(at) {
            return;
        }
        let Some(fields) = self.fields(at, &PAYLOAD, PAYLOAD_EXAMPLE) else { return };
        let raw = raw.get_or_insert_default();
        for Field { key, at } in fields {
            self.payload_key(key, &at, raw);
        }
    }

    /// One key of a payload; the value may be nested once more.
    pub(super) fn payload_key(&mut self, key: &'static str, at: &At<'_>, raw: &mut RawPayload) {
        let slot = match key {
            "message" => &mut raw.message,
            "template" => &mut raw.template,
            _ => &mut raw.task,
        };
        if !matches!(at.node.value, Value::Map(_)) {
            return self.set_text(slot, at);
        }
        let Some(fields) = self.fields(at, &[key], PAYLOAD_EXAMPLE) else { return };
        if fields.is_empty() {
            self.unreadable(at, format!("'{key}' holds nothing"), Some(PAYLOAD_EXAMPLE));
        }
        for field in fields {
            self.set_text(slot, &field.at.named(&at.canonical));
        }
    }

    /// `destination: …`: a map, or a chat id with its gateway's name and an underscore before it.
    pub(super) fn destination(&mut self, at: &At<'_>, raw: &mut Option<RawDestination>) {
        if self.cleared(at) {
            return;
        }
        if let Value::Text(text) = &at.node.value {
            match Destination::split(text, []) {
                Some((gateway, chat_id)) => {
                    let raw = raw.get_or_insert_default();
                    self.set(&mut raw.gateway, Some(gateway.to_owned()), &at.named("destination.gateway"));
                    self.set(&mut raw.chat_id, Some(chat_id.to_owned()), &at.named("destination.chat_id"));
                    raw.is_one_text = true;
                }
                None => self.unreadable(at, "is not a gateway and a chat id", Some(DESTINATION_EXAMPLE)),
            }
            return;
        }
        let Some(fields) = self.fields(at, &DESTINATION, DESTINATION_EXAMPLE) else { return };
        let raw = raw.get_or_insert_default();
        for Field { key, at } in fields {
            self.destination_key(key, &at, raw);
        }
    }

    /// One key of a destination.
    pub(super) fn destination_key(&mut self, key: &str, at: &At<'_>, raw: &mut RawDestination) {
        match key {
            "gateway" => self.set_text(&mut raw.gateway, at),
            "chat_id" => self.set_text(&mut raw.chat_id, at),
            _ => self.set_text(&mut raw.thread, at),
        }
    }

    /// `after: …`: a map, or the other schedule alone.
    pub(super) fn after(&mut self, at: &At<'_>, raw: &mut Option<RawAfter>) {
        if self.cleared(at) {
            return;
        }
        let raw = raw.get_or_insert_default();
        if matches!(at.node.value, Value::Text(_) | Value::Number(_)) {
            raw.schedule = self.text(&at.named("after.schedule"));
            return;
        }
        let example = "write after: fetch, or after: {schedule: fetch, outcome: failed}";
        for Field { key, at } in self.fields(at, &["schedule", "outcome"], example).unwrap_or_default() {
            match key {
                "schedule" => raw.schedule = self.text(&at),
                _ => raw.outcome = self.texts(&at),
            }
        }
    }

    /// `retry: …`.
    pub(super) fn retry(&mut self, at: &At<'_>, raw: &mut Option<RawRetry>) {
        if self.cleared(at) {
            return;
        }
        let Some(fields) = self.fields(at, &RETRY, "write retry: {max_attempts: 5, max_age: 1h}") else { return };
        let raw = raw.get_or_insert_default();
        for Field { key, at } in fields {
            let at = at.named(&canonical("retry", key));
            self.retry_key(key, &at, raw);
        }
    }

    /// One key of a retry policy, or one of the older names.
    pub(super) fn retry_key(&mut self, key: &str, at: &At<'_>, raw: &mut RawRetry) {
        match key {
            "max_attempts" => {
                let attempts = self.whole(at);
                self.set(&mut raw.max_attempts, attempts, at);
            }
            "max_retries" => {
                let attempts = self.not_negative(at).map(|retries| retries.saturating_add(1));
                self.set(&mut raw.max_attempts, attempts, at);
            }
            "retry_delay_ms" | "max_retry_delay_ms" => {
                let delay = self.millis(at);
                let slot = if key == "retry_delay_ms" { &mut raw.backoff_min } else { &mut raw.backoff_max };
                self.set(slot, delay, at);
            }
            "max_age" => self.set_text(&mut raw.max_age, at),
            "backoff_min" => self.set_text(&mut raw.backoff_min, at),
            _ => self.set_text(&mut raw.backoff_max, at),
        }
    }

    fn millis(&mut self, at: &At<'_>) -> Option<String> {
        let millis = self.not_negative(at)?;
        Some(Span::from_millis(millis.unsigned_abs()).to_string())
    }

    fn not_negative(&mut self, at: &At<'_>) -> Option<i64> {
        let number = self.whole(at)?;
        if number < 0 {
            self.unreadable(at, "must not be negative", None);
            return None;
        }
        Some(number)
    }

    fn set_text(&mut self, slot: &mut Option<String>, at: &At<'_>) {
        let text = self.text(at);
        self.set(slot, text, at);
    }
}
