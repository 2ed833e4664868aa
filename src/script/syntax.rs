//! Mistakes of syntax, with what was most likely meant.
//!
//! Rhai says what it expected; people write what they know from elsewhere. Not here: mistakes found while it runs
//! (`explain`).

use rhai::{ParseErrorType, Position};

use super::error::ScriptError;
use super::explain::{Origin, lower};
use crate::limits;
use crate::problem::nearest;

/// Words of other languages, and what stands for them here.
const FOREIGN: &[(&str, &str)] = &[
    ("elif", "write `else if`"),
    ("elsif", "write `else if`"),
    ("elseif", "write `else if`"),
    ("function", "write `fn`"),
    ("def", "write `fn`"),
    ("var", "write `let`"),
    ("match", "`match` is reserved: for a choice write `switch`, for a regular expression `matches(text, regex)`"),
    ("case", "`switch` takes `value => result` without `case`"),
    ("and", "write `&&`"),
    ("or", "write `||`"),
    ("not", "write `!`"),
    ("null", "write `()`"),
    ("nil", "write `()`"),
    ("None", "write `()`"),
    ("True", "write `true`"),
    ("False", "write `false`"),
    ("undefined", "write `()`"),
    ("new", "values are made without `new`"),
    ("async", "a script cannot wait"),
    ("await", "a script cannot wait"),
];

/// What is wrong with the syntax.
pub(super) fn explain(origin: &Origin, kind: &ParseErrorType, position: Position) -> ScriptError {
    let (message, hint) = said(origin, kind, position);
    ScriptError { hint, ..origin.error_at(position, message) }
}

fn said(origin: &Origin, kind: &ParseErrorType, position: Position) -> (String, Option<String>) {
    use ParseErrorType as P;
    let before = word_before(origin, position);
    let foreign = [word_at(origin, position), before]
        .into_iter()
        .find_map(|word| FOREIGN.iter().find(|(known, _)| *known == word))
        .map(|(_, hint)| (*hint).to_owned());
    let (message, hint): (String, Option<&str>) = match kind {
        P::UnexpectedEOF => ("the text ends too early".to_owned(), Some("is a `}`, a `)` or a quote missing?")),
        P::BadInput(error) if is_quoted(origin, position) => {
            (lower(&error.to_string()), Some("texts stand in double quotes; single quotes are for one character"))
        }
        P::BadInput(error) if error.to_string().contains("'eval'") => {
            ("a script cannot run texts as scripts".to_owned(), Some("write a function"))
        }
        P::BadInput(error) if error.to_string().contains("typo of '=='") => {
            ("`=` sets a variable, it does not compare".to_owned(), Some("to compare, write `==`"))
        }
        P::BadInput(error) => {
            let said = lower(&error.to_string());
            let hint = match &*said {
                said if said.starts_with("unexpected '") => Some("is something missing before it?"),
                said if said.contains("not terminated") => Some("is a closing quote missing?"),
                _ => None,
            };
            (said, hint)
        }
        P::VariableUndefined(name) => return undefined(name, foreign),
        P::ModuleUndefined(name) => {
            (format!("there is no import called '{name}'"), Some("write `import \"lib/text\" as text;` at the top"))
        }
        P::Reserved(word) if word == "eval" => {
            ("a script cannot run texts as scripts".to_owned(), Some("write a function"))
        }
        P::Reserved(word) => (format!("'{word}' is reserved"), None),
        P::MissingToken(token, why) if is_end(origin, position) => {
            (format!("the text ends too early: a `{token}` is missing {why}"), Some("is a closing `}` missing?"))
        }
        P::MissingToken(token, why) => (format!("a `{token}` is missing {why}"), missing(token)),
        P::ExprTooDeep => (
            format!("expressions are more than {} deep", limits::SCRIPT_LEVELS_MAX),
            Some("give parts of it names with `let`"),
        ),
        P::TooManyFunctions => {
            (format!("there are more than {} functions", limits::SCRIPT_FUNCTIONS_COUNT_MAX), None)
        }
        P::FnDuplicatedDefinition(name, _) => (format!("there are two functions {name}"), None),
        P::AssignmentToConstant(name) => (format!("'{name}' cannot be changed"), Some("it is a const")),
        P::AssignmentToInvalidLHS(_) => ("this cannot be changed".to_owned(), Some("to compare, write `==`")),
        P::WrongFnDefinition => ("a function stands at the top of a script, not inside of anything".to_owned(), None),
        P::WrongSwitchCaseCondition => (
            "`_` takes all that is left: it has no condition".to_owned(),
            Some("write `_ => if … { … } else { … }`, or `if` and `else if` in place of `switch`"),
        ),
        P::PropertyExpected if rest_of_line(origin, position).trim_start_matches('.').starts_with("curry") => {
            ("a function has no curry".to_owned(), Some("write a closure, `|x| f.call(5, x)`"))
        }
        P::PropertyExpected => ("the name of a field is missing".to_owned(), None),
        P::VariableExpected => ("the name of a variable is missing".to_owned(), None),
        P::ExprExpected(what) => (format!("{what} expression is missing").trim_start().to_owned(), None),
        P::UnknownOperator(operator) => (format!("there is no operator `{operator}`"), operators(operator)),
        other => (lower(&other.to_string()), None),
    };
    (message, foreign.or_else(|| hint.map(str::to_owned)))
}

