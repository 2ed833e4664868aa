//! `[providers.NAME]`: who does tasks, and within which bounds.
//!
//! `echo` is there without being written. A provider without a kind is one of a model endpoint, which this version does
//! not have: it is checked like the others and earns a notice; a task that names it is refused.
//! Units: `Span`. Invariant: a command exists only when its program is written. Not here: running it (`runner`).

use std::path::PathBuf;

use super::later;
use super::section::{Section, Text};
use super::{Notice, Surroundings, not_empty};
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
    /// A kind that this version does not have; a task that names it is refused.
    NotBuilt,
}

const KINDS: [&str; 2] = ["echo", "command"];

impl Provider {
    /// The echo that is there without being written.
    pub(super) const ECHO: Self = Self::Echo { delay: Span::ZERO, max_in_flight: PROVIDER_RUNS_COUNT_MAX };

    pub(super) fn read(
        mut section: Section<'_, '_>,
        name: &str,
        text: &mut Text<'_>,
        around: Surroundings<'_>,
        notices: &mut Vec<Notice>,
    ) -> Self {
        if !section.has("kind") && section.has("base_url") {
            let path = section.path("").trim_end_matches('.').to_owned();
            later::provider(section, text);
            let message =
                "model endpoints are not built into this version; tasks that name it are refused".to_owned();
            notices.push(Notice { path, message });
            return Self::NotBuilt;
        }
        if !section.has("kind") {
            section.refuse(text, "kind", Problem::new("", "is missing").hint("write kind = \"command\" or \"echo\""));
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
            Some(_) => Self::command(&mut section, text, around),
            // What else is written cannot be judged.
            None => return Self::NotBuilt,
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
        let timeout = section.span(text, "timeout").unwrap_or(Span::from_millis(RUN_MS_MAX));
        let longest = Span::from_millis(RUN_LONG_MS_MAX);
        if timeout == Span::ZERO || timeout > longest {
            let problem = Problem::new("", format!("must be from 1ms to {longest}")).value(timeout.to_string());
            section.refuse(text, "timeout", problem);
        }
        Self::Command {
            // A name alone is looked for where programs are; a path is relative to the config.
            program: program.map_or_else(PathBuf::new, |program| {
                if program.contains('/') { around.path(&program) } else { PathBuf::from(program) }
            }),
            args: section.strings(text, "args").unwrap_or_default(),
            timeout,
            max_in_flight: room(section, text),
        }
    }
}

fn room(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> usize {
    let most = RUNS_COUNT_MAX as u64;
    section.whole(text, "max_in_flight", 1..most + 1).map_or(PROVIDER_RUNS_COUNT_MAX, |room| room as usize)
}
