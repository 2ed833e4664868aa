//! What models cost, on the wire: what is asked and what is answered.
//!
//! Units: amounts are millionths of the money that prices are written in. Not here: where they are found (`store`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::Instant;

/// Sums up what models took for runs, from the history that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Costs {
    /// One line for each `schedule`, which is the usual, `agent` or `model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Only runs that were due at this instant or later, or within a span up to now, such as `7d`; default: all that are
    /// kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only those of this agent; an agent sees nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// What models took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostsTold {
    /// What each line is about: `schedule`, `agent` or `model`.
    pub by: String,
    /// One line each, the dearest first.
    pub costs: Vec<CostLine>,
    /// All of them together.
    pub total: CostLine,
    /// There were more runs than are looked at: of those due before this not all are here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_since: Option<Instant>,
}

/// What some runs took together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostLine {
    /// The schedule's id, the agent, or the model as `provider/name`; empty where no model answered.
    pub of: String,
    /// The schedule's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Runs for which a model was asked.
    pub runs: u64,
    /// Tokens that models were given, where that was told.
    pub tokens_in: u64,
    /// Tokens that they made.
    pub tokens_out: u64,
    /// What that cost, in millionths; of a call that broke off, or is under way, the most that it may cost.
    pub cost_micros: u64,
}
