//! What is answered: the bodies of all replies.
//!
//! Units: times are RFC 3339 texts in UTC; a time that people read comes with the same instant in the schedule's
//! zone. Absent values are left out. Not here: how they look in a terminal (`cli/render`).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use super::books::{Audited, ProcessEnded, TokenMade, TokenRevoked, TokensListed};
pub use super::costs::{CostLine, CostsTold};
pub use super::letters::{
    DeadLettersListed, LetterLine, LetterPart, LetterRefused, LetterShown, LettersDone, RetriedShown,
};
pub use super::runs::{DeliveryShown, ExecutionShown, RunLine, RunsListed};
pub use super::sessions::{InboundTold, MessagesShown, SessionAnswered, SessionEnded, SessionShown, SessionsListed};
pub use super::state::{BackedUp, Counts, GatedShown, SessionCounts, StatusShown};
pub use super::told::{ChangeTold, ChangesTold, RunTold, WhatChanged};
pub use super::verified::{FaultShown, VerifiedShown};
use crate::calendar::Zone;
use crate::spec::RawSchedule;
use crate::time::Timestamp;

/// An instant on the wire: RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Instant {
    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339, in UTC"})
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused = || serde::de::Error::custom(format!("'{text}' is not an RFC 3339 time"));
        Timestamp::parse_rfc3339(&text).map(Self).ok_or_else(refused)
    }
}

/// A time that people read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FireTime {
    /// In UTC.
    pub utc: Instant,
    /// In the schedule's zone, with its offset.
    pub local: String,
    /// When it fires, its jitter included; left out where that is not known or the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fires: Option<Instant>,
}

impl FireTime {
    /// An instant and the same in a zone.
    #[must_use]
    pub fn new(at: Timestamp, zone: Zone) -> Self {
        Self { utc: Instant(at), local: zone.format(at), fires: None }
    }
}

/// What was created, or would be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Added {
    /// One entry a schedule.
    pub schedules: Vec<Created>,
    /// Nothing was changed.
    #[serde(default)]
    pub dry_run: bool,
}

/// A schedule that was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it can be due more than once.
    pub recurring: bool,
    /// A repeated create: this schedule was there already and nothing changed.
    #[serde(default)]
    pub existing: bool,
    /// Whether it waits for being resumed.
    #[serde(default)]
    pub paused: bool,
    /// When it is due, in plain English.
    pub description: String,
    /// The dialect of its cron expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Its zone.
    pub timezone: String,
    /// Its next three times.
    pub next: Vec<FireTime>,
    /// Which declaration this is, from 1; raised by every update. 0 for one that was not made.
    #[serde(default)]
    pub generation: u32,
    /// What the owner should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What `apply` did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// One entry a declared or pruned schedule.
    pub changes: Vec<Application>,
    /// Files, or parts of files, that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<FileProblem>,
    /// Nothing was changed.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of one declaration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    /// The file.
    pub file: String,
    /// The schedule's id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `created`, `updated`, `unchanged`, `cancelled` or `refused`.
    pub action: String,
    /// When it is due, in plain English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its next time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<FireTime>,
    /// Why, or what the owner should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A mistake in one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileProblem {
    /// The file.
    pub file: String,
    /// The mistake, in the form of a problem document's `problems`.
    pub problem: Value,
}

/// A page of schedules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// One entry a schedule.
    pub schedules: Vec<Line>,
    /// The same schedules as files would declare them, in the same order; only where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declarations: Vec<Value>,
    /// There are more; ask again with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A schedule in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its owner.
    pub agent: String,
    /// When it was accepted.
    pub created_at: Instant,
    /// `active`, `paused`, `completed` or `cancelled`.
    pub status: String,
    /// When it is due, in plain English.
    pub description: String,
    /// Its zone.
    pub timezone: String,
    /// Where its text goes, as `gateway:chat` or `gateway:chat/thread`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Its next due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<FireTime>,
    /// The last due that is accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<FireTime>,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Dues that ran.
    pub runs: u32,
    /// Of so many at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runs: Option<u32>,
    /// Failures since the last success.
    #[serde(default)]
    pub failures: u16,
    /// It is paused because of them, and not by anybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused_itself: bool,
    /// Why it is paused: what was said when it was, or that it paused itself, and after which error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A schedule in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// What a list shows.
    #[serde(flatten)]
    pub line: Line,
    /// Raised by every update.
    pub generation: u32,
    /// The dialect of its cron expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Its next three times.
    pub upcoming: Vec<FireTime>,
    /// The file that declares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The schedule as a file would declare it.
    pub declaration: Value,
}

/// A schedule that was changed, or would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Updated {
    /// The schedule as it is now.
    #[serde(flatten)]
    pub schedule: Created,
    /// The fields that changed.
    pub fields: Vec<String>,
    /// Nothing was changed.
    #[serde(default)]
    pub dry_run: bool,
}

/// A schedule whose status was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its status now.
    pub status: String,
    /// Whether it was another one before.
    pub changed: bool,
    /// Why it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Its next due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<FireTime>,
}

/// A run that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// The schedule's id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The run's due, which names it in `runs`.
    pub due: Instant,
}

/// Times that were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Previewed {
    /// In UTC.
    pub next: Vec<Instant>,
    /// The same in the zone.
    pub local: Vec<String>,
    /// When each of them fires, its jitter included; left out for a schedule without jitter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fires: Vec<Instant>,
    /// The trigger in plain English.
    pub description: String,
    /// The dialect of the cron expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// The zone.
    pub timezone: String,
    /// How plain words were read where they could be read otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Declarations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exported {
    /// Each as a file would declare it.
    pub schedules: Vec<RawSchedule>,
    /// There are more; ask again with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What became of many lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// Lines that are, or were, to be created.
    pub good: u64,
    /// Schedules that were created.
    pub created: u64,
    /// Lines that were there already.
    pub existing: u64,
    /// What is wrong.
    pub problems: Vec<LineProblem>,
}

/// One mistake in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineProblem {
    /// Its line, from 1.
    pub line: u64,
    /// The mistake: `path`, `message`, `value`, `hint`.
    pub problem: Value,
}
