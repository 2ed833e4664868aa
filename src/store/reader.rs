//! Reads: any thread, any time, never stale and never ahead of what is committed.
//!
//! Each read takes one [`View`](super::overlay::View) for an instant, copies from its layers what it needs, and
//! goes on to the view's disk snapshot without holding anything. A commit in progress does not hold it up; a commit
//! waits for it only while it copies.
//! Not here: runs (`history`), staged declarations (`names`).

use std::sync::Arc;

use redb::{ReadTransaction, ReadableTableMetadata};

use super::declaration::read_schedule;
use super::error::StoreError;
use super::overlay::Shared;
use super::row::read_state_row;
use super::tables::{BY_AGENT, BY_FILE, BY_ID, BY_NAME, BY_PROCESS, BY_TOKEN, OPEN, SCHEDULES, STATE};
use crate::engine::change::State;
use crate::id::ScheduleKey;
use crate::limits;
use crate::planted::{self, Bug};
use crate::spec::Schedule;

/// A handle to read the store with; clones see the same store.
#[derive(Clone)]
pub struct Reader {
    pub(super) shared: Arc<Shared>,
}

/// One schedule of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its key.
    pub key: ScheduleKey,
    /// Which declaration this is.
    pub generation: u32,
    /// The declaration.
    pub schedule: Arc<Schedule>,
    /// Its compact row.
    pub state: State,
}

/// What the store can say about itself at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFacts {
    /// Bytes of the database file; 0 when it is not a file.
    pub file_bytes: u64,
    /// Rows of the journal that are kept.
    pub journal_rows: u64,
    /// Rows that are committed and not folded yet.
    pub unfolded_rows: u64,
    /// Bytes of the journal rows kept in memory for them.
    pub unfolded_bytes: u64,
    /// Boot epoch of this process.
    pub epoch: u32,
    /// Schedules ever declared and still known, ended ones included.
    pub schedules: u64,
    /// Occurrences that are unsettled on disk; those only in memory are not counted.
    pub open_on_disk: u64,
    /// Days of history kept.
    pub ledger_days: u64,
}

impl Reader {
    /// The schedule with this id.
    pub fn key_of(&self, id: &str) -> Result<Option<ScheduleKey>, StoreError> {
        let disk = self.disk();
        let found = disk.open_table(BY_ID)?.get(id)?;
        Ok(found.map(|key| ScheduleKey(key.value())))
    }

    /// The schedule of this agent that was declared with this name last, alive or not.
    pub fn by_name(&self, agent: &str, name: &str) -> Result<Option<ScheduleKey>, StoreError> {
        let disk = self.disk();
        let found = disk.open_table(BY_NAME)?.get((agent, name))?;
        Ok(found.map(|key| ScheduleKey(key.value())))
    }

    /// The schedule that this agent's token made.
    pub fn by_token(&self, agent: &str, token: &str) -> Result<Option<ScheduleKey>, StoreError> {
        let disk = self.disk();
        let found = disk.open_table(BY_TOKEN)?.get((agent, token))?;
        Ok(found.map(|key| ScheduleKey(key.value())))
    }

    /// The latest declaration of a schedule, with its generation.
    pub fn schedule(&self, key: ScheduleKey) -> Result<Option<(u32, Arc<Schedule>)>, StoreError> {
        self.schedule_on(&self.disk(), key)
    }

    /// The compact row of a schedule.
    pub fn state(&self, key: ScheduleKey) -> Result<Option<State>, StoreError> {
        let disk = {
            let view = self.shared.view();
            if let Some(state) = view.state(key) {
                return Ok(Some(state));
            }
            Arc::clone(&view.disk)
        };
        state_on(&disk, key)
    }

    /// Up to `limit` schedules (never more than [`limits::PAGE_ROWS_MAX`]) in key order, those after `after`; of one
    /// agent, or of all.
    pub fn list(
        &self,
        agent: Option<&str>,
        after: Option<ScheduleKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let limit = limit.min(limits::PAGE_ROWS_MAX);
        let Some(from) = after.map_or(Some(0), |key| key.0.checked_add(1)) else { return Ok(Vec::new()) };
        let disk = self.disk();
        let mut keys = Vec::new();
        let agent = agent.filter(|_| !planted::is(Bug::ListOfEverybody));
        match agent {
            Some(agent) => {
                for row in disk.open_table(BY_AGENT)?.range((agent, from)..=(agent, u64::MAX))?.take(limit) {
                    keys.push(ScheduleKey(row?.0.value().1));
                }
            }
            None => {
                for row in disk.open_table(SCHEDULES)?.range(from..)?.take(limit) {
                    keys.push(ScheduleKey(row?.0.value()));
                }
            }
        }
        // Declarations and states come from one view, which may be newer than the one that named the keys.
        let (disk, states) = {
            let view = self.shared.view();
            let states: Vec<_> = keys.iter().map(|&key| view.state(key)).collect();
            (Arc::clone(&view.disk), states)
        };
        let mut listed = Vec::with_capacity(keys.len());
        for (key, state) in keys.into_iter().zip(states) {
            let state = state.map_or_else(|| state_on(&disk, key), |state| Ok(Some(state)))?;
            if let (Some((generation, schedule)), Some(state)) = (self.schedule_on(&disk, key)?, state)
                && agent.is_none_or(|agent| schedule.agent == agent)
            {
                listed.push(Listed { key, generation, schedule, state });
            }
        }
        Ok(listed)
    }

