//! Runs that know the same conversation go on one at a time.
//!
//! The first of a conversation takes the turn when its provider has room, and keeps it until what it says has reached the chat
//! or is given up, while it waits to be run again, too: what was said first is answered first, and the next knows the
//! answer. The others wait apart, and hold no place at their provider. Runs of other conversations, and those that know
//! none, never wait for it. A start gives the turn back to who had it.
//! Invariant: who waits apart has an open occurrence, and stands in no line.
//! Not here: lines and rooms of providers (`runs`).

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::engine::change::ConversationId;
use crate::id::OccurrenceId;
use crate::time::Timestamp;

/// Whose turn it is in each conversation that has such runs.
#[derive(Default)]
pub(super) struct Turns {
    of: HashMap<ConversationId, Turn>,
    /// The conversation of each that has a turn or waits for one.
    ids: HashMap<OccurrenceId, ConversationId>,
}

struct Turn {
    holder: OccurrenceId,
    waiting: BTreeSet<(Timestamp, OccurrenceId)>,
}

impl Turns {
    /// Takes the turn for a run that could begin; otherwise it waits apart.
    pub(super) fn take(&mut self, id: ConversationId, occurrence: OccurrenceId) -> bool {
        self.ids.insert(occurrence, id);
        let turn = self.of.entry(id).or_insert_with(|| Turn { holder: occurrence, waiting: BTreeSet::new() });
        let is_mine = turn.holder == occurrence;
        if !is_mine {
            turn.waiting.insert((occurrence.due, occurrence));
        }
        is_mine
    }

    /// A run had the turn when the last process ended.
    pub(super) fn restore(&mut self, id: ConversationId, occurrence: OccurrenceId) {
        if !self.of.contains_key(&id) {
            self.take(id, occurrence);
        }
    }

    /// A run waits no more.
    pub(super) fn remove(&mut self, occurrence: OccurrenceId) {
        let Some(id) = self.ids.get(&occurrence) else { return };
        if let Some(turn) = self.of.get_mut(id)
            && turn.waiting.remove(&(occurrence.due, occurrence))
        {
            self.ids.remove(&occurrence);
        }
    }

    /// A run gives its turn away: the first that waited is to stand in line again, and has the turn already.
    pub(super) fn leave(&mut self, occurrence: OccurrenceId) -> Option<OccurrenceId> {
        self.remove(occurrence);
        let id = self.ids.remove(&occurrence)?;
        let turn = self.of.get_mut(&id)?;
        if turn.holder != occurrence {
            return None;
        }
        match turn.waiting.pop_first() {
            Some((_, next)) => {
                turn.holder = next;
                Some(next)
            }
            None => {
                self.of.remove(&id);
                None
            }
        }
    }
}
