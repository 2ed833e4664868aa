//! Questions become inputs: ids, names, tokens and an agent's limits are checked here, where what is not yet durable is known too.
//!
//! Invariant: two live schedules of an agent never share a name, two schedules never share an id, whatever is being
//! committed at the moment. Not here: whether a schedule is valid (`spec`), what a change does (`engine`).

use std::sync::Arc;

use crate::engine::change::{Change, State, Status};
use crate::engine::{Input, OpId, Start, Timing};
use crate::id::ScheduleKey;
use crate::planted::{self, Bug};
use crate::runtime::ops::{Declaration, Done, Op, OpError};
use crate::runtime::turn::{Begun, Shape, Turns};
use crate::spec::{Schedule, Source};

impl Turns {
    /// Checks a question and makes an input of it, or answers it.
    pub(super) fn begin(&mut self, op: Op) -> Result<Begun, OpError> {
        match op {
            Op::Create(declaration) => self.create(declaration),
            Op::Declare(declaration) => self.declare(declaration),
            Op::Replace { key, read, declaration } => {
                let (generation, old) = self.declared(key)?.ok_or(OpError::NotFound)?;
                if generation != read {
                    return Err(OpError::Conflict);
                }
                let state = self.state_of(key)?.ok_or(OpError::NotFound)?;
                if state.status == Status::Cancelled {
                    return Err(OpError::Ended(state.status));
                }
                self.replace(key, &old, declaration)
            }
            Op::Pause { key, note } => self.plain(key, move |op| Input::Pause { op, key, note }),
            Op::Resume(key) => self.plain(key, move |op| Input::Resume { op, key }),
            Op::Cancel(key) => self.plain(key, move |op| Input::Cancel { op, key }),
            Op::RunNow(key) => {
                self.check_by_hand(key)?;
                self.plain(key, move |op| Input::RunNow { op, key })
            }
            Op::Prune(key) => self.prune(key),
            Op::EndSession(key) => self.end_session(key).map(Begun::Answer),
            Op::Answer(answer) => self.answer(answer),
            Op::Retry(of) => self.retry(of),
            Op::Drop(of) => self.drop_letter(of),
            Op::Grant(grant) => {
                self.note_token(&grant.id);
                self.note(Change::Grant(grant));
                Ok(Begun::Answer(Done::Noted))
            }
            Op::IfRead { key, read, op } => match self.declared(key)? {
                Some((generation, _)) if generation == read => self.begin(*op),
                Some(_) => Err(OpError::Conflict),
                None => Err(OpError::NotFound),
            },
            Op::Judge { mut schedule, key } => {
                let old = key.map(|key| self.declared(key)).transpose()?.flatten();
                let own = key.zip(old.as_ref()).map(|(key, (_, old))| (key, &**old));
                self.bind(&mut schedule, own)?;
                Ok(Begun::Answer(Done::Noted))
            }
            Op::Status => Ok(Begun::Answer(Done::Status(self.status()))),
        }
    }

    fn create(&mut self, mut declaration: Declaration) -> Result<Begun, OpError> {
        let schedule = &declaration.schedule;
        if let Some(token) = &schedule.client_token
            && let Some(key) = self.names.by_token(&schedule.agent, token)?
            && !planted::is(Bug::TokenForgotten)
        {
            return Ok(Begun::Answer(Done::Existing(key)));
        }
        if self.names.key_of(schedule.id.as_str())?.is_some() {
            return Err(OpError::IdTaken(schedule.id.clone()));
        }
        self.check_name(schedule, None)?;
        self.bind(&mut declaration.schedule, None)?;
        self.check_quota(&declaration.schedule, None)?;
        let key = ScheduleKey(self.next_key);
        self.next_key += 1;
        let start = match (declaration.past, declaration.paused) {
            (true, _) => Start::Past,
            (false, true) => Start::Paused,
            (false, false) => Start::Active,
        };
        let schedule = Arc::new(declaration.schedule);
        let input = Box::new(move |op| Input::Create { op, key, schedule, start, generation: 1 });
        Ok(Begun::Input { key, shape: Shape::Created, input })
    }

