//! Who asks for changes: noted in the commit of the changes themselves, and held to what they may have.
//!
//! Invariants: what one request changed is one record; a request that changed nothing leaves none; an agent's limits are
//! judged here, by the one who also makes the changes, so two requests at once cannot go beyond them together.
//! Not here: how much an agent has (`tally`), what it may do besides (`surface`).

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::access::{Actor, Quota, Record, Touched, Via};
use crate::engine::change::Change;
use crate::id::{ScheduleKey, SessionKey};
use crate::runtime::ops::{Done, Op, OpError};
use crate::runtime::turn::Turns;
use crate::spec::Schedule;

/// Who asks for changes.
#[derive(Clone, Debug)]
pub struct By {
    /// Who it is.
    pub actor: Actor,
    /// In which session.
    pub session: Option<String>,
    /// By which way in.
    pub via: Via,
    /// For which operation.
    pub operation: &'static str,
    /// What the agent may have at most; `None`: nothing is said of the admin.
    pub quota: Option<Quota>,
}

/// Questions of one request, which the loop takes in one go.
#[derive(Debug)]
pub struct Ask {
    /// Who asks; `None`: nobody who has to answer for it, and no record is kept.
    pub by: Option<Arc<By>>,
    /// The questions, and where their answers go.
    pub questions: Vec<(Op, oneshot::Sender<Result<Done, OpError>>)>,
}

/// What is known of the request that is being answered.
pub(super) struct Entry {
    by: Arc<By>,
    changed: Touched,
    token: Option<String>,
    conversation: Option<SessionKey>,
}

impl Turns {
    pub(super) fn asked_all(&mut self, ask: Ask) {
        self.entry = ask.by.map(|by| Entry { by, changed: Touched::default(), token: None, conversation: None });
        for (op, answer) in ask.questions {
            self.asked(op, answer);
        }
        let Some(Entry { by, changed, token, conversation }) = self.entry.take() else { return };
        if changed.count == 0 && token.is_none() && conversation.is_none() {
            return;
        }
        self.note(Change::Audit(Arc::new(Record {
            at: self.clock.now(),
            actor: by.actor.clone(),
            session: by.session.clone(),
            via: by.via,
            operation: by.operation.to_owned(),
            changed,
            token,
            conversation,
        })));
    }

    /// The request has changed this schedule.
    pub(super) fn note_changed(&mut self, key: ScheduleKey) {
        if let Some(entry) = &mut self.entry {
            entry.changed.add(key);
        }
    }

    /// The request has made or revoked this token.
    pub(super) fn note_token(&mut self, id: &str) {
        if let Some(entry) = &mut self.entry {
            entry.token = Some(id.to_owned());
        }
    }

    /// The request has ended this session, or said something in it.
    pub(super) fn note_session(&mut self, key: SessionKey) {
        if let Some(entry) = &mut self.entry {
            entry.conversation = Some(key);
        }
    }

    /// Refuses a declaration that would give an agent more than it may have; `key` is that of the schedule which it
    /// replaces.
    pub(super) fn check_quota(&mut self, schedule: &Schedule, key: Option<ScheduleKey>) -> Result<(), OpError> {
        let Some(quota) = self.entry.as_ref().and_then(|entry| entry.by.quota) else { return Ok(()) };
        // What is said in a conversation has a limit of its own.
        if schedule.talk.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        self.count(&schedule.agent)?;
        Ok(self.tallies.check(schedule, key, &quota, now)?)
    }

    /// Refuses a run by hand that comes too soon after another one, or is one too many; notes it otherwise.
    pub(super) fn check_by_hand(&mut self, key: ScheduleKey) -> Result<(), OpError> {
        let Some(quota) = self.entry.as_ref().and_then(|entry| entry.by.quota) else { return Ok(()) };
        let (_, schedule) = self.names.schedule(key)?.ok_or(OpError::NotFound)?;
        let now = self.clock.now();
        self.count(&schedule.agent)?;
        Ok(self.tallies.run_by_hand(&schedule.agent, key, &quota, now)?)
    }

    /// Counts what an agent has, once; from then on changes are followed. The first time walks all its schedules.
    fn count(&mut self, agent: &str) -> Result<(), OpError> {
        if self.tallies.knows(agent) {
            return Ok(());
        }
        let now = self.clock.now();
        self.tallies.begin(agent);
        let mut keys = self.reader.keys_of_agent(agent)?;
        keys.extend(self.names.staged_of(agent));
        for key in keys {
            // What has ended is not in the engine, or on its way out of it.
            if let Some(state) = self.engine.state(key).filter(|state| !state.status.is_over())
                && let Some((_, schedule)) = self.names.schedule(key)?
            {
                self.tallies.put(key, &schedule, &state, now);
            }
        }
        Ok(())
    }
}
