//! Cron patterns that have been read, shared by all who write the same one.
//!
//! Reading a pattern takes a hundred times as long as looking it up, and a million schedules hold a handful of them.
//! Invariant: what is looked up is what reading would give; mistakes are not kept.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::{Cron, CronError, DialectChoice, Zone};
use crate::limits;

/// A memory of patterns.
#[derive(Debug, Default)]
pub struct Patterns(Mutex<HashMap<String, Vec<Known>>>);

/// What one text was read as.
type Known = (DialectChoice, Zone, Arc<Cron>);

impl Patterns {
    /// Reads a pattern, or finds it.
    pub fn read(&self, text: &str, choice: DialectChoice, zone: Zone) -> Result<Arc<Cron>, CronError> {
        if let Some(known) = self.find(text, choice, zone) {
            return Ok(known);
        }
        let cron = Arc::new(Cron::parse(text, choice, zone)?);
        // A panic while the lock is held leaves a memory that has less in it.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::CRONS_COUNT_MAX {
            known.clear();
        }
        known.entry_ref(text).or_default().push((choice, zone, Arc::clone(&cron)));
        Ok(cron)
    }

    fn find(&self, text: &str, choice: DialectChoice, zone: Zone) -> Option<Arc<Cron>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |one: &&Known| (one.0, one.1) == (choice, zone);
        known.get(text)?.iter().find(same).map(|one| Arc::clone(&one.2))
    }
}
