//! An attempt to run, from the store to whoever makes its text and back; without threads, so that a simulation walks the
//! same road as the program.
//!
//! What is to be done is read from the store when the attempt begins, so a backlog costs no memory, and a run that was
//! settled meanwhile is not begun.
//! Invariant: every run that the engine hands out is answered exactly once. Not here: runners, scripts' threads and
//! patience (`running`), what scripts make of a run (`shaping`), who may begin (`engine`).

use std::fmt;
use std::sync::Arc;

use crate::config::{Model, Routing};
use crate::engine::change::{Cause, LastText, OutcomeKind, Phase, Run};
use crate::engine::{Input, Outgoing, Paid, Ran, Refusal, RunEnd};
use crate::id::{self, OccurrenceId};
use crate::runner::{Answer, Prompt, RunError};
use crate::runtime::silence;
use crate::script::{Facts, Last, LastStatus, SessionFacts};
use crate::session::Conversation;
use crate::spec::{Payload, Schedule, Silence};
use crate::store::{Reader, StoreError};
use crate::time::{Span, Timestamp};

/// A run that is to be made, and what it is to be made of.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its record.
    pub run: Run,
    /// The schedule as declared.
    pub schedule: Arc<Schedule>,
}

/// Somebody who is to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Name of the provider.
    pub provider: String,
    /// What it is told.
    pub prompt: Prompt,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.prompt.model)
    }
}

/// Why a model has not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It was asked.
    Error(RunError),
    /// It was not, because that could have cost more than may be spent.
    OverBudget(Refusal),
    /// It was not, because nobody wants its answer any more.
    NotAsked,
}

impl From<RunError> for NoAnswer {
    fn from(error: RunError) -> Self {
        Self::Error(error)
    }
}

/// The attempt that is to be made, or the answer to one that cannot be.
pub fn begin(reader: &Reader, occurrence: OccurrenceId) -> Result<Begun, Input> {
    let unread = |error: StoreError| unmade(occurrence, again(&error));
    let run = reader.run(occurrence).map_err(unread)?;
    let run = run.filter(|run| matches!(run.phase, Phase::Running { .. }));
    let declared = reader.schedule(occurrence.schedule).map_err(unread)?;
    match (run, declared) {
        (Some(run), Some((_, schedule))) => Ok(Begun { run, schedule }),
        // The engine has settled it meanwhile, and hears nothing of this; or the store has lost it, and to begin it
        // again and again would not bring it back.
        _ => Err(unmade(occurrence, RunEnd::Permanent { error: "the run is not in the store".into() })),
    }
}

impl Begun {
    /// What its scripts may know of it.
    pub fn facts(&self, reader: &Reader, now: Timestamp, idle: Span) -> Result<Facts, RunEnd> {
        let key = self.run.occurrence.schedule;
        let unread = |error: StoreError| again(&error);
        let last = reader.state(key).map_err(unread)?.and_then(|state| state.last_outcome);
        let last_text = reader.last_text(key).map_err(unread)?.and_then(|kept| LastText::from_kept(&kept));
        let (text, at) = last_text.map_or((None, None), |last| (Some(last.text), Some(last.at)));
        Ok(Facts {
            schedule: Arc::clone(&self.schedule),
            due: self.run.occurrence.due,
            actual: now,
            number: self.run.number,
            attempt: self.run.execution.as_ref().map_or(1, |execution| execution.attempts),
            by_hand: self.run.cause == Cause::Manual,
            last: Last { status: last.map(status), text, at },
            session: self.session(reader, now, idle).map_err(unread)?,
            state: reader.hook_state(key).map_err(unread)?.map(Into::into),
        })
    }

    /// The session that what it says will be part of.
    fn session(&self, reader: &Reader, now: Timestamp, idle: Span) -> Result<SessionFacts, StoreError> {
        let Some(place) = self.schedule.destination.clone() else { return Ok(SessionFacts::default()) };
        let latest = reader.session_of(&Conversation { place, agent: self.schedule.agent.clone() })?;
        let active = latest.filter(|(_, session)| session.is_active(now, idle));
        Ok(active.map_or_else(SessionFacts::default, |(_, session)| SessionFacts {
            active: true,
            last_user_at: session.last_user_at,
        }))
    }

    /// When it was begun first, where this is not the first time.
    pub(super) fn begun_before(&self) -> Option<Timestamp> {
        let execution = self.run.execution.as_ref()?;
        (execution.attempts > 1).then_some(execution.since)
    }

