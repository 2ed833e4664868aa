//! Operations performed in this process, over a runtime's handle.
//!
//! The daemon answers its callers with it, and a command that finds no daemon opens the store and uses it, too.
//! Invariants: an answer that tells of a change is given when the change is durable; an agent meets its own schedules
//! only, and another's id answers like one that nobody has. Reads happen off the async threads, because they may walk
//! far.
//! Not here: what a change does (`engine`), whether an id is free (`runtime`).

mod access;
mod apply;
mod audit;
mod buried;
mod chain;
mod changes;
mod costs;
mod declare;
mod differing;
mod find;
mod heartbeat;
mod import;
mod letters;
mod read;
mod revive;
mod sessions;
mod tokens;
mod view;

use std::sync::{Arc, Mutex};

use self::import::Checked;
use self::revive::Wish;
use super::reply::Changed;
use super::request::{Pause, Selector};
use super::{Caller, Calling, Operations, Reply, Request};
use crate::access::{Actor, Via};
use crate::calendar::{Patterns, Zone};
use crate::config::{Agent, Agents, Routing};
use crate::id::ScheduleKey;
use crate::limits;
use crate::problem::Problem;
use crate::runtime::{By, Done, Handle, NoRetry, Op, OpError};
use crate::script::Scripts;
use crate::spec::tree::shorten;
use crate::spec::{Context, Reading};
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
    /// Which model does a task.
    pub routing: Routing,
    /// The scripts that schedules may name.
    pub scripts: Arc<Scripts>,
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
    agents: Arc<Agents>,
    caller: Caller,
    patterns: Arc<Patterns>,
    checked: Arc<Checked>,
    verifying: Arc<Mutex<()>>,
    /// What the agent that calls may do; nothing is said of the admin.
    rules: Option<Arc<Agent>>,
    via: Via,
    operation: &'static str,
    is_companion: bool,
}

impl Local {
    /// Operations over a runtime, for the admin until somebody else calls.
    #[must_use]
    pub fn new(handle: Handle, setting: Setting) -> Self {
        let agents = Arc::default();
        let (setting, caller) = (Arc::new(setting), Caller::Admin);
        Self {
            handle,
            setting,
            agents,
            caller,
            is_companion: false,
            patterns: Arc::default(),
            checked: Arc::default(),
            verifying: Arc::default(),
            rules: None,
            via: Via::default(),
            operation: "",
        }
    }

    /// The same with what the config says of single agents.
    #[must_use]
    pub fn with_agents(self, agents: Agents) -> Self {
        Self { agents: Arc::new(agents), ..self }
    }

    /// The same for whoever comes by this way in.
    #[must_use]
    pub fn by_way_of(self, via: Via) -> Self {
        Self { via, ..self }
    }

    fn called_by(&self, caller: &Caller, operation: &'static str) -> Self {
        let rules = caller.identity().and_then(|identity| self.agents.get(&identity.agent)).map(Arc::new);
        Self { caller: caller.clone(), rules, operation, ..self.clone() }
    }

    /// Who answers for what is changed now.
    fn by(&self) -> Option<Arc<By>> {
        let identity = self.caller.identity();
        Some(Arc::new(By {
            actor: identity.map_or(Actor::Admin, |identity| Actor::Agent(identity.agent.clone())),
            session: identity.and_then(|identity| identity.session.clone()),
            via: identity.and_then(|identity| identity.via).unwrap_or(self.via),
            operation: self.operation,
            quota: self.rules.as_ref().map(|rules| rules.quota),
        }))
    }

    async fn ask(&self, op: Op) -> Result<Done, OpError> {
        self.handle.ask_by(self.by(), op).await
    }

    /// The same, in a process that ends with an agent's client.
    #[must_use]
    pub fn as_companion(self) -> Self {
        Self { is_companion: true, ..self }
    }

    /// Applies files that have been read already; see [`super::request::Apply`].
    pub async fn apply_files(
        &self,
        files: &[ScheduleFile],
        folder: &str,
        prune: bool,
    ) -> Result<super::reply::Applied, Error> {
        let local = self.called_by(&Caller::Admin, "apply").by_way_of(Via::Files);
        local.apply(files, folder, prune, false).await
    }

