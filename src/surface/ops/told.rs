//! What is answered about changes: the entries of the live feed.
//!
//! Not here: the other replies (`reply`), how the feed travels (`http/events`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::{Line, RunLine};

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangesTold {
    /// In the order in which they were made durable.
    pub changes: Vec<ChangeTold>,
    /// Where this ends; ask again with it.
    pub cursor: String,
    /// There are more by now.
    #[serde(default)]
    pub more: bool,
    /// What happened after the cursor asked with is not known any more: read the schedules again.
    #[serde(default)]
    pub reset: bool,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeTold {
    /// Its place; what comes after it is asked for with this.
    pub cursor: String,
    /// What it is.
    #[serde(flatten)]
    pub what: WhatChanged,
}

/// What can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhatChanged {
    /// A schedule was created or updated, or its status was set.
    Schedule(Line),
    /// An occurrence went a step further.
    Run(RunTold),
}

/// An occurrence with its schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunTold {
    /// The schedule's id.
    pub schedule: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its owner.
    pub agent: String,
    /// The occurrence.
    #[serde(flatten)]
    pub run: RunLine,
}