    /// A text that is the same whenever its model has made so many things, however often it is run again.
    #[must_use]
    pub fn token(&self, made: u16) -> String {
        let occurrence = self.run.occurrence;
        let key = id::delivery_key(&self.schedule.id, occurrence.generation, occurrence.due, u16::MAX, made);
        format!("run:{key}")
    }

    /// Whether it speaks by a tool alone.
    #[must_use]
    pub fn speaks_by_tool(&self) -> bool {
        matches!(&self.schedule.payload, Payload::Task(task) if task.silence == Silence::Tool)
    }

    /// What its model is told where no script says otherwise.
    #[must_use]
    pub fn instruction(&self) -> Option<&str> {
        match &self.schedule.payload {
            Payload::Task(task) => Some(&task.instruction),
            Payload::Message(_) | Payload::Template(_) => None,
        }
    }

    /// Who is asked, then who is asked instead if that one cannot answer now: `model` where a script names one. It is
    /// decided now, so a schedule that names no model follows a config that was changed.
    pub fn asked(
        &self,
        routing: &Routing,
        model: Option<&str>,
        instruction: &str,
    ) -> Result<(Asked, Vec<Asked>), RunError> {
        let written = match &self.schedule.payload {
            Payload::Task(task) => task.model.as_deref(),
            Payload::Message(_) | Payload::Template(_) => None,
        };
        let chosen = routing.choose(model.or(written), &self.schedule.agent);
        let chosen = chosen.map_err(|problem| RunError::Permanent { error: problem.to_string() })?;
        let asked = |Model { provider, name }| {
            let prompt = Prompt::new(name, instruction);
            Asked { provider, prompt }
        };
        let instead = routing.fallbacks(&chosen).map(asked).collect();
        Ok((asked(chosen), instead))
    }
}

const fn status(outcome: OutcomeKind) -> LastStatus {
    match outcome {
        OutcomeKind::Delivered => LastStatus::Delivered,
        OutcomeKind::Silent => LastStatus::Silent,
        OutcomeKind::Skipped => LastStatus::Skipped,
        OutcomeKind::Failed => LastStatus::Failed,
        OutcomeKind::Cancelled => LastStatus::Cancelled,
        OutcomeKind::Unknown => LastStatus::Unknown,
    }
}

fn again(error: &StoreError) -> RunEnd {
    RunEnd::Retry { error: error.to_string(), after: None }
}

/// What the engine is told of an attempt that was not made.
#[must_use]
pub const fn not_begun(occurrence: OccurrenceId) -> Input {
    unmade(occurrence, RunEnd::NotBegun)
}

const fn unmade(occurrence: OccurrenceId, end: RunEnd) -> Input {
    Input::Ran { occurrence, ran: Ran { took: Span::ZERO, end, said: None, paid: Paid::NOTHING } }
}

/// What the engine is told of an attempt that was made.
#[must_use]
pub const fn ended(occurrence: OccurrenceId, ran: Ran) -> Input {
    Input::Ran { occurrence, ran }
}

/// What a literal text comes to, which nobody has to make.
#[must_use]
pub fn literal(text: &str) -> RunEnd {
    RunEnd::Composed { texts: vec![Outgoing { text: text.into(), to: None }] }
}

/// What an answer comes to that no script looks at.
#[must_use]
pub fn unshaped(schedule: &Schedule, answer: Result<Answer, NoAnswer>) -> RunEnd {
    match answer {
        Ok(Answer { text, is_silent: true, .. }) => RunEnd::Silent { reason: silence::said(&text).unwrap_or(text) },
        Ok(Answer { text, .. }) => match silence::reason(schedule, &text) {
            Some(reason) => RunEnd::Silent { reason },
            None => {
                let text = silence::rest(schedule, &text).unwrap_or(text);
                RunEnd::Composed { texts: vec![Outgoing { text: text.into(), to: None }] }
            }
        },
        Err(none) => failed(none),
    }
}

/// What an attempt without an answer comes to.
#[must_use]
pub fn failed(none: NoAnswer) -> RunEnd {
    match none {
        NoAnswer::OverBudget(refusal) => RunEnd::OverBudget(refusal),
        NoAnswer::NotAsked => RunEnd::NotBegun,
        NoAnswer::Error(error) => match error.unpaid().0 {
            RunError::Retry { error, after } => RunEnd::Retry { error, after },
            RunError::Ambiguous { error } => RunEnd::Ambiguous { error },
            error @ (RunError::Permanent { .. } | RunError::Paid { .. }) => {
                RunEnd::Permanent { error: error.to_string() }
            }
        },
    }
}