    async fn perform(&self, request: Request) -> Result<Reply, Error> {
        self.admit(&request)?;
        match request {
            Request::Add(add) => self.add(add).await.map(Reply::Add),
            Request::Apply(apply) => self.apply_request(apply).await.map(Reply::Apply),
            Request::Update(update) => self.update(update).await.map(Reply::Update),
            Request::Cancel(one) => self.change(one.0, Op::Cancel).await.map(Reply::Cancel),
            Request::Pause(pause) => self.pause(pause).await.map(Reply::Pause),
            Request::Resume(one) => self.change(one.0, Op::Resume).await.map(Reply::Resume),
            Request::RunNow(one) => self.run_now(one.0).await.map(Reply::RunNow),
            Request::TokenNew(new) => self.token_new(new).await.map(Reply::TokenNew),
            Request::TokenList(list) => {
                self.reading(move |local| local.token_list(&list)).await.map(Reply::TokenList)
            }
            Request::TokenRevoke(revoke) => self.token_revoke(revoke).await.map(Reply::TokenRevoke),
            Request::ProcessExited(exited) => self.process_exited(exited).await.map(Reply::ProcessExited),
            Request::Sessions(asked) => self.reading(move |local| local.sessions(&asked)).await.map(Reply::Sessions),
            Request::Session(asked) => self.reading(move |local| local.session(&asked)).await.map(Reply::Session),
            Request::SessionMessages(asked) => {
                self.reading(move |local| local.session_messages(&asked)).await.map(Reply::SessionMessages)
            }
            Request::SessionAnswer(answer) => self.session_answer(answer).await.map(Reply::SessionAnswer),
            Request::SessionEnd(end) => self.session_end(end).await.map(Reply::SessionEnd),
            Request::Inbound(asked) => self.reading(move |local| local.inbound(&asked)).await.map(Reply::Inbound),
            Request::Audit(audit) => self.reading(move |local| local.audit(&audit)).await.map(Reply::Audit),
            Request::Status(_) => self.status().await.map(Reply::Status),
            Request::List(list) => self.reading(move |local| local.list(&list)).await.map(Reply::List),
            Request::Show(one) => self.reading(move |local| local.show(&one.0)).await.map(Reply::Show),
            Request::Changes(changes) => self.reading(move |local| local.changes(&changes)).await.map(Reply::Changes),
            Request::Runs(runs) => self.reading(move |local| local.runs(&runs)).await.map(Reply::Runs),
            Request::DeadLetters(asked) => {
                self.reading(move |local| local.dead_letters(&asked)).await.map(Reply::DeadLetters)
            }
            Request::DeadLetterShow(one) => {
                self.reading(move |local| local.letter_show(&one.id)).await.map(Reply::DeadLetterShow)
            }
            Request::DeadLettersRetry(asked) => self.letters(asked.0, Wish::Retry).await.map(Reply::DeadLettersRetry),
            Request::DeadLettersDrop(asked) => self.letters(asked.0, Wish::Drop).await.map(Reply::DeadLettersDrop),
            Request::Costs(asked) => self.reading(move |local| local.costs(&asked)).await.map(Reply::Costs),
            Request::Preview(preview) => self.reading(move |local| local.preview(&preview)).await.map(Reply::Preview),
            Request::Import(import) => self.import(import).await.map(Reply::Import),
            Request::Backup(backup) => self.reading(move |local| local.backup(backup)).await.map(Reply::Backup),
            Request::Verify(_) => self.reading(Self::verify).await.map(Reply::Verify),
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

    async fn pause(&self, pause: Pause) -> Result<Changed, Error> {
        let Pause { schedule, agent, generation, note } = pause;
        let note: Option<Arc<str>> = note.map(read_note).transpose()?.map(Arc::from);
        let one = Selector { schedule, agent, generation };
        self.change(one, move |key| Op::Pause { key, note }).await
    }

    async fn change(&self, one: Selector, op: impl FnOnce(ScheduleKey) -> Op) -> Result<Changed, Error> {
        let expected = one.generation;
        let found = self.reading(move |local| local.find(&one)).await?;
        let op = op(found.key);
        if !matches!(op, Op::Cancel(_)) {
            sessions::unspoken(&found.schedule)?;
        }
        if matches!(op, Op::Resume(_)) {
            self.permit_again(&found.schedule)?;
        }
        let (state, changed) = match self.ask(on(&found, expected, op)).await? {
            Done::Changed(_, state) | Done::Created(_, state) => (state, state.status != found.state.status),
            Done::Unchanged(_, state) => (state, false),
            Done::Existing(_) | Done::Started(_) | Done::Noted | Done::Status(_) => (found.state, false),
        };
        let schedule = Arc::clone(&found.schedule);
        let note = self.reading(move |local| local.note(found.key, &schedule, &state)).await?;
        Ok(view::changed(&found.schedule, &state, changed, note, self.handle.now()))
    }

    async fn run_now(&self, one: Selector) -> Result<super::reply::Started, Error> {
        if !self.setting.serving {
            return Err(Error::new(Code::Unreachable, "no daemon runs; start one with `chimewheel serve`"));
        }
        let expected = one.generation;
        let found = self.reading(move |local| local.find(&one)).await?;
        sessions::unspoken(&found.schedule)?;
        self.permit_again(&found.schedule)?;
        match self.ask(on(&found, expected, Op::RunNow(found.key))).await? {
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
            default_zone: self.zone_of(self.own_agent().unwrap_or(AGENT_DEFAULT)),
            default_agent: self.own_agent().unwrap_or(AGENT_DEFAULT),
            default_destination: identity.and_then(|identity| identity.destination.clone()),
            gateways: &self.setting.gateways,
            routing: &self.setting.routing,
            scripts: &*self.setting.scripts,
            patterns: Some(&self.patterns),
            random,
            ..Context::new(self.handle.now())
        })
    }

    /// The zone of an agent's schedules that name none.
    fn zone_of(&self, agent: &str) -> Zone {
        let said = self.agents.get(agent).and_then(|agent| agent.timezone);
        // The config has been judged, so a name that is no zone's cannot stand in it.
        said.and_then(|name| Zone::parse(&name).ok()).unwrap_or(self.setting.zone)
    }

    /// What a writing is judged by that may name its agent.
    fn context_for(&self, reading: &Reading) -> Result<Context<'_>, Error> {
        let context = self.context()?;
        let zone = reading.raw.agent.as_deref().map_or(context.default_zone, |agent| self.zone_of(agent));
        Ok(Context { default_zone: zone, ..context })
    }

