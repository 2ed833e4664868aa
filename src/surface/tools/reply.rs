//! What tools tell in structured form, where that is not an operation's own reply.
//!
//! Not here: operations' replies (`ops`), the words for the model (`say`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::surface::ops::reply::{Created, Started};

/// A schedule that was created, or would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Booked {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Created,
    /// Nothing was created.
    pub dry_run: bool,
}

/// A run that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Triggered {
    /// The schedule and its run's due.
    #[serde(flatten)]
    pub started: Started,
    /// The run's id: the schedule's, and its due.
    pub run: String,
}

/// Rows of the older list of active schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Active {
    /// The schedule's id.
    pub id: String,
    /// `at YYYY-MM-DD HH:MM UTC`, `every N hours|minutes|seconds` or `cron: <expr>`.
    pub timing: String,
    /// `message`, `template` or `task`.
    pub payload_type: String,
    /// When it was created.
    pub created_at: String,
    /// The process whose end cancels it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_handle: Option<String>,
}
