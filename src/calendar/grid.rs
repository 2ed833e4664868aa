//! A trigger's dues from a known one on: that one, whether the pattern has it or not, and what the trigger says after it.
//!
//! A schedule's row keeps its next due and not where its rhythm began, and a hook may have wished for a due that no
//! pattern has. So the first due is taken as it is; an interval goes on from it, a pattern is asked for later ones.
//! Invariant: nothing lies before the first due. Not here: bounds (`engine`).

use std::sync::Arc;

use crate::calendar::{Except, Trigger};
use crate::time::Timestamp;

/// The dues from a first one on.
#[derive(Clone, Debug)]
pub struct Grid {
    first: Timestamp,
    later: Trigger,
}

impl Grid {
    /// The first due strictly after `after`.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if after < self.first { Some(self.first) } else { self.later.next_after(after) }
    }

    /// The latest due in `(after, until]`.
    #[must_use]
    pub fn latest_in(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let first = (after < self.first && self.first <= until).then_some(self.first);
        self.later.latest_in(after.max(self.first), until).or(first)
    }

    /// How many dues lie in `(after, until]`.
    #[must_use]
    pub fn count_in(&self, after: Timestamp, until: Timestamp) -> u64 {
        if until < self.first {
            return 0;
        }
        u64::from(after < self.first) + self.later.count_in(after.max(self.first), until)
    }

    /// The first due strictly after `after` that no exclusion covers.
    #[must_use]
    pub fn next_free(&self, except: Option<&Except>, after: Timestamp) -> Option<Timestamp> {
        let is_free = |except: &Except| except.free_from(self.first) == Some(self.first);
        if after < self.first && except.is_none_or(is_free) {
            return Some(self.first);
        }
        self.later.next_free(except, after.max(self.first))
    }
}

impl Trigger {
    /// The dues from a known one on.
    #[must_use]
    pub fn from_due(&self, first: Timestamp) -> Grid {
        let later = match self {
            Self::At(_) => Self::At(first),
            Self::Every { period, .. } => Self::Every { period: *period, anchor: first },
            Self::Cron(cron) => Self::Cron(Arc::clone(cron)),
            Self::After(after) => Self::After(after.clone()),
        };
        Grid { first, later }
    }
}
