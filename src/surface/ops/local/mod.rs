//! Operations performed in this process, over a runtime's handle.
//!
//! The daemon answers its callers with it, and a command that finds no daemon opens the store and uses it, too.
//! Invariants: an answer that tells of a change is given when the change is durable; an agent meets its own schedules
//! only, and another's id answers like one that nobody has. Reads happen off the async threads, because they may walk
//! far.
//! Not here: what a change does (`engine`), whether an id is free (`runtime`).

mod access;
mod apply;
mod changes;
mod declare;
mod find;
mod import;
mod read;
mod view;

use std::sync::Arc;

use super::reply::Changed;
use super::request::Selector;
use super::{Caller, Calling, Operations, Reply, Request};
use crate::calendar::Zone;
use crate::id::ScheduleKey;
use crate::runtime::{Done, Handle, Op, OpError};
use crate::spec::Context;
use crate::store::StoreError;
use crate::surface::error::{Code, Error};
use crate::surface::files::ScheduleFile;

/// The owner of schedules that name none.
pub const AGENT_DEFAULT: &str = "default";

/// What operations need to know besides the runtime.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The zone of schedules that name none.
    pub zone: Zone,
    /// Names of the configured gateways.
    pub gateways: Vec<String>,
    /// The data folder.
    pub data: String,
    /// The address of the loopback surface.
    pub listen: Option<String>,
    /// Whether dues are served; otherwise the store was only opened for one command.
    pub serving: bool,
    /// What the operator should know.
    pub notices: Vec<String>,
}

/// Performs operations in this process.
#[derive(Clone)]
pub struct Local {
    handle: Handle,
    setting: Arc<Setting>,
    caller: Caller,
}

impl Local {
    /// Operations over a runtime, for the admin until somebody else calls.
    #[must_use]
    pub fn new(handle: Handle, setting: Setting) -> Self {
        Self { handle, setting: Arc::new(setting), caller: Caller::Admin }
    }

    /// Applies files that have been read already; see [`super::request::Apply`].
    pub async fn apply_files(
        &self,
        files: &[ScheduleFile],
        folder: &str,
        prune: bool,
    ) -> Result<super::reply::Applied, Error> {
        self.apply(files, folder, prune, false).await
    }

    async fn perform(&self, request: Request) -> Result<Reply, Error> {
        self.admit(&request)?;
        match request {
            Request::Add(add) => self.add(add).await.map(Reply::Add),
            Request::Apply(apply) => self.apply_request(apply).await.map(Reply::Apply),
            Request::Update(update) => self.update(update).await.map(Reply::Update),
            Request::Cancel(one) => self.change(one.0, Op::Cancel).await.map(Reply::Cancel),
            Request::Pause(one) => self.change(one.0, Op::Pause).await.map(Reply::Pause),
            Request::Resume(one) => self.change(one.0, Op::Resume).await.map(Reply::Resume),
            Request::RunNow(one) => self.run_now(one.0).await.map(Reply::RunNow),
            Request::Status(_) => self.status().await.map(Reply::Status),
            Request::List(list) => self.reading(move |local| local.list(&list)).await.map(Reply::List),
            Request::Show(one) => self.reading(move |local| local.show(&one.0)).await.map(Reply::Show),
            Request::Changes(changes) => self.reading(move |local| local.changes(&changes)).await.map(Reply::Changes),
            Request::Runs(runs) => self.reading(move |local| local.runs(&runs)).await.map(Reply::Runs),
            Request::Preview(preview) => self.reading(move |local| local.preview(&preview)).await.map(Reply::Preview),
            Request::Import(import) => self.import(import).await.map(Reply::Import),
            Request::Backup(backup) => self.reading(move |local| local.backup(backup)).await.map(Reply::Backup),
            Request::Export(export) => self.reading(move |local| local.export(&export)).await.map(Reply::Export),
        }
    }

    /// Reads on a thread that may block.
    async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let local = self.clone();
        let joined = tokio::task::spawn_blocking(move || read(&local)).await;
        joined.unwrap_or_else(|error| Err(Error::new(Code::Failed, "reading broke off").detail(error)))
    }

    async fn change(&self, one: Selector, op: fn(ScheduleKey) -> Op) -> Result<Changed, Error> {
        let expected = one.generation;
        let found = self.reading(move |local| local.find(&one)).await?;
        let (state, changed) = match self.handle.ask(on(&found, expected, op(found.key))).await? {
            Done::Changed(_, state) | Done::Created(_, state) => (state, state.status != found.state.status),
            Done::Unchanged(_, state) => (state, false),
            Done::Existing(_) | Done::Started(_) | Done::Status(_) => (found.state, false),
        };
        Ok(view::changed(&found.schedule, &state, changed, self.handle.now()))
    }

    async fn run_now(&self, one: Selector) -> Result<super::reply::Started, Error> {
        if !self.setting.serving {
            return Err(Error::new(Code::Unreachable, "no daemon runs; start one with `chimewheel serve`"));
        }
        let expected = one.generation;
        let found = self.reading(move |local| local.find(&one)).await?;
        match self.handle.ask(on(&found, expected, Op::RunNow(found.key))).await? {
            Done::Started(occurrence) => Ok(view::started(&found.schedule, occurrence.due)),
            other => Err(Error::new(Code::Failed, "no run was begun").detail(format!("{other:?}"))),
        }
    }

    /// What a writing is judged by.
    fn context(&self) -> Result<Context<'_>, Error> {
        let mut random = [0; 10];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new(Code::Failed, "the system gives no random bytes").detail(error))?;
        let identity = self.caller.identity();
        Ok(Context {
            default_zone: self.setting.zone,
            default_agent: self.own_agent().unwrap_or(AGENT_DEFAULT),
            default_destination: identity.and_then(|identity| identity.destination.clone()),
            gateways: &self.setting.gateways,
            random,
            ..Context::new(self.handle.now())
        })
    }

    /// What a caller should know about anything that is created here.
    fn warnings(&self, mut warnings: Vec<String>) -> Vec<String> {
        if !self.setting.serving {
            warnings.push("no daemon runs; nothing fires until `chimewheel serve` does".to_owned());
        }
        warnings
    }
}

/// The change, only while the declaration is the expected one, if one is expected.
fn on(found: &find::Found, expected: Option<u32>, op: Op) -> Op {
    match expected {
        Some(read) => Op::IfRead { key: found.key, read, op: Box::new(op) },
        None => op,
    }
}

impl Operations for Local {
    fn call(&self, caller: &Caller, request: Request) -> Calling<'_> {
        let local = Self { caller: caller.clone(), ..self.clone() };
        Box::pin(async move { local.perform(request).await })
    }
}

impl From<OpError> for Error {
    fn from(error: OpError) -> Self {
        let code = match &error {
            OpError::IdTaken(_)
            | OpError::NameTaken { .. }
            | OpError::NotFromFile(_)
            | OpError::Conflict
            | OpError::Ended(_) => Code::Conflict,
            OpError::NotFound => Code::NotFound,
            OpError::Busy | OpError::Stopped(_) => Code::Unreachable,
            OpError::Store(_) => Code::Failed,
        };
        let message = match &error {
            OpError::Ended(status) => format!("the schedule is {} and cannot be changed", view::status_word(*status)),
            told => told.to_string(),
        };
        Self::new(code, message)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(Code::Failed, error.to_string())
    }
}
