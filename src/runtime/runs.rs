//! An attempt to run, from the store to its runner and back; without threads, so that a simulation walks the same road
//! as the program.
//!
//! The instruction is read from the store when the attempt begins, so a backlog costs no memory, and a run that was
//! settled meanwhile is not begun.
//! Invariant: every run that the engine hands out is answered exactly once. Not here: runners and patience (`dispatch`),
//! who may begin (`engine`).

use std::sync::Arc;

use crate::engine::change::Phase;
use crate::engine::{Input, Ran, RunEnd};
use crate::id::OccurrenceId;
use crate::runner::{Answer, Prompt, RunError};
use crate::spec::{Model, Payload};
use crate::store::{Reader, StoreError};
use crate::time::Span;

/// What an attempt to run needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Name of the provider.
    pub provider: String,
    /// What it is told.
    pub prompt: Prompt,
}

/// The attempt that is to be made, or the answer to one that cannot be.
pub fn begin(reader: &Reader, occurrence: OccurrenceId) -> Result<Begun, Input> {
    let unread = |error: StoreError| {
        let end = RunEnd::Retry { error: error.to_string(), after: None };
        Input::Ran { occurrence, ran: Ran { took: Span::ZERO, end } }
    };
    let run = reader.run(occurrence).map_err(unread)?;
    let is_wanted = run.is_some_and(|run| matches!(run.phase, Phase::Running { .. }));
    let declared = reader.schedule(occurrence.schedule).map_err(unread)?;
    match declared.map(|(_, schedule)| schedule.payload.clone()) {
        Some(Payload::Task(task)) if is_wanted => {
            let Model { provider, name } = task.model;
            Ok(Begun { provider, prompt: Prompt { model: name, instruction: task.instruction } })
        }
        // The engine has settled it meanwhile, and hears nothing of this; or the store has lost it, and to begin it again
        // and again would not bring it back.
        Some(Payload::Task(_) | Payload::Message(_)) | None => {
            let end = RunEnd::Permanent { error: "the run is not in the store".into() };
            Err(Input::Ran { occurrence, ran: Ran { took: Span::ZERO, end } })
        }
    }
}

/// What the engine is told of an attempt that was not made.
#[must_use]
pub const fn not_begun(occurrence: OccurrenceId) -> Input {
    Input::Ran { occurrence, ran: Ran { took: Span::ZERO, end: RunEnd::NotBegun } }
}

/// What the engine is told of an attempt that was made.
#[must_use]
pub fn ended(occurrence: OccurrenceId, provider: &str, took: Span, answer: Result<Answer, RunError>) -> Input {
    let end = match answer {
        Ok(Answer { text, model }) => {
            RunEnd::Composed { text: Arc::from(text), model: format!("{provider}/{model}") }
        }
        Err(RunError::Retry { error, after }) => RunEnd::Retry { error, after },
        Err(RunError::Permanent { error }) => RunEnd::Permanent { error },
        Err(RunError::Ambiguous { error }) => RunEnd::Ambiguous { error },
    };
    Input::Ran { occurrence, ran: Ran { took, end } }
}
