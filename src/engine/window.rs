//! What a gateway is handed in one go.
//!
//! Invariant: a window that is not of payloads holds one delivery. Not here: texts (`runtime`), order (`lanes`).

use std::sync::Arc;

use crate::engine::change::LaneId;
use crate::id::OccurrenceId;

/// Deliveries of one chat, to be tried in order; every one of them is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What they say.
    pub content: Content,
    /// Name of the gateway.
    pub gateway: Arc<str>,
    /// The chat's queue.
    pub lane: LaneId,
    /// Each occurrence with the number of this attempt.
    pub items: Vec<(OccurrenceId, u16)>,
}

/// What deliveries say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// What their schedules send.
    Payload,
    /// That the schedule paused itself, or what its hook has to say to the owner.
    Notice,
}
