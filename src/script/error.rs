//! What is wrong with a script: where, what, and the way out, in one line.
//!
//! Units: lines and columns count from 1, in characters; offsets are bytes.
//! Not here: what Rhai's own errors mean (`explain`), drawing an excerpt (`surface`).

use std::fmt;
use std::sync::Arc;

use crate::problem::{Place, Problem};

/// A mistake in a script or a template, found when it was read or while it ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// The script's name, without `.rhai`; `None`: a template.
    pub script: Option<Arc<str>>,
    /// What was called, such as `message(ctx)`; `None` while a script is read.
    pub function: Option<String>,
    /// Where in the source.
    pub place: Option<Place>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// The source, for an excerpt.
    pub source_text: Arc<str>,
}

impl ScriptError {
    /// The same as a problem of the source text, for a surface that draws excerpts.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        Problem {
            path: self.function.clone().unwrap_or_default(),
            value: None,
            message: self.message.clone(),
            hint: self.hint.clone(),
            place: self.place,
        }
    }

    /// What the source is called: `scripts/standup.rhai`, or `template`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.script.as_ref().map_or_else(|| "template".to_owned(), |name| format!("scripts/{name}.rhai"))
    }
}

impl fmt::Display for ScriptError {
    /// `scripts/standup.rhai:3:14 in message(ctx): there is no variable 'nam' (did you mean 'name'?)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())?;
        if let Some(Place { line, column, .. }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(function) = &self.function {
            write!(f, " in {function}")?;
        }
        write!(f, ": {}", self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// The place of a line and a column, as long as the word that begins there.
pub(super) fn place_at(source: &str, line: usize, column: usize) -> Place {
    let start = source.split_inclusive('\n').take(line.max(1) - 1).map(str::len).sum::<usize>();
    let text = source[start..].lines().next().unwrap_or_default();
    let within = text.char_indices().nth(column.max(1) - 1).map_or(text.len(), |(at, _)| at);
    let word = text[within..].chars().take_while(|c| c.is_alphanumeric() || *c == '_');
    let length = word.map(char::len_utf8).sum::<usize>();
    let one = text[within..].chars().next().map_or(0, char::len_utf8);
    Place { line: line.max(1), column: column.max(1), offset: start + within, length: length.max(one) }
}

/// The place of a byte of the source.
pub(super) fn place_of(source: &str, offset: usize) -> Place {
    let offset = (0..=offset.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
    let before = &source[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    place_at(source, line, column)
}
