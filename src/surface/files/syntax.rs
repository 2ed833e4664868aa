//! YAML, TOML and JSON become trees here, or the problems that keep them from it.
//!
//! YAML yields one tree per document, the others one. TOML reports every syntax error of a text, YAML and JSON the
//! first. Not here: what the trees mean.

use std::cell::Cell;
use std::ops::Range;

use serde::de::DeserializeSeed;
use serde_json::Number;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::marks;
use super::text::Text;
use super::value::Build;
use crate::limits;
use crate::problem::{Place, Problem};
use crate::spec::tree::{Entry, Node, Value};

/// A language that schedule files are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `.yaml`, `.yml`.
    Yaml,
    /// `.toml`.
    Toml,
    /// `.json`.
    Json,
}

impl Syntax {
    /// By the ending of a file's name, in any case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) fn trees(self, text: &Text) -> Result<Vec<Node>, Vec<Problem>> {
        match self {
            Self::Yaml => yaml(text),
            Self::Toml => toml(text),
            Self::Json => json(text),
        }
    }
}

fn yaml(text: &Text) -> Result<Vec<Node>, Vec<Problem>> {
    let marks = marks::marks(text)?;
    let left = Cell::new(limits::FILE_VALUES_MAX);
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&text.text) {
        let tree = Build { left: &left }.deserialize(document).map_err(|error| vec![yaml_problem(text, &error)])?;
        documents.push(tree);
    }
    marks.lay_over(text, &mut documents);
    Ok(documents)
}

fn yaml_problem(text: &Text, error: &serde_yaml::Error) -> Problem {
    let full = error.to_string();
    // The place is told apart from the message, so it is cut from it. A byte that is no YAML at all has a position
    // instead of a line.
    let message = full.split(" at line ").next().unwrap_or(&full);
    let (message, position) = match message.split_once(" at position ") {
        Some((message, position)) => (message, position.parse().ok()),
        None => (message, None),
    };
    let place = match (position, error.location()) {
        (Some(byte), _) => Some(text.place(text.boundary(byte)..byte + 1)),
        (None, location) => location.map(|location| text.place_at(location.line(), location.column())),
    };
    let message = if message.contains("repetition limit") { "aliases repeat too much" } else { message };
    let line = place.map_or("", |place| text.text[place.offset..].split('\n').next().unwrap_or(""));
    let mut problem = text.problem(message, place);
    if text.text.contains('\t') && (line.starts_with('\t') || message.contains("cannot start any token")) {
        problem.hint = Some("YAML is indented with spaces, not tabs".to_owned());
    }
    problem
}

fn json(text: &Text) -> Result<Vec<Node>, Vec<Problem>> {
    if text.text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let left = Cell::new(limits::FILE_VALUES_MAX);
    let mut source = serde_json::Deserializer::from_str(&text.text);
    let tree = Build { left: &left }.deserialize(&mut source).and_then(|tree| source.end().map(|()| tree));
    let tree = tree.map_err(|error| {
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or(&full);
        vec![text.problem(message, Some(text.place_at(error.line(), error.column())))]
    })?;
    let mut documents = vec![tree];
    marks::marks(text)?.lay_over(text, &mut documents);
    Ok(documents)
}

fn toml(text: &Text) -> Result<Vec<Node>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(&text.text);
    if !errors.is_empty() {
        let problem = |error: &toml::de::Error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            text.problem(message, error.span().map(|span| text.place(span)))
        };
        return Err(errors.iter().take(limits::PROBLEMS_COUNT_MAX).map(problem).collect());
    }
    if table.get_ref().is_empty() {
        return Ok(Vec::new());
    }
    let whole = text.place(table.span());
    Ok(vec![toml_table(text, table.get_ref(), whole)])
}

fn toml_table(text: &Text, table: &DeTable<'_>, place: Place) -> Node {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| {
            let (key_place, _) = inner(text, key.span(), key.get_ref());
            Entry { key: key.get_ref().to_string(), key_place: Some(key_place), value: toml_value(text, value) }
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_place.map(|place| place.offset));
    Node { value: Value::Map(entries), place: Some(place), verbatim: false }
}

fn toml_value(text: &Text, value: &Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let place = text.place(span.clone());
    let plain = |value| Node { value, place: Some(place), verbatim: false };
    match value.get_ref() {
        DeValue::String(string) => {
            let (place, verbatim) = inner(text, span, string);
            Node { value: Value::Text(string.to_string()), place: Some(place), verbatim }
        }
        DeValue::Integer(integer) => plain(match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Value::Number(number.into()),
            Err(_) => Value::Text(integer.as_str().to_owned()),
        }),
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(Number::from_f64);
            plain(number.map_or_else(|| Value::Text(float.as_str().to_owned()), Value::Number))
        }
        DeValue::Boolean(flag) => plain(Value::Bool(*flag)),
        DeValue::Datetime(time) => plain(Value::Text(time.to_string())),
        DeValue::Array(items) => plain(Value::List(items.iter().map(|item| toml_value(text, item)).collect())),
        DeValue::Table(table) => toml_table(text, table, place),
    }
}

/// The bytes of a text without its quotes, where they hold it verbatim.
fn inner(text: &Text, span: Range<usize>, wanted: &str) -> (Place, bool) {
    match text.text.get(span.clone()).and_then(|slice| slice.find(wanted)) {
        Some(shift) if !wanted.is_empty() => {
            let start = span.start + shift;
            (text.place(start..start + wanted.len()), true)
        }
        _ => (text.place(span), false),
    }
}
