//! Where a command prints: standard output for answers, standard error for trouble.
//!
//! Invariant: a reader that goes away (`| head`) ends the output, quietly. Colour only on a terminal and without
//! `NO_COLOR`; nothing that is printed for people steers a terminal. Not here: what is printed (`render`).

use std::env;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use super::render::Look;
use super::setup::{Broken, SetupError};
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::files::{FileProblems, report};
use crate::time::Timestamp;

/// A terminal, a file or a pipe.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Whether answers are JSON.
    pub json: bool,
    /// What texts are made for.
    pub look: Look,
}

impl Screen {
    /// The screen of this process.
    #[must_use]
    pub fn of_process(json: bool, now: Timestamp) -> Self {
        let terminal = io::stdout().is_terminal();
        let colour = terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = if terminal { comfy_table::Table::new().width() } else { None };
        Self { json, look: Look { now, width, colour } }
    }

    /// Prints an answer: the JSON, or the text.
    pub fn answer(
        &self,
        json: impl FnOnce() -> Result<Value, Error>,
        text: impl FnOnce(Look) -> String,
    ) -> Result<(), Error> {
        if !self.json {
            return print(&printable(&text(self.look)));
        }
        let shown = serde_json::to_string_pretty(&json()?);
        let shown = shown.map_err(|error| Error::new(Code::Failed, "the answer is not JSON").detail(error))?;
        print(&(shown + "\n"))
    }

    /// Tells of trouble on standard error, and gives its exit code.
    #[must_use]
    pub fn trouble(&self, error: &Error) -> u8 {
        let text = if self.json {
            format!("{:#}\n", error.to_json())
        } else {
            match error.problems.as_slice() {
                [] | [_] => format!("error: {error}\n"),
                many => many.iter().fold(format!("error: {error}\n"), |text, problem| format!("{text}  {problem}\n")),
            }
        };
        complain(&text);
        if let Some(detail) = &error.detail {
            tracing::debug!(detail, "{error}");
        }
        error.code.exit()
    }

    /// Mistakes with the lines they stand in, for standard error.
    #[must_use]
    pub fn excerpt(&self, file: String, text: &str, problems: Vec<Problem>) -> String {
        let width = self.look.width.map(usize::from);
        report::draw(&FileProblems { file, text: text.into(), problems }, report::Look::for_stderr(width))
    }

    /// Tells why there is no config, and gives the exit code.
    #[must_use]
    pub fn setup_trouble(&self, error: &SetupError) -> u8 {
        match error {
            SetupError::Other(error) => self.trouble(error),
            SetupError::Broken(Broken { file, text, problems }) => {
                let name = file.display().to_string();
                let error = Error::problems(problems.clone());
                if self.json {
                    let mut shown = error.to_json();
                    shown["file"] = json!(name);
                    complain(&format!("{shown:#}\n"));
                } else {
                    complain(&self.excerpt(name, text, problems.clone()));
                }
                error.code.exit()
            }
        }
    }
}

/// A text without the control characters that would steer a terminal, but for colours: what scripts note and models
/// answer is in it.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_colour = || {
            let after = text[at + 1..].strip_prefix('[').unwrap_or_default();
            after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
        };
        if !c.is_control() || c == '\n' || c == '\t' || c == '\u{1b}' && is_colour() {
            printable.push(c);
        } else {
            printable.extend(c.escape_default());
        }
    }
    printable
}

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(Code::Failed, format!("cannot write: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes to standard error.
pub fn complain(text: &str) {
    // Where even that cannot be written, the exit code still tells.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
