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
use std::sync::Arc;

use serde_json::Value;

use crate::limits::{MESSAGE_BYTES_MAX, PART_MORE_TOKENS_MAX, PROMPT_MORE_TOKENS_MAX, TOOLS_MORE_TOKENS_MAX};
use crate::spec::Tokens;
use crate::time::Span;

/// What a runner is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    /// The provider's name for the model.
    pub model: String,
    /// What is to be done, or what somebody has just said.
    pub instruction: String,
    /// Who the model is, and what it is to know.
    pub system: Option<Arc<str>>,
    /// What came of earlier runs, oldest first.
    pub results: Arc<[String]>,
    /// What was said before, oldest first.
    pub history: Arc<[Line]>,
    /// What it may call, in the form of chat completions.
    pub tools: Arc<[Value]>,
    /// What it has called since, and what came of it.
    pub rounds: Vec<Round>,
    /// How many tokens the answer may have, where that is limited.
    pub max_tokens: Option<u32>,
}

/// Something that was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// By the other side.
    User(String),
    /// By the model.
    Model(String),
}

/// Calls that a model made in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// What it said beside them.
    pub text: String,
    /// Each with what came of it.
    pub calls: Vec<(Call, String)>,
}

/// A tool that a model calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The model's name for this call.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, as they were written.
    pub arguments: String,
}

/// What a runner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text; where tools are called it may be empty.
    pub text: String,
    /// The provider's name for the model that made it.
    pub model: String,
    /// What it took, where that is told.
    pub tokens: Option<Tokens>,
    /// Tools that are to be called before there is an answer.
    pub calls: Vec<Call>,
    /// Whether the text is the reason why there is nothing to say.
    pub is_silent: bool,
}

impl Prompt {
    /// An instruction by itself.
    #[must_use]
    pub fn new(model: impl Into<String>, instruction: impl Into<String>) -> Self {
        Self { model: model.into(), instruction: instruction.into(), ..Self::default() }
    }

    /// Who the model is, what it is to know, and what came of earlier runs, as one text.
    #[must_use]
    pub fn to_know(&self) -> Option<String> {
        let results = || format!("Your latest results, oldest first:\n{}", self.results.join("\n"));
        let results = (!self.results.is_empty()).then(results);
        let parts: Vec<&str> = self.system.as_deref().into_iter().chain(results.as_deref()).collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }

    /// The same without what was before.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self { results: Arc::default(), history: Arc::default(), ..self.clone() }
    }

    /// Leaves out the oldest of what was before; `false`: nothing of that is left.
    pub fn drop_oldest(&mut self) -> bool {
        if let [_, rest @ ..] = &*self.results {
            self.results = rest.into();
        } else if let [_, rest @ ..] = &*self.history {
            self.history = rest.into();
        } else {
            return false;
        }
        true
    }

    /// More tokens than it has cannot be: each stands for a byte at least, of what is told and of what surrounds it.
    #[must_use]
    pub fn tokens_most(&self) -> u64 {
        let lines = self.history.iter().map(|(Line::User(text) | Line::Model(text))| text.len());
        let called = self.rounds.iter().flat_map(|round| &round.calls);
        let called =
            called.flat_map(|(call, came)| [call.id.len() + call.name.len() + call.arguments.len(), came.len()]);
        let parts = lines.chain(self.rounds.iter().map(|round| round.text.len())).chain(called);
        let parts = parts.chain(self.to_know().into_iter().map(|known| known.len()));
        let parts = parts.chain(self.tools.iter().map(|tool| tool.to_string().len()));
        let parts: u64 = parts.map(|bytes| bytes as u64 + PART_MORE_TOKENS_MAX).sum();
        let offered = if self.tools.is_empty() { 0 } else { TOOLS_MORE_TOKENS_MAX };
        self.instruction.len() as u64 + PROMPT_MORE_TOKENS_MAX + parts + offered
    }

    /// All of it as one text, for what takes nothing else.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut parts: Vec<String> = self.to_know().iter().map(|known| format!("{known}\n")).collect();
        parts.extend(self.history.iter().map(|line| match line {
            Line::User(text) => format!("User: {text}"),
            Line::Model(text) => format!("You: {text}"),
        }));
        if parts.is_empty() {
            return self.instruction.clone();
        }
        parts.push(format!("User: {}", self.instruction));
        parts.join("\n")
    }
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

    /// Whether it can call the tools that a prompt offers.
    fn calls_tools(&self) -> bool {
        false
    }
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
        Ok(Self { text: text.to_owned(), model, tokens: None, calls: Vec::new(), is_silent: false })
    }
}

impl Answer {
    /// The same, if it is a text: nobody is there to do what it calls for.
    pub fn spoken(self) -> Result<Self, RunError> {
        let Self { text, model, tokens, calls, is_silent: _ } = self;
        match Self::new(&text, model) {
            Ok(answer) => Ok(Self { tokens, ..answer }),
            Err(RunError::Retry { .. }) if !calls.is_empty() => {
                let error = "the answer calls a tool, and none was offered".into();
                Err(RunError::Retry { error, after: None })
            }
            Err(error) => Err(error),
        }
    }
}

fn too_long() -> String {
    format!("the answer is longer than {MESSAGE_BYTES_MAX} bytes")
}
