//! The query of an address, read by its route's table of parameters.
//!
//! Strict: a part that is not in the table, is written twice or is not of its kind is refused, all at once.
//! Not here: what a value means.

use super::route::{Kind, Parameter};
use crate::problem::{Problem, nearest};
use crate::spec::tree::shorten;
use crate::surface::error::Error;
use crate::time::{Span, Timestamp};

/// The parts that were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the part of an address behind `?`.
    pub(super) fn read(text: Option<&str>, known: &'static [Parameter]) -> Result<Self, Error> {
        let text = text.unwrap_or_default();
        if !is_utf8(text) {
            return Err(Error::bad_input(Problem::new("query", "is not UTF-8").value(shorten(text))));
        }
        let mut query = Self::default();
        let mut problems = Vec::new();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text)
            .map_err(|error| Error::bad_input(Problem::new("query", error.to_string()).value(shorten(text))))?;
        for (key, value) in pairs {
            match known.iter().find(|parameter| parameter.name == key) {
                None => problems.push(unknown(&key, known)),
                Some(parameter) if query.text(parameter.name).is_some() => {
                    problems.push(Problem::new(parameter.name, "is given twice").hint("give it once"));
                }
                Some(parameter) => match parameter.kind.wrong(&value) {
                    Some(hint) => {
                        let problem = Problem::new(parameter.name, "is not what it may be");
                        problems.push(problem.value(shorten(&value)).hint(hint));
                    }
                    None => query.0.push((parameter.name, value)),
                },
            }
        }
        if problems.is_empty() { Ok(query) } else { Err(Error::problems(problems)) }
    }

    /// A part as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// A part as a number.
    pub(super) fn count(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    /// A part as a choice; not given is no.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text == "true")
    }

    /// The same query with another cursor.
    pub(super) fn with_cursor(&self, cursor: &str) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .0
            .iter()
            .filter(|(name, _)| *name != "cursor")
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        pairs.push(("cursor", cursor));
        // Pairs of texts can always be written.
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    }
}

impl Kind {
    /// What it may be, if a value is not of this kind.
    fn wrong(self, value: &str) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Since => {
                let is_either = Timestamp::parse_rfc3339(value).is_some() || Span::parse(value).is_ok();
                let either =
                    "an RFC 3339 time such as 2026-01-30T16:00:00Z, or a span such as 7d; write a plus sign as %2B";
                (!is_either).then(|| either.to_owned())
            }
            Self::Count(most) => {
                // Digits only: what `parse` takes besides them is not what the description says.
                let digits = value.bytes().all(|byte| byte.is_ascii_digit());
                let fits = digits && value.parse::<usize>().is_ok_and(|count| (1..=most).contains(&count));
                (!fits).then(|| format!("a whole number from 1 to {most}"))
            }
            Self::Flag => (!matches!(value, "true" | "false")).then(|| "true or false".to_owned()),
            Self::Word(words) => (!words.contains(&value)).then(|| words.join(", ")),
        }
    }
}

fn unknown(key: &str, known: &'static [Parameter]) -> Problem {
    let problem = Problem::new(shorten(key), "is not a part of this query");
    let names = || known.iter().map(|parameter| parameter.name);
    match nearest(key, names()) {
        Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
        None if known.is_empty() => problem.hint("there is no query here"),
        None => problem.hint(format!("known here: {}", names().collect::<Vec<_>>().join(", "))),
    }
}

/// Whether the bytes that a text stands for, percent signs resolved, are UTF-8.
fn is_utf8(text: &str) -> bool {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |place: usize| tail.get(place).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}
