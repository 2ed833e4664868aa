//! An attempt to run, from the store to its runner and back; without threads, so that a simulation walks the same road
//! as the program.
//!
//! The instruction is read from the store when the attempt begins, so a backlog costs no memory, and a run that was
//! settled meanwhile is not begun.
//! Invariant: every run that the engine hands out is answered exactly once. Not here: runners and patience (`dispatch`),
//! who may begin (`engine`).

use std::fmt;
use std::sync::Arc;

use crate::config::{Model, Routing};
use crate::engine::change::Phase;
use crate::engine::{Input, Outgoing, Ran, RunEnd};
use crate::id::OccurrenceId;
use crate::runner::{Answer, Prompt, RunError};
use crate::spec::Payload;
use crate::store::{Reader, StoreError};
use crate::time::Span;

/// Somebody who is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The attempt that is to be made, or the answer to one that cannot be: who is asked, then who is asked instead if
/// that one cannot answer now. It is decided now, so a schedule that names no model follows a config that was changed.
pub fn begin(reader: &Reader, routing: &Routing, occurrence: OccurrenceId) -> Result<(Asked, Vec<Asked>), Input> {
    let unread = |error: StoreError| {
        let end = RunEnd::Retry { error: error.to_string(), after: None };
        untried(occurrence, end)
    };
    let run = reader.run(occurrence).map_err(unread)?;
    let is_wanted = run.is_some_and(|run| matches!(run.phase, Phase::Running { .. }));
    let declared = reader.schedule(occurrence.schedule).map_err(unread)?;
    let end = |error: String| untried(occurrence, RunEnd::Permanent { error });
    let schedule = declared.filter(|_| is_wanted).map(|(_, schedule)| schedule);
    let task = schedule.as_ref().and_then(|schedule| match &schedule.payload {
        Payload::Task(task) => Some((task, &schedule.agent)),
        Payload::Message(_) | Payload::Template(_) => None,
    });
    // The engine has settled it meanwhile, and hears nothing of this; or the store has lost it, and to begin it again
    // and again would not bring it back.
    let (task, agent) = task.ok_or_else(|| end("the run is not in the store".into()))?;
    let model = routing.choose(task.model.as_deref(), agent).map_err(|problem| end(problem.to_string()))?;
    let asked = |Model { provider, name }| {
        let prompt = Prompt { model: name, instruction: task.instruction.clone() };
        Asked { provider, prompt }
    };
    let instead = routing.fallbacks(&model).map(asked).collect();
    Ok((asked(model), instead))
}

/// What the engine is told of an attempt that was not made.
#[must_use]
pub const fn not_begun(occurrence: OccurrenceId) -> Input {
    untried(occurrence, RunEnd::NotBegun)
}

const fn untried(occurrence: OccurrenceId, end: RunEnd) -> Input {
    Input::Ran { occurrence, ran: Ran { took: Span::ZERO, end, said: None } }
}

/// What the engine is told of an attempt that was made.
#[must_use]
pub fn ended(occurrence: OccurrenceId, provider: &str, took: Span, answer: Result<Answer, RunError>) -> Input {
    let end = match answer {
        Ok(Answer { text, model, tokens }) => {
            let texts = vec![Outgoing { text: Arc::from(text), to: None }];
            RunEnd::Composed { texts, model: Some(format!("{provider}/{model}")), tokens }
        }
        Err(RunError::Retry { error, after }) => RunEnd::Retry { error, after },
        Err(RunError::Permanent { error }) => RunEnd::Permanent { error },
        Err(RunError::Ambiguous { error }) => RunEnd::Ambiguous { error },
    };
    Input::Ran { occurrence, ran: Ran { took, end, said: None } }
}
