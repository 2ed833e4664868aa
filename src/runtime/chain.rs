//! Who starts whom: what a declaration says of the schedule it waits for is looked up and judged here, where what is not
//! yet durable is known too.
//!
//! Invariants: a schedule waits for one of its own agent's, and another agent's is answered like one that does not
//! exist; no declaration closes a circle, those on their way to the store included.
//! Not here: what follows from an end (`engine`).

use std::sync::Arc;

use crate::calendar::Trigger;
use crate::id::ScheduleKey;
use crate::limits::{CHAIN_COUNT_MAX, FOLLOWERS_COUNT_MAX};
use crate::runtime::ops::OpError;
use crate::runtime::turn::Turns;
use crate::spec::Schedule;
use crate::store::StoreError;

/// Why a schedule cannot be started by another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// It does not exist, or is another agent's.
    #[error(
        "'after' names '{schedule}', and agent '{agent}' has no schedule with that id or name: make that one first"
    )]
    Unknown {
        /// What was written.
        schedule: String,
        /// Whose it would have to be.
        agent: String,
    },
    /// It has ended.
    #[error("'after' names '{0}', which has ended: nothing would ever start this one")]
    Ended(String),
    /// They would wait for each other.
    #[error("'after' would close a circle, in which nothing would ever begin: {0}")]
    Circle(String),
    /// Too many wait for each other in a row.
    #[error("'after' names '{0}', which is the last of {CHAIN_COUNT_MAX} in a row: more cannot start one another")]
    TooLong(String),
    /// So many before it, and so many after it, make too long a row.
    #[error(
        "'after' names '{0}', the last of {1} in a row, and a row of {2} waits for this one: more than \
         {CHAIN_COUNT_MAX} cannot start one another"
    )]
    TooLongBelow(String, usize, usize),
    /// It starts too many.
    #[error("'after' names '{0}', which starts {FOLLOWERS_COUNT_MAX} schedules: it cannot start more")]
    TooMany(String),
}

impl ChainError {
    /// These wait for each other in this order, and the last is among those before it.
    pub fn circle(ids: &[impl AsRef<str>]) -> Self {
        let mut told = String::new();
        for (place, id) in ids.iter().enumerate() {
            told += match place {
                0 => "",
                1 => " waits for ",
                _ => ", which waits for ",
            };
            told += &format!("'{}'", id.as_ref());
        }
        Self::Circle(told)
    }
}

impl Turns {
    /// Puts the id and the key of the schedule that is waited for in the place of what was written; `own` is the key of
    /// a schedule that is replaced, with what it said before.
    pub(super) fn bind(&self, schedule: &mut Schedule, own: Option<(ScheduleKey, &Schedule)>) -> Result<(), OpError> {
        let Some(after) = schedule.trigger.after() else { return Ok(()) };
        let (first, known) = self.waited_for(schedule, &after.schedule)?;
        let bound = Trigger::After(crate::calendar::After {
            schedule: known.id.as_str().into(),
            key: Some(first),
            ends: after.ends,
        });
        let is_new = match own {
            // What has ended is not counted, and begins anew.
            Some((key, old)) => {
                old.trigger.after().and_then(|after| after.key) != Some(first) || self.is_gone(key)?
            }
            None => true,
        };
        if is_new {
            self.judge_chain(schedule, own.map(|(key, _)| key), first, &known)?;
        }
        schedule.trigger = bound;
        Ok(())
    }

    /// The agent's schedule with this id, or else with this name.
    fn waited_for(&self, schedule: &Schedule, written: &str) -> Result<(ScheduleKey, Arc<Schedule>), OpError> {
        let agent = schedule.agent.as_str();
        for key in [self.names.key_of(written)?, self.names.by_name(agent, written)?].into_iter().flatten() {
            let found = self.names.schedule(key)?.map(|(_, found)| found);
            // What is said in a conversation is nobody's to wait for.
            if let Some(found) = found.filter(|found| found.agent == agent && found.talk.is_none()) {
                return Ok((key, found));
            }
        }
        Err(ChainError::Unknown { schedule: written.to_owned(), agent: agent.to_owned() }.into())
    }

    fn judge_chain(
        &self,
        schedule: &Schedule,
        own: Option<ScheduleKey>,
        first: ScheduleKey,
        known: &Arc<Schedule>,
    ) -> Result<(), OpError> {
        let name = || known.id.to_string();
        let mut row = vec![schedule.id.to_string()];
        let mut next = Some((first, Arc::clone(known)));
        while let Some((key, one)) = next {
            row.push(one.id.to_string());
            if Some(key) == own {
                return Err(ChainError::circle(&row).into());
            }
            if row.len() > CHAIN_COUNT_MAX {
                return Err(ChainError::TooLong(name()).into());
            }
            next = self.before(&one)?;
        }
        let below = own.map_or(0, |own| self.rows_below(own));
        if row.len() + below > CHAIN_COUNT_MAX {
            return Err(ChainError::TooLongBelow(name(), row.len() - 1, below).into());
        }
        // A file outlives what it names; somebody who is there is told.
        if schedule.source.is_none() && self.is_gone(first)? {
            return Err(ChainError::Ended(name()).into());
        }
        if self.engine.followers(first).count() >= FOLLOWERS_COUNT_MAX {
            return Err(ChainError::TooMany(name()).into());
        }
        Ok(())
    }

    fn is_gone(&self, key: ScheduleKey) -> Result<bool, OpError> {
        Ok(self.state_of(key)?.is_none_or(|state| state.status.is_over()))
    }

    /// How many in a row are started by this one, or by those.
    fn rows_below(&self, key: ScheduleKey) -> usize {
        let mut row = vec![key];
        // A longer row is refused, whatever is below it.
        for below in 0..CHAIN_COUNT_MAX {
            row = row.into_iter().flat_map(|key| self.engine.followers(key)).collect();
            if row.is_empty() {
                return below;
            }
        }
        CHAIN_COUNT_MAX
    }

    /// The schedule that starts this one, with its key.
    fn before(&self, schedule: &Schedule) -> Result<Option<(ScheduleKey, Arc<Schedule>)>, StoreError> {
        let Some(key) = schedule.trigger.after().and_then(|after| after.key) else { return Ok(None) };
        Ok(self.names.schedule(key)?.map(|(_, found)| (key, found)))
    }
}
