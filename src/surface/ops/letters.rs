//! Dead letters on the wire: what is asked and what is answered.
//!
//! Not here: where they are found (`store`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::told::RunTold;

/// Lists occurrences of any schedule that were given up, newest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeadLetters {
    /// Only those of this agent; an agent sees nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// At most this many; default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where the last page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Dead letters, newest due first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLettersListed {
    /// Each with its schedule.
    pub dead_letters: Vec<RunTold>,
    /// There may be more; ask again with this. A page may be short, or empty, and have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The last day of this page had more occurrences than are looked at: not all of its dead letters are here. Those of
    /// one schedule are in its history.
    #[serde(default)]
    pub cut: bool,
}
