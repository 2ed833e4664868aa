//! `[providers.NAME]`: who does tasks, and within which bounds.
//!
//! `echo` is there without being written. A provider with a `base_url` and no kind is one of kind `openai`.
//! Units: `Span`. Invariant: a command exists only when its program is written, an endpoint when its address is.
//! Not here: running it (`runner`), reading its key (`surface`).

use std::path::PathBuf;

use super::address::http_url;
use super::rates::Rates;
use super::section::{Section, Text};
use super::{Secret, Surroundings, not_empty};
use crate::limits::{PROVIDER_RUNS_COUNT_MAX, RUN_LONG_MS_MAX, RUN_MS_MAX, RUNS_COUNT_MAX};
use crate::problem::{Problem, nearest};
use crate::time::Span;

/// A configured provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Answers with the instruction itself.
    Echo {
        /// After so long.
        delay: Span,
        /// How many at a time.
        max_in_flight: usize,
    },
    /// A program answers.
    Command {
        /// Its path, or a name to be looked for.
        program: PathBuf,
        /// Its arguments; `{model}` stands for the model's name.
        args: Vec<String>,
        /// How long one attempt may take.
        timeout: Span,
        /// How many at a time.
        max_in_flight: usize,
    },
    /// A model answers.
    OpenAi(OpenAi),
}

/// What is known of a provider where schedules are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trait {
    /// It answers by itself, which costs nothing.
    Echo,
    /// A program answers, which tells neither tokens nor costs, and calls no tools.
    Command,
    /// A model answers at these rates.
    Model(Rates),
}

/// An endpoint that speaks as OpenAI's chat completions do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAi {
    /// Its address, up to `/chat/completions`.
    pub base_url: String,
    /// Where the key is found that is sent along.
    pub api_key: Option<Secret>,
    /// How long one attempt may take.
    pub timeout: Span,
    /// How many at a time.
    pub max_in_flight: usize,
    /// What its models cost.
    pub rates: Rates,
    /// Under which name it is told how long an answer may be.
    pub max_tokens_key: MaxTokensKey,
}

/// The name of the limit of an answer in a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxTokensKey {
    /// As most endpoints call it.
    #[default]
    MaxTokens,
    /// As those call it whose models think before they answer, and count that.
    MaxCompletionTokens,
}

impl MaxTokensKey {
    const WORDS: &[(&str, Self)] =
        &[("max_tokens", Self::MaxTokens), ("max_completion_tokens", Self::MaxCompletionTokens)];

    /// The name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

const KINDS: [&str; 3] = ["openai", "command", "echo"];

impl Provider {
    /// The echo that is there without being written.
    pub(super) const ECHO: Self = Self::Echo { delay: Span::ZERO, max_in_flight: PROVIDER_RUNS_COUNT_MAX };

    /// What schedules are judged by.
    #[must_use]
    pub fn told(&self) -> Trait {
        match self {
            Self::Echo { .. } => Trait::Echo,
            Self::Command { .. } => Trait::Command,
            Self::OpenAi(of) => Trait::Model(of.rates.clone()),
        }
    }

    pub(super) fn read(
        mut section: Section<'_, '_>,
        name: &str,
        text: &mut Text<'_>,
        around: Surroundings<'_>,
    ) -> Self {
        let is_endpoint = !section.has("kind") && section.has("base_url");
        if !section.has("kind") && !is_endpoint {
            let hint = "write kind = \"openai\", \"command\" or \"echo\"";
            section.refuse(text, "kind", Problem::new("", "is missing").hint(hint));
        }
        let kind = section.parsed(text, "kind", |given| {
            KINDS.into_iter().find(|kind| *kind == given).ok_or_else(|| {
                let problem = Problem::new("", "is not a kind of provider that is built into this version");
                match nearest(given, KINDS) {
                    Some(kind) => problem.hint(format!("did you mean '{kind}'?")),
                    None => problem.hint(format!("one of {}", KINDS.join(", "))),
                }
            })
        });
        if name == "echo" && kind.is_some_and(|kind| kind != "echo") {
            section.refuse(text, "kind", Problem::new("", "the provider named 'echo' is always the echo"));
        }
        if name.contains('/') {
            let problem = Problem::new("", "a provider's name holds no slash: models are written provider/name");
            section.refuse(text, "kind", problem);
        }
        let read = match kind {
            Some("echo") => Self::echo(&mut section, text),
            Some("command") => Self::command(&mut section, text, around),
            Some(_) => Self::OpenAi(open_ai(&mut section, text, around)),
            None if is_endpoint => Self::OpenAi(open_ai(&mut section, text, around)),
            // What else is written cannot be judged, and the config is refused for its kind.
            None => return Self::ECHO,
        };
        section.finish(text);
        read
    }

    fn echo(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> Self {
        let delay = section.span(text, "delay").unwrap_or(Span::ZERO);
        if delay.as_millis() > RUN_MS_MAX {
            let most = Span::from_millis(RUN_MS_MAX);
            section.refuse(
                text,
                "delay",
                Problem::new("", format!("is longer than {most}")).value(delay.to_string()),
            );
        }
        Self::Echo { delay, max_in_flight: room(section, text) }
    }

    fn command(section: &mut Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let program = section.parsed(text, "program", not_empty);
        if program.is_none() && !section.has("program") {
            let problem = Problem::new("", "is missing").hint("write program = \"/path/to/it\"; no shell reads it");
            section.refuse(text, "program", problem);
        }
        Self::Command {
            // A name alone is looked for where programs are; a path is relative to the config.
            program: program.map_or_else(PathBuf::new, |program| {
                if program.contains('/') { around.path(&program) } else { PathBuf::from(program) }
            }),
            args: section.strings(text, "args").unwrap_or_default(),
            timeout: timeout(section, text),
            max_in_flight: room(section, text),
        }
    }
}

fn open_ai(section: &mut Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> OpenAi {
    let base_url = section.parsed(text, "base_url", http_url);
    if !section.has("base_url") {
        let hint = "the address up to /chat/completions, such as base_url = \"http://127.0.0.1:11434/v1\"";
        section.refuse(text, "base_url", Problem::new("", "is missing").hint(hint));
    }
    let api_key = section.secret(text, ["api_key", "api_key_env", "api_key_file"]);
    OpenAi {
        base_url: base_url.unwrap_or_default(),
        api_key: api_key.map(|secret| around.secret(secret)),
        timeout: timeout(section, text),
        max_in_flight: room(section, text),
        rates: Rates::read(section, text),
        max_tokens_key: section.choice(text, "max_tokens_key", MaxTokensKey::WORDS).unwrap_or_default(),
    }
}

/// How long one attempt may take.
fn timeout(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> Span {
    let timeout = section.span(text, "timeout").unwrap_or(Span::from_millis(RUN_MS_MAX));
    let longest = Span::from_millis(RUN_LONG_MS_MAX);
    if timeout == Span::ZERO || timeout > longest {
        let problem = Problem::new("", format!("must be from 1ms to {longest}")).value(timeout.to_string());
        section.refuse(text, "timeout", problem);
    }
    timeout
}

fn room(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> usize {
    let most = RUNS_COUNT_MAX as u64;
    section.whole(text, "max_in_flight", 1..most + 1).map_or(PROVIDER_RUNS_COUNT_MAX, |room| room as usize)
}
