//! What Rhai says, in our words: the innermost mistake, where it is, and the way out.
//!
//! Invariant: no type's name from inside the program is shown. Not here: mistakes of syntax (`syntax`).

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{EvalAltResult, Position};

use super::error::{ScriptError, place_at};
use super::text::clipped;
use super::{guard, show, syntax};
use crate::limits;
use crate::problem::nearest;

/// A source text and what it is called; `None`: a template.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub name: Option<Arc<str>>,
    pub text: Arc<str>,
    /// What it imports, by name.
    pub imports: Arc<BTreeMap<String, Arc<str>>>,
}

impl Origin {
    /// A mistake that no error of Rhai's stands for.
    pub(super) fn error(&self, function: Option<String>, message: impl Into<String>) -> ScriptError {
        ScriptError {
            script: self.name.clone(),
            function,
            place: None,
            message: clipped(&message.into(), limits::ERROR_BYTES_MAX),
            hint: None,
            source_text: self.text.clone(),
        }
    }

    /// The same at a place.
    pub(super) fn error_at(&self, position: Position, message: impl Into<String>) -> ScriptError {
        let place = position.line().map(|line| {
            let column = position.position().unwrap_or(1);
            let place = place_at(&self.text, line, column);
            // Of a field, Rhai tells the place of the dot.
            let dots = self.text[place.offset..].chars().take_while(|c| matches!(c, '.' | '?')).count();
            if dots == 0 { place } else { place_at(&self.text, line, column + dots) }
        });
        ScriptError { place, ..self.error(None, message) }
    }

    /// What went wrong in a call.
    pub(super) fn explain(&self, function: String, error: &EvalAltResult) -> ScriptError {
        let mut inner = error;
        let (mut function, mut source) = (function, None);
        loop {
            match inner {
                EvalAltResult::ErrorInFunctionCall(name, from, error, _) => {
                    if !name.starts_with("anon$") {
                        function = format!("{name}()");
                    }
                    source = Some(from.as_str()).filter(|from| !from.is_empty()).or(source);
                    inner = error;
                }
                EvalAltResult::ErrorInModule(name, error, _) => {
                    source = Some(name.as_str());
                    inner = error;
                }
                _ => break,
            }
        }
        let imported = source.and_then(|name| Some((name, self.imports.get(name)?)));
        let origin = imported.map_or_else(
            || self.clone(),
            |(name, text)| Self { name: Some(name.into()), text: text.clone(), imports: self.imports.clone() },
        );
        if let EvalAltResult::ErrorParsing(kind, position) = inner {
            return ScriptError { function: Some(function), ..syntax::explain(&origin, kind, *position) };
        }
        let (message, hint) = said(inner);
        ScriptError { hint, function: Some(function), ..origin.error_at(inner.position(), message) }
    }
}

