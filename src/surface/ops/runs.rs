//! Runs and their deliveries, on the wire.
//!
//! Not here: how they are found (`local`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::{FireTime, Instant, RetriedShown};

/// The history of a schedule, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunsListed {
    /// The schedule's id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One entry an occurrence, or a range of dues that share one fate.
    pub runs: Vec<RunLine>,
    /// There are more; ask again with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One occurrence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunLine {
    /// When it was due; for a range, its first due.
    pub due: FireTime,
    /// For a range: its last due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<FireTime>,
    /// How many dues this covers.
    pub count: u64,
    /// `due`, `catch-up`, `manual`, or `notice` for telling the owner that the schedule paused itself, or
    /// what its hook has to say.
    pub cause: String,
    /// `buffered`, `waiting`, `running` or `rerun` while there is no text; `pending`, `sending` or `retry` while its
    /// text is not delivered; or how it ended.
    pub outcome: String,
    /// Why it was skipped, what the last error was, or the platform's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Attempts to deliver it that were begun.
    pub attempts: u16,
    /// It was given up before, and somebody had it tried again; attempts are counted from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<RetriedShown>,
    /// It was given up, and somebody has seen that: dead letters are listed without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
    /// What was done to make its text; left out for a literal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionShown>,
    /// Its deliveries, where there are several; it is over when all of them are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<DeliveryShown>,
    /// Its number among the schedule's runs, from 1; 0 for what never ran.
    pub number: u32,
    /// Milliseconds by which it was taken up later than it was due, jitter included; left out for what never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_ms: Option<u64>,
    /// When the engine took it up.
    pub claimed_at: Instant,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Instant>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Instant>,
}

/// What was done to make a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionShown {
    /// Attempts begun.
    pub attempts: u16,
    /// How long those took that ended.
    pub took_ms: u64,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens that it was given, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_in: Option<u32>,
    /// Tokens that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_out: Option<u32>,
    /// What its models cost, in millionths of the money that prices are written in; of a call that broke off, or is under
    /// way, the most that it may cost. Left out where nothing was to be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What its hook noted, and why it broke off where what it had said by a tool was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Where the text goes, if not to the schedule's destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// One of several deliveries of an occurrence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryShown {
    /// Where it goes, as `gateway:chat` or `gateway:chat/thread`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `pending`, `sending` or `retry` while it is not delivered; or how it ended.
    pub outcome: String,
    /// What the last error was, or the platform's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Attempts that were begun.
    pub attempts: u16,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Instant>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Instant>,
}
