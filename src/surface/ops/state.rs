//! What is answered about the engine as a whole: how it is, and copies of its store.
//!
//! Units: milliseconds and bytes, as the names say. Not here: replies about schedules (`reply`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::Instant;

/// A copy of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackedUp {
    /// Where it is.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// How the engine is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusShown {
    /// The program's version.
    pub version: String,
    /// `daemon`, `mcp` when an agent's client started the engine, or `store` when none runs and the store was opened on
    /// the spot.
    pub mode: String,
    /// The process.
    pub pid: u32,
    /// The data folder.
    pub data: String,
    /// The address of the loopback surface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The engine's time.
    pub now: Instant,
    /// When the engine started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Instant>,
    /// How many schedules there are.
    pub schedules: Counts,
    /// How many sessions there are.
    #[serde(default)]
    pub sessions: SessionCounts,
    /// The earliest due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Instant>,
    /// `ok`, `catching-up`, `behind`, `stalled`, `disk-stalled` or `ended`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub health: String,
    /// How often the engine's loop has stood still since the start.
    #[serde(default)]
    pub stalls: u64,
    /// Milliseconds that the longest commit took.
    #[serde(default)]
    pub slowest_commit_ms: u64,
    /// Milliseconds by which the oldest unserved due is behind.
    pub lag_ms: u64,
    /// Occurrences that are not settled.
    pub open: u64,
    /// Of these, how many wait for another attempt.
    pub retrying: u64,
    /// Gateways that may not send right now, or not to every chat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gated: Vec<GatedShown>,
    /// Schedules that missed a due and stand in line to be caught up.
    #[serde(default)]
    pub overdue: u64,
    /// Changes that were asked for and are not answered yet.
    #[serde(default)]
    pub waiting: u64,
    /// Deliveries with a gateway and runs with a runner right now.
    pub in_flight: u64,
    /// Commits since the start.
    pub commits: u64,
    /// Bytes of the store.
    pub store_bytes: u64,
    /// Version of the zone data.
    pub zone_data: String,
    /// What the operator should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// A gateway that may not send right now, or not to every chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatedShown {
    /// Its name.
    pub gateway: String,
    /// Until when nothing is sent: the platform asked to wait, or the account is tried again then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// Why nothing can be sent; absent: it only has to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Chats that have something to send and wait, for their pace or because the platform asked to.
    pub chats: u64,
}

/// How many schedules there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// With a timer.
    pub armed: u64,
    /// Not ended: armed or paused.
    pub held: u64,
    /// In the store, ended ones included, and those with which messages were handed over and answered.
    pub known: u64,
}

/// How many sessions there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionCounts {
    /// That go on, of the latest 100,000.
    pub active: u64,
    /// In the store, those that are over included.
    pub kept: u64,
}