    /// What a caller should know about anything that is created here.
    fn warnings(&self, mut warnings: Vec<String>) -> Vec<String> {
        if !self.setting.serving {
            warnings.push("no daemon runs; nothing fires until `chimewheel serve` does".to_owned());
        } else if self.is_companion {
            let only = "schedules fire only while an agent's `chimewheel mcp` runs";
            warnings.push(format!("no daemon runs: {only}; start `chimewheel serve` to have them fire always"));
        }
        warnings
    }
}

/// Judges what is said about a pause.
fn read_note(note: String) -> Result<String, Error> {
    let wrong = if note.trim().is_empty() {
        "is empty".to_owned()
    } else if note.len() > limits::NOTE_BYTES_MAX {
        format!("is longer than {} bytes", limits::NOTE_BYTES_MAX)
    } else if note.chars().any(|one| one.is_control() && one != '\n') {
        "holds a control character".to_owned()
    } else {
        return Ok(note);
    };
    Err(Error::bad_input(Problem::new("note", wrong).value(shorten(&note)).hint("a sentence that says why")))
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
        let local = self.called_by(caller, request.name());
        Box::pin(async move { local.in_its_session().await?.perform(request).await })
    }
}

impl From<OpError> for Error {
    fn from(error: OpError) -> Self {
        let code = match &error {
            OpError::IdTaken(_)
            | OpError::NameTaken { .. }
            | OpError::NotFromFile(_)
            | OpError::Conflict
            | OpError::Overlaps
            | OpError::SessionOver
            | OpError::Ended(_) => Code::Conflict,
            OpError::Chain(error) => {
                return Self::bad_input(Problem::new("after.schedule", error.to_string()));
            }
            OpError::OverQuota(_) => Code::OverQuota,
            OpError::NotFound | OpError::Letter(NoRetry::Unknown) => Code::NotFound,
            OpError::Letter(_) => Code::Conflict,
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
