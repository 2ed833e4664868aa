//! What an engine is started with.
//!
//! Not here: where the values come from (`config`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Routing;
use crate::engine::Budgets;
use crate::limits;
use crate::pace::Paces;

/// What the engine is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Boot epoch: attempts of older ones count as unanswered.
    pub epoch: u32,
    /// Days that history is kept.
    pub history_days: u32,
    /// Whether dues are served and deliveries made; otherwise it only keeps the books.
    pub serving: bool,
    /// Failures in a row after which a schedule that says nothing about it pauses itself; 0: never.
    pub pause_after: u16,
    /// Runs begun in one second to catch up on missed dues.
    pub catchup_per_second: u32,
    /// Occurrences of one gateway that may be claimed and not settled.
    pub open_per_gateway: usize,
    /// How many runs each provider takes at a time; [`limits::PROVIDER_RUNS_COUNT_MAX`] where nothing is said.
    pub rooms: Arc<BTreeMap<String, usize>>,
    /// What single gateways keep to; the others take whatever comes.
    pub paces: Arc<BTreeMap<String, Paces>>,
    /// Which model does a task.
    pub routing: Arc<Routing>,
    /// What models may cost.
    pub budgets: Arc<Budgets>,
}

impl Default for Options {
    /// The first epoch of an engine that serves, with the limits as they are named.
    fn default() -> Self {
        Self {
            epoch: 1,
            history_days: limits::HISTORY_DAYS_MAX,
            serving: true,
            pause_after: limits::FAILURES_COUNT_MAX,
            catchup_per_second: limits::CATCHUP_COUNT_MAX,
            open_per_gateway: limits::OPEN_COUNT_MAX,
            rooms: Arc::default(),
            paces: Arc::default(),
            routing: Arc::default(),
            budgets: Arc::default(),
        }
    }
}
