//! What a model is told besides its instruction, and the tools that it may call.
//!
//! A message that somebody wrote is answered with its conversation before it; a run that is planned knows the
//! conversation too, or its own latest results. An agent whose config says who it is hears that, and the time.
//! Units: `Timestamp`; bytes. Invariant: what is told has named limits, and the latest is told first of all.
//! Not here: asking (`running`), what tools do (`surface`).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hashbrown::HashMap;
use serde_json::Value;

use crate::access::ChatKind;
use crate::calendar::Zone;
use crate::id::SessionKey;
use crate::limits::{
    HISTORY_BYTES_MAX, HISTORY_COUNT_MAX, OUTCOME_BYTES_MAX, RESULT_BYTES_MAX, RESULTS_COUNT_MAX, within,
};
use crate::runner::Line;
use crate::session::{Conversation, Utterance, Voice};
use crate::spec::{Destination, Payload, RunSession, Schedule, Talk};
use crate::store::{Reader, StoreError};
use crate::time::{Span, Timestamp};

/// Who an agent is.
#[derive(Clone, Debug)]
pub struct Mind {
    /// As its model is told.
    pub system: Arc<str>,
    /// Where its times are meant.
    pub zone: Zone,
}

/// The agents that the program itself answers for, by name.
pub type Minds = HashMap<String, Mind>;

/// For whom a tool is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The agent.
    pub agent: String,
    /// The session in which it is asked.
    pub session: Option<SessionKey>,
    /// The chat.
    pub place: Option<Destination>,
    /// Whether a schedule asks, and nobody who waits for an answer.
    pub is_planned: bool,
    /// When the run was begun first, where it was begun before.
    pub begun_before: Option<Timestamp>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// What the model is told.
    pub told: String,
    /// Whether its token is used up: it made something, now or when the run was made before.
    pub is_made: bool,
}

/// What [`Hands::call`] returns.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Came> + Send + 'a>>;

/// What a model may do.
pub trait Hands: Send + Sync {
    /// The tools that it has, in the form of chat completions.
    fn tools(&self, asking: &Asking) -> Vec<Value>;

    /// Calls one. `token` is the same when the run is made again and has made as much: what a call makes is made once.
    fn call<'a>(&'a self, asking: &'a Asking, name: &'a str, arguments: Value, token: String) -> Calling<'a>;
}

/// What is told besides an instruction.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub system: Option<Arc<str>>,
    pub history: Arc<[Line]>,
    /// For whom tools are called; `None`: there are none.
    pub asking: Option<Asking>,
}

/// What the model of a run is to know.
pub(super) fn context(
    minds: &Minds,
    schedule: &Schedule,
    key: crate::id::ScheduleKey,
    reader: &Reader,
    now: Timestamp,
    idle: Span,
) -> Result<Context, StoreError> {
    let mind = minds.get(&schedule.agent);
    let system = mind.map(|mind| format!("{}\n\n{}", mind.system, time(mind.zone, now)));
    let mut asking = mind.map(|_| Asking {
        agent: schedule.agent.clone(),
        session: None,
        place: schedule.destination.clone(),
        is_planned: schedule.talk.is_none(),
        begun_before: None,
    });
    let told = |history: Vec<Line>, session: Option<SessionKey>, system: Option<String>| {
        if let Some(asking) = &mut asking {
            asking.session = session;
        }
        Context { system: system.map(Into::into), history: history.into(), asking }
    };
    let Payload::Task(task) = &schedule.payload else { return Ok(told(Vec::new(), None, system)) };
    if let Some(Talk::Heard(number)) = schedule.talk {
        let Some(heard) = reader.heard(number)? else { return Ok(told(Vec::new(), None, system)) };
        let Some((session, own)) = heard.said else { return Ok(told(Vec::new(), None, system)) };
        let said = reader.transcript(session, None, HISTORY_COUNT_MAX)?;
        // What was written after it is answered after it; what the agent has said since it knows.
        let is_known = |number: u64, said: &Utterance| number < own || said.voice == Voice::Agent;
        let others = said.into_iter().filter(|(number, said)| is_known(*number, said)).map(|(_, said)| said);
        return Ok(told(lines(others, heard.chat != ChatKind::Direct), Some(session), system));
    }
    match (task.session, &schedule.destination) {
        (RunSession::Conversation, Some(place)) => {
            let of = Conversation { place: place.clone(), agent: schedule.agent.clone() };
            let active = reader.session_of(&of)?.filter(|(_, session)| session.is_active(now, idle));
            let Some((session, _)) = active else { return Ok(told(Vec::new(), None, system)) };
            let said = reader.transcript(session, None, HISTORY_COUNT_MAX)?;
            Ok(told(lines(said.into_iter().map(|(_, said)| said), true), Some(session), system))
        }
        (RunSession::Conversation | RunSession::Isolated, _) => {
            let system = join(system, results(key, reader)?);
            Ok(told(Vec::new(), None, system))
        }
    }
}

/// What was said, the latest of it, as much as there is room for.
fn lines(said: impl DoubleEndedIterator<Item = Utterance>, are_several: bool) -> Vec<Line> {
    let mut room = HISTORY_BYTES_MAX;
    let mut lines = Vec::new();
    for Utterance { voice, text, .. } in said.rev() {
        let line = match voice {
            Voice::Agent => Line::Model(text),
            Voice::User { id, name } if are_several => Line::User(format!("{}: {text}", name.unwrap_or(id))),
            Voice::User { .. } => Line::User(text),
        };
        let (Line::User(text) | Line::Model(text)) = &line;
        let Some(left) = room.checked_sub(text.len()) else { break };
        room = left;
        lines.push(line);
    }
    lines.reverse();
    lines
}

/// The latest texts that a schedule has made.
fn results(key: crate::id::ScheduleKey, reader: &Reader) -> Result<Option<String>, StoreError> {
    let mut results = Vec::new();
    for run in reader.runs(key, RESULTS_COUNT_MAX * 4, None)? {
        if results.len() == RESULTS_COUNT_MAX {
            break;
        }
        if let Some(text) = reader.text(run.occurrence)?.filter(|_| run.is_settled()) {
            results.push(format!("- {}: {}", run.occurrence.due, within(&text, RESULT_BYTES_MAX)));
        }
    }
    results.reverse();
    Ok((!results.is_empty()).then(|| format!("Your latest results, oldest first:\n{}", results.join("\n"))))
}

fn join(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}\n\n{other}")),
        (one, other) => one.or(other),
    }
}

fn time(zone: Zone, now: Timestamp) -> String {
    format!(
        "Now it is {}, {} ({now}). Times that are named to you are meant in {}. Let the tools work times out: give them \
         what was said, such as `in` or a local time; repeat in your answer the time that they resolved.",
        zone.weekday_name(now),
        zone.format(now),
        zone.name()
    )
}

/// As much of what came of a call as a model is told.
pub(super) fn outcome(text: String) -> String {
    if text.len() <= OUTCOME_BYTES_MAX { text } else { format!("{} …", within(&text, OUTCOME_BYTES_MAX)) }
}
