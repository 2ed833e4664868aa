//! The one tree that every written form of a schedule becomes before it is read.
//!
//! YAML, TOML, JSON and tool arguments differ in syntax only, so they share this tree and one reader (`read`).
//! Units: places count as in `problem`. Invariant: a map keeps its entries as written, doubles included, so that
//! the reader can name both.
//! Not here: parsing (`surface/files`), what the keys mean (`read`).

use serde_json::{Number, Value as Json};

use crate::problem::Place;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What was written.
    pub value: Value,
    /// Where, if it came from a text.
    pub place: Option<Place>,
    /// Whether the place holds exactly the bytes of the text value, so that a range of one is a range of the other.
    pub verbatim: bool,
}

/// What can be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, explicitly.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text; also dates, which only TOML tells apart.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order and with the doubles of the text.
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub key_place: Option<Place>,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// A value without a place.
    #[must_use]
    pub const fn new(value: Value) -> Self {
        Self { value, place: None, verbatim: false }
    }

    /// The tree of a JSON value: tool arguments, request bodies.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        Self::new(match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => Value::Number(number.clone()),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(Self::from_json).collect()),
            Json::Object(map) => Value::Map(
                map.iter()
                    .map(|(key, value)| Entry { key: key.clone(), key_place: None, value: Self::from_json(value) })
                    .collect(),
            ),
        })
    }

    /// The same value as JSON; of a key written twice the first one counts.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                let mut map = serde_json::Map::new();
                for entry in entries {
                    map.entry(entry.key.clone()).or_insert_with(|| entry.value.to_json());
                }
                Json::Object(map)
            }
        }
    }

    /// The value of a key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// Where to point when something about the whole value is wrong: a map's first key, else the value.
    #[must_use]
    pub fn head(&self) -> Option<Place> {
        match &self.value {
            Value::Map(entries) => entries.first().and_then(|entry| entry.key_place).or(self.place),
            _ => self.place,
        }
    }

    /// What kind of value it is, as the end of the sentence "must be text, not …".
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The value as written, if it is short enough to be repeated in a message.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match &self.value {
            Value::Null | Value::List(_) | Value::Map(_) => None,
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Text(text) => Some(shorten(text)),
        }
    }
}

/// A text as a message can carry it: on one line, and cut.
#[must_use]
pub fn shorten(text: &str) -> String {
    const CHARS: usize = 80;
    let mut short = String::new();
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index == CHARS => {
                short.push('…');
                break;
            }
            c if c.is_control() => short.extend(c.escape_default()),
            c => short.push(c),
        }
    }
    short
}
