//! Verifying on the wire: the request, and what was found.
//!
//! Not here: judging (`store`), how it is printed (`cli/storage`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store;

/// Checks every page and row of the store as some commit of now left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {}

/// What verifying a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedShown {
    /// The database file.
    pub file: String,
    /// Whether nothing is wrong.
    pub sound: bool,
    /// Rows of each table, and what else was counted.
    pub counts: BTreeMap<String, u64>,
    /// How many faults there are in all.
    pub faults_count: u64,
    /// The first of them.
    pub faults: Vec<FaultShown>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultShown {
    /// In which table; `(file)` for the file itself.
    pub table: String,
    /// Under which key; empty for the table as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl VerifiedShown {
    /// What was found in a file.
    #[must_use]
    pub fn new(file: String, found: store::Verified) -> Self {
        let sound = found.is_sound();
        let shown = |fault: store::Fault| FaultShown {
            table: fault.table,
            key: fault.key,
            message: fault.what,
            hint: fault.way_out.to_owned(),
        };
        Self {
            file,
            sound,
            counts: found.counts.into_iter().map(|(what, count)| (what.to_owned(), count)).collect(),
            faults_count: found.faults_count,
            faults: found.faults.into_iter().map(shown).collect(),
        }
    }
}

impl std::fmt::Display for FaultShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, key, message, hint } = self;
        let key = if key.is_empty() { String::new() } else { format!(" row {key}") };
        write!(f, "{table}{key}: {message}; {hint}")
    }
}
