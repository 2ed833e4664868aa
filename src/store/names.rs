//! Ids, names and tokens as the loop must see them: what is stored, and what is on its way there.
//!
//! The loop declares while an earlier batch is still being committed on another thread. Until a declaration's
//! commit has returned it is *staged*: taken for whoever asks the loop, unseen by readers.
//! Invariant: a staged declaration hides what the disk says about its key, so a name that an update gave up is free
//! at once.
//! Not here: whether the schedule that holds a name still lives (the engine's state), and therefore whether the
//! name may be taken over (`runtime`).

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};

use super::error::StoreError;
use super::reader::Reader;
use crate::engine::change::Change;
use crate::id::ScheduleKey;
use crate::spec::Schedule;

/// Lookups that count staged declarations.
pub struct Names {
    reader: Reader,
    staged: HashMap<ScheduleKey, Staged>,
    ids: HashMap<String, ScheduleKey>,
    names: HashMap<(String, String), ScheduleKey>,
    tokens: HashMap<(String, String), ScheduleKey>,
}

/// An agent and a name, or a token, of its.
#[derive(Hash)]
struct Pair<'a>(&'a str, &'a str);

impl Equivalent<(String, String)> for Pair<'_> {
    fn equivalent(&self, owned: &(String, String)) -> bool {
        (self.0, self.1) == (owned.0.as_str(), owned.1.as_str())
    }
}

struct Staged {
    generation: u32,
    schedule: Arc<Schedule>,
    /// Declarations of this key whose commit has not returned yet.
    pending: usize,
}

impl Names {
    /// Lookups on top of what the reader sees.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self { reader, staged: HashMap::new(), ids: HashMap::new(), names: HashMap::new(), tokens: HashMap::new() }
    }

    /// Notes a change that is about to be handed to the writer; only declarations matter.
    pub fn stage(&mut self, change: &Change) {
        let Change::Declare { key, schedule, state } = change else { return };
        let pending = match self.staged.remove(key) {
            Some(before) => {
                self.forget(*key, &before.schedule);
                before.pending + 1
            }
            None => 1,
        };
        self.ids.insert(schedule.id.as_str().to_owned(), *key);
        if let Some(name) = &schedule.name {
            self.names.insert((schedule.agent.clone(), name.clone()), *key);
        }
        if let Some(token) = &schedule.client_token {
            self.tokens.insert((schedule.agent.clone(), token.clone()), *key);
        }
        let schedule = Arc::clone(schedule);
        self.staged.insert(*key, Staged { generation: state.generation, schedule, pending });
    }

    /// The commit of a staged batch has returned: what it declared is on disk and visible to readers.
    pub fn committed(&mut self, batch: &[Change]) {
        for change in batch {
            let Change::Declare { key, .. } = change else { continue };
            let Some(staged) = self.staged.get_mut(key) else { continue };
            staged.pending -= 1;
            if staged.pending == 0
                && let Some(done) = self.staged.remove(key)
            {
                self.forget(*key, &done.schedule);
            }
        }
    }

    /// Declarations staged and not committed yet.
    #[must_use]
    pub fn staged_count(&self) -> usize {
        self.staged.len()
    }

    /// The schedules of an agent among them.
    pub fn staged_of(&self, agent: &str) -> impl Iterator<Item = ScheduleKey> {
        self.staged.iter().filter(move |(_, staged)| staged.schedule.agent == agent).map(|(key, _)| *key)
    }

    /// The schedule with this id.
    pub fn key_of(&self, id: &str) -> Result<Option<ScheduleKey>, StoreError> {
        if let Some(key) = self.ids.get(id) {
            return Ok(Some(*key));
        }
        let key = self.reader.key_of(id)?;
        Ok(key.filter(|key| self.staged.get(key).is_none_or(|staged| staged.schedule.id.as_str() == id)))
    }

    /// The schedule of this agent that was declared with this name last, alive or not.
    pub fn by_name(&self, agent: &str, name: &str) -> Result<Option<ScheduleKey>, StoreError> {
        if let Some(key) = self.names.get(&Pair(agent, name)) {
            return Ok(Some(*key));
        }
        let still = |one: &Schedule| one.agent == agent && one.name.as_deref() == Some(name);
        let key = self.reader.by_name(agent, name)?;
        Ok(key.filter(|key| self.staged.get(key).is_none_or(|staged| still(&staged.schedule))))
    }

    /// The schedule that this agent's token made.
    pub fn by_token(&self, agent: &str, token: &str) -> Result<Option<ScheduleKey>, StoreError> {
        if let Some(key) = self.tokens.get(&Pair(agent, token)) {
            return Ok(Some(*key));
        }
        let still = |one: &Schedule| one.agent == agent && one.client_token.as_deref() == Some(token);
        let key = self.reader.by_token(agent, token)?;
        Ok(key.filter(|key| self.staged.get(key).is_none_or(|staged| still(&staged.schedule))))
    }

    /// The latest declaration of a schedule, staged or stored, with its generation.
    pub fn schedule(&self, key: ScheduleKey) -> Result<Option<(u32, Arc<Schedule>)>, StoreError> {
        match self.staged.get(&key) {
            Some(staged) => Ok(Some((staged.generation, Arc::clone(&staged.schedule)))),
            None => self.reader.schedule(key),
        }
    }

    /// Takes out what still points at this key; another one may have taken a name over meanwhile.
    fn forget(&mut self, key: ScheduleKey, schedule: &Schedule) {
        if self.ids.get(schedule.id.as_str()) == Some(&key) {
            self.ids.remove(schedule.id.as_str());
        }
        if let Some(name) = &schedule.name {
            let taken = Pair(&schedule.agent, name);
            if self.names.get(&taken) == Some(&key) {
                self.names.remove(&taken);
            }
        }
        if let Some(token) = &schedule.client_token {
            let taken = Pair(&schedule.agent, token);
            if self.tokens.get(&taken) == Some(&key) {
                self.tokens.remove(&taken);
            }
        }
    }
}