    fn declare(&mut self, declaration: Declaration) -> Result<Begun, OpError> {
        let Some(key) = self.names.key_of(declaration.schedule.id.as_str())? else {
            return self.create(declaration);
        };
        let (_, old) = self.declared(key)?.ok_or(OpError::NotFound)?;
        let Some(source) = &old.source else { return Err(OpError::NotFromFile(old.id.clone())) };
        let content = |source: &Source| source.content;
        if declaration.schedule.source.as_ref().and_then(content) == source.content {
            let state = self.state_of(key)?.ok_or(OpError::NotFound)?;
            return Ok(Begun::Answer(Done::Unchanged(key, state)));
        }
        self.replace(key, &old, declaration)
    }

    fn replace(&mut self, key: ScheduleKey, old: &Schedule, declaration: Declaration) -> Result<Begun, OpError> {
        let Declaration { mut schedule, paused, past: _ } = declaration;
        if schedule.id != old.id || schedule.agent != old.agent {
            return Err(OpError::IdTaken(schedule.id));
        }
        self.check_name(&schedule, Some(key))?;
        self.bind(&mut schedule, Some((key, old)))?;
        self.check_quota(&schedule, Some(key))?;
        schedule.created_at = old.created_at;
        let same_times = schedule.trigger == old.trigger && schedule.bounds.start_at == old.bounds.start_at;
        let timing = if same_times { Timing::Keep } else { Timing::Renew };
        self.recall(key)?;
        let schedule = Arc::new(schedule);
        let input = Box::new(move |op| Input::Update { op, key, schedule, timing, paused: Some(paused) });
        Ok(Begun::Input { key, shape: Shape::Changed, input })
    }

    /// Cancelled because its file is gone: the file's content is forgotten, so that its return is news.
    fn prune(&mut self, key: ScheduleKey) -> Result<Begun, OpError> {
        let (_, old) = self.declared(key)?.ok_or(OpError::NotFound)?;
        let Some(source) = &old.source else { return Err(OpError::NotFromFile(old.id.clone())) };
        let content = source.content.filter(|_| planted::is(Bug::PruneKeepsContent));
        let source = Source { file: source.file.clone(), content };
        let schedule = Arc::new(Schedule { source: Some(source), ..(*old).clone() });
        self.recall(key)?;
        let nobody = OpId(u64::MAX);
        self.handle(Input::Update { op: nobody, key, schedule, timing: Timing::Keep, paused: None });
        self.plain(key, move |op| Input::Cancel { op, key })
    }

    pub(super) fn plain(
        &mut self,
        key: ScheduleKey,
        input: impl FnOnce(OpId) -> Input + 'static,
    ) -> Result<Begun, OpError> {
        self.recall(key)?;
        Ok(Begun::Input { key, shape: Shape::Changed, input: Box::new(input) })
    }

    fn check_name(&self, schedule: &Schedule, own: Option<ScheduleKey>) -> Result<(), OpError> {
        let Some(name) = &schedule.name else { return Ok(()) };
        let Some(holder) = self.names.by_name(&schedule.agent, name)? else { return Ok(()) };
        let is_live = self.state_of(holder)?.is_some_and(|state| !state.status.is_over());
        if Some(holder) == own || !is_live {
            return Ok(());
        }
        Err(OpError::NameTaken { agent: schedule.agent.clone(), name: name.clone() })
    }

    /// The engine gets the row of a schedule that had ended back, so that it can be asked about it.
    fn recall(&mut self, key: ScheduleKey) -> Result<(), OpError> {
        if self.engine.holds(key) {
            return Ok(());
        }
        let state = self.reader.state(key)?.ok_or(OpError::NotFound)?;
        let (_, schedule) = self.declared(key)?.ok_or(OpError::NotFound)?;
        self.handle(Input::Recall { key, state, schedule });
        Ok(())
    }

    pub(super) fn declared(&self, key: ScheduleKey) -> Result<Option<(u32, Arc<Schedule>)>, OpError> {
        Ok(self.names.schedule(key)?)
    }

    pub(super) fn state_of(&self, key: ScheduleKey) -> Result<Option<State>, OpError> {
        match self.engine.state(key) {
            Some(state) => Ok(Some(state)),
            None => Ok(self.reader.state(key)?),
        }
    }
}

impl From<crate::store::StoreError> for OpError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(error.to_string().into())
    }
}