fn missing(token: &str) -> Option<&'static str> {
    match token {
        "," | "]" | "}" => Some("is a comma missing between two parts?"),
        ";" => Some("statements end with `;`"),
        ")" => Some("is a comma or a closing bracket missing?"),
        "=>" => Some("a case of `switch` is written `value => result`"),
        _ => None,
    }
}

fn operators(operator: &str) -> Option<&'static str> {
    match operator {
        "===" => Some("write `==`"),
        "!==" => Some("write `!=`"),
        "<>" => Some("write `!=`"),
        ":=" => Some("write `let name = value;`"),
        "++" => Some("write `+= 1`"),
        "--" => Some("write `-= 1`"),
        "->" => Some("functions have no type of result here"),
        _ => None,
    }
}

/// A variable that there is not: misspelt, not introduced, or out of sight.
fn undefined(name: &str, foreign: Option<String>) -> (String, Option<String>) {
    const KNOWN: &[&str] = &["ctx", "result", "error", "schedule", "fire", "last", "session", "vars", "state"];
    let near = nearest(name, KNOWN.iter().copied()).filter(|near| *near != name);
    let hint = foreign.or_else(|| near.map(|near| format!("did you mean '{near}'?"))).unwrap_or_else(|| {
        format!("`let {name} = …;` makes one; a const of the script's top is `global::{name}` inside functions")
    });
    (format!("there is no variable '{name}'"), Some(hint))
}

/// The word at a position.
fn word_at(origin: &Origin, position: Position) -> &str {
    let rest = rest_of_line(origin, position);
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    &rest[..end]
}

/// The last word before a position, on its line.
fn word_before(origin: &Origin, position: Position) -> &str {
    let line = line_of(origin, position);
    let before = &line[..line.len() - rest_of_line(origin, position).len()];
    before.trim_end().rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Whether nothing follows a position.
fn is_end(origin: &Origin, position: Position) -> bool {
    let lines = origin.text.lines().count();
    position.line().is_none_or(|line| line >= lines) && rest_of_line(origin, position).trim().is_empty()
}

fn is_quoted(origin: &Origin, position: Position) -> bool {
    rest_of_line(origin, position).starts_with('\'')
}

fn line_of(origin: &Origin, position: Position) -> &str {
    position.line().and_then(|line| origin.text.lines().nth(line - 1)).unwrap_or_default()
}

fn rest_of_line(origin: &Origin, position: Position) -> &str {
    let line = line_of(origin, position);
    let skipped = position.position().unwrap_or(1).saturating_sub(1);
    line.char_indices().nth(skipped).map_or("", |(at, _)| &line[at..])
}
