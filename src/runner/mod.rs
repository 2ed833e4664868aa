//! Runners: what does a task, and what it says for it.
//!
//! One trait, one file per kind. A runner makes one attempt and says what became of it and whether to try again; it
//! keeps no queue, no retry and no time of its own. Whoever drops what [`Runner::run`] returned ends the attempt, and
//! everything that it started.
//! A kind that a build leaves out is swapped for a module of the same face that refuses it (`absent`).
//! Units: `Span`. Not here: how many at a time (`engine`), how long at the longest (`runtime`).

pub mod command;
pub mod echo;
#[cfg(feature = "openai")]
pub mod openai;
#[cfg(not(feature = "openai"))]
#[path = "absent.rs"]
pub mod openai;

use std::future::Future;
use std::pin::Pin;

use crate::limits::{MESSAGE_BYTES_MAX, PROMPT_MORE_TOKENS_MAX};
use crate::spec::Tokens;
use crate::time::Span;

/// What a runner is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The provider's name for the model.
    pub model: String,
    /// What is to be done.
    pub instruction: String,
    /// How many tokens the answer may have, where that is limited.
    pub max_tokens: Option<u32>,
}

impl Prompt {
    /// More tokens than it has cannot be: each stands for a byte at least.
    #[must_use]
    pub const fn tokens_most(&self) -> u64 {
        self.instruction.len() as u64 + PROMPT_MORE_TOKENS_MAX
    }
}

/// What a runner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// The provider's name for the model that made it.
    pub model: String,
    /// What it took, where that is told.
    pub tokens: Option<Tokens>,
}

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Trying again may help.
    #[error("{error}")]
    Retry {
        /// What happened.
        error: String,
        /// The provider asks to wait at least this long.
        after: Option<Span>,
    },
    /// Trying again cannot help.
    #[error("{error}")]
    Permanent {
        /// What happened.
        error: String,
    },
    /// It may have done its work, or part of it.
    #[error("{error}")]
    Ambiguous {
        /// What happened.
        error: String,
    },
    /// It has done work that is to be paid, and there is no text all the same.
    #[error("{error}")]
    Paid {
        /// What happened; never one of these again.
        error: Box<RunError>,
        /// What it took, where that is told.
        tokens: Option<Tokens>,
    },
}

impl RunError {
    /// What happened, and whether that is to be paid: `None` is not, `Some(None)` is, and nobody knows how much.
    #[must_use]
    pub fn unpaid(self) -> (Self, Option<Option<Tokens>>) {
        match self {
            Self::Paid { error, tokens } => (*error, Some(tokens)),
            Self::Ambiguous { .. } => (self, Some(None)),
            Self::Retry { .. } | Self::Permanent { .. } => (self, None),
        }
    }
}

/// What [`Runner::run`] returns.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, RunError>> + Send + 'a>>;

/// Something that does tasks.
pub trait Runner: Send + Sync {
    /// Makes one attempt.
    fn run(&self, prompt: Prompt) -> Running<'_>;
}

impl Answer {
    /// An answer, if it can be sent: blank ends of lines at its end are not part of it.
    pub fn new(text: &str, model: String) -> Result<Self, RunError> {
        let text = text.trim_end();
        if text.trim_start().is_empty() {
            return Err(RunError::Retry { error: "the answer is empty".into(), after: None });
        }
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(RunError::Permanent { error: too_long() });
        }
        if text.contains('\0') {
            return Err(RunError::Permanent { error: "the answer holds a NUL character".into() });
        }
        Ok(Self { text: text.to_owned(), model, tokens: None })
    }
}

fn too_long() -> String {
    format!("the answer is longer than {MESSAGE_BYTES_MAX} bytes")
}