    /// All schedules of an agent, ended ones included.
    pub fn keys_of_agent(&self, agent: &str) -> Result<Vec<ScheduleKey>, StoreError> {
        let disk = self.disk();
        let mut keys = Vec::new();
        for row in disk.open_table(BY_AGENT)?.range((agent, 0)..=(agent, u64::MAX))? {
            keys.push(ScheduleKey(row?.0.value().1));
        }
        Ok(keys)
    }

    /// The schedules that an agent tied to a process, ended ones included.
    pub fn keys_of_process(&self, agent: &str, handle: &str) -> Result<Vec<ScheduleKey>, StoreError> {
        let disk = self.disk();
        let mut keys = Vec::new();
        for row in disk.open_table(BY_PROCESS)?.range((agent, handle, 0)..=(agent, handle, u64::MAX))? {
            keys.push(ScheduleKey(row?.0.value().2));
        }
        Ok(keys)
    }

    /// The schedules that a file declares.
    pub fn keys_of_file(&self, file: &str) -> Result<Vec<ScheduleKey>, StoreError> {
        let disk = self.disk();
        let mut keys = Vec::new();
        for row in disk.open_table(BY_FILE)?.range((file, 0)..=(file, u64::MAX))? {
            keys.push(ScheduleKey(row?.0.value().1));
        }
        Ok(keys)
    }

    /// The schedules of all files whose name begins with `prefix`, by file and key.
    pub fn files_under(&self, prefix: &str) -> Result<Vec<(String, ScheduleKey)>, StoreError> {
        let disk = self.disk();
        let mut found = Vec::new();
        for row in disk.open_table(BY_FILE)?.range((prefix, 0)..)? {
            let (key, _) = row?;
            let (file, schedule) = key.value();
            if !file.starts_with(prefix) {
                break;
            }
            found.push((file.to_owned(), ScheduleKey(schedule)));
        }
        Ok(found)
    }

    /// What the store can say about itself at once.
    pub fn facts(&self) -> Result<StoreFacts, StoreError> {
        let (disk, mut facts) = {
            let view = self.shared.view();
            let facts = StoreFacts {
                file_bytes: 0,
                journal_rows: view.journal_rows,
                unfolded_rows: view.layers().map(|layer| layer.len() as u64).sum(),
                unfolded_bytes: view.layers().map(|layer| layer.bytes as u64).sum(),
                epoch: view.epoch,
                schedules: 0,
                open_on_disk: 0,
                ledger_days: view.days.len() as u64,
            };
            (Arc::clone(&view.disk), facts)
        };
        facts.schedules = disk.open_table(SCHEDULES)?.len()?;
        facts.open_on_disk = disk.open_table(OPEN)?.len()?;
        if let Some(file) = &self.shared.file {
            facts.file_bytes = std::fs::metadata(file).map_or(0, |found| found.len());
        }
        Ok(facts)
    }

    pub(super) fn disk(&self) -> Arc<ReadTransaction> {
        Arc::clone(&self.shared.view().disk)
    }

    fn schedule_on(
        &self,
        disk: &ReadTransaction,
        key: ScheduleKey,
    ) -> Result<Option<(u32, Arc<Schedule>)>, StoreError> {
        let Some(row) = disk.open_table(SCHEDULES)?.get(key.0)? else { return Ok(None) };
        let (generation, schedule) =
            read_schedule(row.value(), &self.shared.crons).map_err(|why| why.in_row("schedules", key.0))?;
        Ok(Some((generation, Arc::new(schedule))))
    }
}

fn state_on(disk: &ReadTransaction, key: ScheduleKey) -> Result<Option<State>, StoreError> {
    let Some(row) = disk.open_table(STATE)?.get(key.0)? else { return Ok(None) };
    let state = read_state_row(row.value()).map_err(|why| why.in_row("state", key.0))?;
    Ok(Some(state))
}
