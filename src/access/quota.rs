//! What an agent may have and do at most.
//!
//! Units are in the names. Not here: where these numbers are kept to (`surface/ops/local/access` and `runtime/tally`).

use crate::limits;
use crate::money::Cost;
use crate::time::Span;

/// What an agent may have and do at most; the defaults are those of [`crate::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Schedules that have not ended.
    pub active: u32,
    /// The shortest time between two dues of one schedule, and between two runs of it that are asked for by hand.
    pub min_interval: Span,
    /// Dues of all its schedules in 24 hours.
    pub fires_per_day: u32,
    /// Bytes of one payload.
    pub payload_bytes: usize,
    /// What models may cost in one day, of UTC; `None`: nothing is said.
    pub cost_per_day: Option<Cost>,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            active: limits::AGENT_ACTIVE_COUNT_MAX,
            min_interval: Span::from_millis(limits::AGENT_INTERVAL_MS_MIN),
            fires_per_day: limits::AGENT_FIRES_COUNT_MAX,
            payload_bytes: limits::MESSAGE_BYTES_MAX,
            cost_per_day: None,
        }
    }
}
