//! What is answered when many declarations go out or come in at once.
//!
//! Units: lines, from 1. Not here: how they are read and written (`files`, `local`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::spec::RawSchedule;

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
