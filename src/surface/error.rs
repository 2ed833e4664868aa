//! The one translation of what went wrong: to an exit code, an HTTP status and a problem document.
//!
//! `message` is for the user, `detail` for the log. Source: RFC 9457 for the document.
//! Not here: the errors of single modules; each becomes one of these at the door.

use std::fmt;

use serde_json::{Value, json};

use crate::problem::{Place, Problem};

/// An operation that was not done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of trouble.
    pub code: Code,
    /// For the user: lower case, no full stop.
    pub message: String,
    /// For the log.
    pub detail: Option<String>,
    /// Every single mistake, where the trouble is bad input.
    pub problems: Vec<Problem>,
}

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// It was tried and did not work.
    Failed,
    /// What was asked cannot be meant.
    BadInput,
    /// No such schedule, operation or page.
    NotFound,
    /// It contradicts what is there.
    Conflict,
    /// It is more than the agent may have.
    OverQuota,
    /// Another process owns the store.
    Owned,
    /// No daemon answers, or it is about to stop.
    Unreachable,
    /// The token is missing or wrong.
    Unauthorized,
    /// The caller's `Host` or `Origin` is not local.
    Forbidden,
    /// More bytes than are read.
    TooLarge,
    /// The address exists, the method does not.
    Method,
    /// The body is not JSON.
    MediaType,
    /// The program does not have this part yet.
    NotBuilt,
    /// It was changed since the caller read it.
    Stale,
    /// No form of the answer is one that the caller takes.
    NotAcceptable,
    /// The body came too slowly.
    Slow,
    /// The address is longer than is read.
    TooLong,
    /// The headers are more than is read.
    HeadersTooLarge,
    /// The caller asks too often.
    TooMany,
}

/// Every code with its word, HTTP status and exit code.
const TABLE: [(Code, &str, u16, u8); 19] = [
    (Code::Failed, "failed", 500, 1),
    (Code::BadInput, "bad-input", 400, 2),
    (Code::NotFound, "not-found", 404, 3),
    (Code::Conflict, "conflict", 409, 4),
    (Code::OverQuota, "over-quota", 429, 5),
    (Code::Owned, "owned", 503, 5),
    (Code::Unreachable, "unreachable", 503, 5),
    (Code::Unauthorized, "unauthorized", 401, 5),
    (Code::Forbidden, "forbidden", 403, 5),
    (Code::TooLarge, "too-large", 413, 2),
    (Code::Method, "method-not-allowed", 405, 1),
    (Code::MediaType, "not-json", 415, 1),
    (Code::NotBuilt, "not-built", 501, 1),
    (Code::Stale, "stale", 412, 4),
    (Code::NotAcceptable, "not-acceptable", 406, 1),
    (Code::Slow, "too-slow", 408, 5),
    (Code::TooLong, "url-too-long", 414, 2),
    (Code::HeadersTooLarge, "headers-too-large", 431, 2),
    (Code::TooMany, "too-many-requests", 429, 5),
];

impl Code {
    fn row(self) -> &'static (Code, &'static str, u16, u8) {
        // The first row stands in for a code without a row; a test walks the table.
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }

    /// The word for it on every wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().2
    }

    /// The exit code of the command line.
    #[must_use]
    pub fn exit(self) -> u8 {
        self.row().3
    }

    /// The code of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == word).map(|row| row.0)
    }
}

impl Error {
    /// An error with nothing but a message.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, problems: Vec::new() }
    }

    /// Bad input in one place.
    #[must_use]
    pub fn bad_input(problem: Problem) -> Self {
        Self::problems(vec![problem])
    }

    /// Bad input in all these places.
    #[must_use]
    pub fn problems(problems: Vec<Problem>) -> Self {
        let message = match problems.as_slice() {
            [one] => one.to_string(),
            many => format!("{} problems", many.len()),
        };
        Self { problems, ..Self::new(Code::BadInput, message) }
    }

    /// The same with something for the log.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// The problem document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut document = json!({
            "type": format!("urn:chimewheel:problem:{}", self.code.word()),
            "title": self.code.word().replace('-', " "),
            "status": self.code.status(),
            "code": self.code.word(),
            "detail": self.message,
        });
        if !self.problems.is_empty() {
            document["problems"] = self.problems.iter().map(problem_to_json).collect();
        }
        document
    }

    /// Reads a problem document back.
    #[must_use]
    pub fn from_json(document: &Value) -> Option<Self> {
        let code = Code::of(document.get("code")?.as_str()?)?;
        let message = document.get("detail")?.as_str()?.to_owned();
        let problems = document.get("problems").and_then(Value::as_array);
        let problems = problems.into_iter().flatten().filter_map(problem_from_json).collect();
        Some(Self { code, message, detail: None, problems })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// One mistake on a wire.
#[must_use]
pub fn problem_to_json(problem: &Problem) -> Value {
    let mut shown = json!({"path": problem.path, "message": problem.message});
    if let Some(value) = &problem.value {
        shown["value"] = json!(value);
    }
    if let Some(hint) = &problem.hint {
        shown["hint"] = json!(hint);
    }
    if let Some(place) = problem.place {
        shown["line"] = json!(place.line);
        shown["column"] = json!(place.column);
        shown["offset"] = json!(place.offset);
        shown["length"] = json!(place.length);
    }
    shown
}

/// Reads one mistake back.
#[must_use]
pub fn problem_from_json(shown: &Value) -> Option<Problem> {
    let text = |key: &str| shown.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| shown.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let place = match (number("line"), number("column")) {
        (Some(line), Some(column)) => {
            let (offset, length) = (number("offset").unwrap_or(0), number("length").unwrap_or(0));
            Some(Place { line, column, offset, length })
        }
        _ => None,
    };
    Some(Problem { path: text("path")?, value: text("value"), message: text("message")?, hint: text("hint"), place })
}