/// What an error says, and the way out.
fn said(error: &EvalAltResult) -> (String, Option<String>) {
    use EvalAltResult as E;
    let (message, hint): (String, Option<&str>) = match error {
        E::ErrorRuntime(value, _) => (value.to_string(), None),
        E::ErrorFunctionNotFound(signature, _) => return not_a_function(signature),
        E::ErrorVariableNotFound(name, _) => (
            format!("there is no variable '{name}'"),
            Some(
                "a function sees its arguments and what it defines; what the script defines at its top is `global::NAME`, if it is a const",
            ),
        ),
        E::ErrorModuleNotFound(name, _) => (format!("there is no script '{name}' to import"), None),
        E::ErrorTerminated(why, _) if why.to_string() == guard::OUT_OF_TIME => {
            ("it took too long and was ended".to_owned(), None)
        }
        E::ErrorTerminated(why, _) if why.to_string() == guard::OUT_OF_MEMORY => {
            (format!("its variables hold more than {} bytes", limits::SCRIPT_MEMORY_BYTES_MAX), None)
        }
        E::ErrorTerminated(why, _) if why.to_string() != guard::OUT_OF_OPERATIONS => (why.to_string(), None),
        E::ErrorTerminated(..) | E::ErrorTooManyOperations(_) => (
            format!("it did more than {} operations and was ended", limits::SCRIPT_OPERATIONS_MAX),
            Some("is there a loop without an end?"),
        ),
        E::ErrorStackOverflow(_) => (
            format!("functions call one another more than {} deep", limits::SCRIPT_CALLS_COUNT_MAX),
            Some("does one call itself without an end?"),
        ),
        E::ErrorTooManyVariables(_) => {
            (format!("there are more than {} variables at a time", limits::SCRIPT_VARIABLES_COUNT_MAX), None)
        }
        E::ErrorTooManyModules(_) => {
            (format!("it imports more than {} scripts", limits::SCRIPT_IMPORTS_COUNT_MAX), None)
        }
        E::ErrorDataTooLarge(what, _) => (too_large(what), None),
        E::ErrorMismatchDataType(wanted, given, _) | E::ErrorMismatchOutputType(wanted, given, _) => {
            (format!("{} is needed here, and this is {}", kind(wanted), kind(given)), None)
        }
        E::ErrorIndexingType(given, _) => (format!("{} has no elements to be named in brackets", kind(given)), None),
        E::ErrorDotExpr(text, _) => (no_property(text), None),
        E::ErrorFor(_) => {
            ("this cannot be gone through with `for`".to_owned(), Some("`for` takes a list, a text or a range"))
        }
        E::ErrorAssignmentToConstant(name, _) => (format!("'{name}' cannot be changed"), Some("it is a const")),
        E::ErrorArrayBounds(0, index, _) => (format!("there is no element {index}: the list is empty"), None),
        E::ErrorArrayBounds(count, index, _) => {
            (format!("there is no element {index}: the list has {count}, from 0"), None)
        }
        E::ErrorStringBounds(count, index, _) => {
            (format!("there is no character {index}: the text has {count}, from 0"), None)
        }
        E::ErrorUnboundThis(_) => ("there is no `this` here".to_owned(), None),
        other => {
            // The position is told apart from the message.
            let text = other.to_string();
            let text = text.rsplit_once(" (line ").map_or(text.as_str(), |(text, _)| text);
            (lower(text), None)
        }
    };
    (message, hint.map(str::to_owned))
}

/// A type by its name, in plain words.
fn kind(name: &str) -> &'static str {
    show::type_kind(name)
}

fn too_large(what: &str) -> String {
    if what.contains("string") {
        format!("a text, or the texts of a list or map, would have more than {} bytes", limits::SCRIPT_TEXT_BYTES_MAX)
    } else if what.contains("map") {
        format!("a map would have more than {} entries", limits::SCRIPT_MAP_COUNT_MAX)
    } else {
        format!("a list would have more than {} elements", limits::SCRIPT_LIST_COUNT_MAX)
    }
}

/// Rhai names the property and the type in one sentence.
fn no_property(text: &str) -> String {
    let mut names = text.split('\'').skip(1).step_by(2);
    match (names.next(), names.next()) {
        (Some(name), Some(of)) => format!("{} has no field '{name}'", kind(of)),
        _ => lower(text),
    }
}

/// A call that fits no function: no such name, or other arguments.
fn not_a_function(signature: &str) -> (String, Option<String>) {
    let (name, arguments) = signature.split_once('(').unwrap_or((signature, ""));
    let name = name.trim();
    let arguments: Vec<&str> = arguments.trim_end_matches(')').split(", ").filter(|kind| !kind.is_empty()).collect();
    let kinds: Vec<&str> = arguments.iter().map(|name| kind(name)).collect();
    let is_operator = !name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if is_operator {
        return (format!("`{name}` does not go with {}", kinds.join(" and ")), None);
    }
    if let Some((_, known)) = super::names::LIBRARY.iter().find(|(known, _)| *known == name) {
        let given = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
        return (format!("{name} does not take {given}"), Some(format!("write {known}")));
    }
    let near = nearest(name, super::names::LIBRARY.iter().map(|(known, _)| *known));
    let hint = near.map(|near| format!("did you mean '{near}'?"));
    (format!("there is no function '{name}'"), hint.or_else(|| forbidden(name)))
}

/// What a script cannot do, and what it can do instead.
fn forbidden(name: &str) -> Option<String> {
    let hint = match name {
        "sleep" => "a script cannot wait; return a duration from next()",
        "timestamp" | "now" => "a script has the times of its run: ctx.fire.due and ctx.fire.actual",
        "eval" | "open_file" | "open" | "read_file" | "write_file" | "getenv" | "env" | "exec" | "http_get"
        | "fetch" => "a script reaches nothing outside its run; put what it needs into the schedule's vars",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// With a small first letter.
pub(super) fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
