//! What a user may write: every field of a schedule, optional, as text and numbers.
//!
//! A [`RawSchedule`] has one shape; the other shapes that users write (flat, doubly nested, older names) become it
//! in `read`. It is what `export` prints and what a strict JSON surface takes.
//! Units: spans and instants are still text. Not here: whether any of it is right (`validate`).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

/// A schedule as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawSchedule {
    /// Public id: a slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name, unique for its agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session whose tool call made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by_session: Option<String>,
    /// Where its text goes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "map")]
    pub destination: Option<RawDestination>,
    /// When it is due.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "map")]
    pub schedule: Option<RawTrigger>,
    /// What it sends.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "map")]
    pub payload: Option<RawPayload>,
    /// Model of a `task`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Name of a script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// No due earlier than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at: Option<String>,
    /// No due later than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_at: Option<String>,
    /// Completed after so many runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_runs: Option<i64>,
    /// Dues are put off by up to this span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<String>,
    /// What becomes of missed dues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misfire_policy: Option<String>,
    /// A missed due older than this span is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catchup_window: Option<String>,
    /// What becomes of a due whose predecessor still runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_policy: Option<String>,
    /// How failed deliveries are tried again.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "map")]
    pub retry: Option<RawRetry>,
    /// What an unanswered attempt means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Failures in a row after which it pauses itself; 0: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_after_failures: Option<i64>,
    /// Which conversation a run belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// How a `task` may stay silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
    /// What a `task` may spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Json>,
    /// Free labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Values for hooks and templates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, Json>,
    /// Whether it begins paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Dates, weekdays and hours on which its dues do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<Vec<String>>,
    /// The schedule whose runs start this one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "map")]
    pub after: Option<RawAfter>,
    /// The owner is told when no run succeeded for this span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect_every: Option<String>,
    /// What becomes of a run whose hook fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_hook_error: Option<String>,
    /// Makes a repeated create answer with the first one's schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// The process whose end cancels it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_handle: Option<String>,
}

/// A destination as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDestination {
    /// Name of a configured gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The platform's id of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// Thread or topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Whether gateway and chat were one text, cut at its first underscore: which underscore is meant, the names of the
    /// configured gateways decide.
    #[serde(skip)]
    pub is_one_text: bool,
}

/// A trigger as written: exactly one of the first five.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawTrigger {
    /// Once, at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Once, after this span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#in: Option<String>,
    /// Again and again, after this span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// By a cron pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// IANA zone of all its times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// `auto`, `unix` or `quartz`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// The first due of `every`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
}

/// The schedule that starts this one, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawAfter {
    /// Its id, or its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Which ends of its runs count: `delivered`, `silent`, `failed`, `unknown`, `skipped` or `any`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Vec<String>>,
}

/// A payload as written: exactly one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawPayload {
    /// Literal text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Text with Rhai interpolation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Instruction for a model run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
}

/// A retry policy as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawRetry {
    /// Attempts in all, the first one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i64>,
    /// Given up when the occurrence is older than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<String>,
    /// Base of the backoff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_min: Option<String>,
    /// Cap of the backoff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_max: Option<String>,
}

impl RawTrigger {
    /// The names of the triggers that are given.
    #[must_use]
    pub fn given(&self) -> Vec<&'static str> {
        let kinds = [
            ("at", &self.at),
            ("in", &self.r#in),
            ("every", &self.every),
            ("cron", &self.cron),
            ("when", &self.when),
        ];
        kinds.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
    }
}

impl RawPayload {
    /// The names of the payloads that are given.
    #[must_use]
    pub fn given(&self) -> Vec<&'static str> {
        let kinds = [("message", &self.message), ("template", &self.template), ("task", &self.task)];
        kinds.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
    }
}

impl RawSchedule {
    /// Reads the plain shape, one JSON object, and nothing else: in a third of the time that a tree takes. `None` says
    /// only that it is not plain; whether it is wrong is for the tree's reader to say.
    #[must_use]
    pub fn read_plain(json: &str) -> Option<Self> {
        let mut text = serde_json::Deserializer::from_str(json);
        let raw = map(&mut text).ok().flatten()?;
        text.end().ok()?;
        Some(raw)
    }
}

/// A map, or null. Without it a list would be read as fields in order, which is nobody's intention.
fn map<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_option(MapOrNull(PhantomData))
}

struct MapOrNull<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOrNull<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Some)
    }
}
