//! Runs that know the conversation of their chat go on one at a time.
//!
//! The first of a chat takes the turn when its provider has room, and keeps it until what it says has reached the chat
//! or is given up, while it waits to be run again, too: what was said first is answered first, and the next knows the
//! answer. The others wait apart, and hold no place at their provider. Runs of other chats, and those that know no
//! conversation, never wait for it. A start gives the turn back to who had it.
//! Invariant: who waits apart has an open occurrence, and stands in no line.
//! Not here: lines and rooms of providers (`runs`).

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::engine::change::LaneId;
use crate::id::OccurrenceId;
use crate::time::Timestamp;

/// Whose turn it is in each chat that has such runs.
#[derive(Default)]
pub(super) struct Turns {
    of: HashMap<LaneId, Turn>,
    /// The chat of each that has a turn or waits for one.
    lanes: HashMap<OccurrenceId, LaneId>,
}

struct Turn {
    holder: OccurrenceId,
    waiting: BTreeSet<(Timestamp, OccurrenceId)>,
}

impl Turns {
    /// Takes the turn for a run that could begin; otherwise it waits apart.
    pub(super) fn take(&mut self, lane: LaneId, occurrence: OccurrenceId) -> bool {
        self.lanes.insert(occurrence, lane);
        let turn = self.of.entry(lane).or_insert_with(|| Turn { holder: occurrence, waiting: BTreeSet::new() });
        let is_mine = turn.holder == occurrence;
        if !is_mine {
            turn.waiting.insert((occurrence.due, occurrence));
        }
        is_mine
    }

    /// A run had the turn when the last process ended.
    pub(super) fn restore(&mut self, lane: LaneId, occurrence: OccurrenceId) {
        if !self.of.contains_key(&lane) {
            self.take(lane, occurrence);
        }
    }

    /// A run waits no more.
    pub(super) fn remove(&mut self, occurrence: OccurrenceId) {
        let Some(lane) = self.lanes.get(&occurrence) else { return };
        if let Some(turn) = self.of.get_mut(lane)
            && turn.waiting.remove(&(occurrence.due, occurrence))
        {
            self.lanes.remove(&occurrence);
        }
    }

    /// A run gives its turn away: the first that waited is to stand in line again, and has the turn already.
    pub(super) fn leave(&mut self, occurrence: OccurrenceId) -> Option<OccurrenceId> {
        self.remove(occurrence);
        let lane = self.lanes.remove(&occurrence)?;
        let turn = self.of.get_mut(&lane)?;
        if turn.holder != occurrence {
            return None;
        }
        match turn.waiting.pop_first() {
            Some((_, next)) => {
                turn.holder = next;
                Some(next)
            }
            None => {
                self.of.remove(&lane);
                None
            }
        }
    }
}
