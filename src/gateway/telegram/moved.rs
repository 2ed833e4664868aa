//! Groups that became supergroups, and the ids they have now.
//!
//! Known for as long as the process lives: Telegram says it again whenever the old id is used.
//! Invariant: never more than a named limit of them; beyond it all are forgotten, and learnt again.

use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

use crate::limits::TELEGRAM_MOVED_COUNT_MAX;

/// Where chats are now.
#[derive(Default)]
pub(super) struct Moved(Mutex<HashMap<i64, i64>>);

impl Moved {
    /// Where a chat is now.
    pub fn now_at(&self, chat: i64) -> i64 {
        let moved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        moved.get(&chat).copied().unwrap_or(chat)
    }

    /// Remembers that a chat has moved, and says so once.
    pub fn note(&self, from: i64, to: i64) {
        let mut moved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if moved.len() >= TELEGRAM_MOVED_COUNT_MAX {
            moved.clear();
        }
        if moved.insert(from, to) != Some(to) {
            tracing::warn!(
                "Telegram's group {from} became the supergroup {to}; messages follow it, but write the new id into \
                 schedules and configs that name the old one"
            );
        }
    }
}
