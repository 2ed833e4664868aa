//! Schedules of other programs become declarations: a text goes in, declarations and remarks come out.
//!
//! One file a format. A declaration is the JSON object that a schedule file would hold; whether it is valid is judged
//! by the one judge (`spec`), so what a format can say and this version cannot do is refused there, with the reason.
//! Invariants: ids are stable, so that repeating an import finds what it brought; nothing is changed without a remark
//! and nothing is left out without a reason; no file is read here.
//! Not here: applying declarations (`ops`), reading files and printing (`cli`), JSON Lines (`cli/import`).

pub mod crontab;
pub mod duragent;
pub mod engine;
pub mod heartbeat;
pub mod openclaw;

use serde_json::{Map, Value, json};

use crate::id::{ScheduleId, stable_hash};
use crate::problem::Problem;
use crate::spec::tree::{Node, Value as Written};
use crate::surface::ops::request::{Apply, FileText, Unreadable};

/// What a file was read into.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brought {
    /// What it declares.
    pub items: Vec<Item>,
    /// What it declares and cannot be brought over.
    pub refused: Vec<Omission>,
    /// What it holds and has ended, or is no schedule.
    pub left_out: Vec<Omission>,
    /// Remarks about the file as a whole.
    pub notes: Vec<String>,
}

/// One declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it comes from.
    pub at: Origin,
    /// The schedule, as a file would declare it.
    pub schedule: Map<String, Value>,
    /// What is different from what was written.
    pub changed: Vec<String>,
    /// What was written, perhaps with something in mind, and has no effect.
    pub doubts: Vec<String>,
}

/// Something that was not brought over.
#[derive(Clone, Debug, PartialEq)]
pub struct Omission {
    /// Where it stands.
    pub at: Origin,
    /// The id it would have, where that is known.
    pub id: Option<String>,
    /// Why.
    pub why: String,
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, as it was named.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
}

/// What the person who imports says about what files leave open.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Owner of schedules whose file names none.
    pub agent: Option<String>,
    /// Chat of schedules that go to a chat the file does not name, as `telegram_123456`.
    pub to: Option<String>,
    /// Zone of times whose file names none.
    pub timezone: Option<String>,
}

impl Brought {
    /// The one operation that brings it over: each declaration is a file of its own in a folder of the source's name.
    #[must_use]
    pub fn request(&self, source: &str, prune: bool, dry_run: bool) -> Apply {
        let name = |id: &str| format!("{source}/{id}.json");
        let text = |item: &Item| Value::Object(item.schedule.clone()).to_string();
        // What is declared and cannot be brought over is not gone, unless something else of its id is.
        let kept = self.refused.iter().filter_map(|omission| Some((omission.id.as_deref()?, &omission.why)));
        let kept = kept.filter(|(id, _)| self.items.iter().all(|item| item.id() != *id));
        Apply {
            folder: source.to_owned(),
            files: self.items.iter().map(|item| FileText { path: name(item.id()), text: text(item) }).collect(),
            unreadable: kept.map(|(id, why)| Unreadable { path: name(id), why: why.clone() }).collect(),
            prune,
            dry_run,
        }
    }
}

impl Item {
    fn new(at: Origin, id: &str, wishes: &Wishes) -> Self {
        let mut item = Self { at, schedule: Map::new(), changed: Vec::new(), doubts: Vec::new() };
        item.take_id(id);
        if let Some(agent) = &wishes.agent {
            item.set("agent", agent.as_str());
        }
        item
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.schedule.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.schedule.insert(key.to_owned(), value.into());
    }

    /// Keeps an id that is one here; makes a stable one of another.
    fn take_id(&mut self, written: &str) {
        let id = if ScheduleId::parse(written).is_ok() { written.to_owned() } else { slug(written) };
        if id != written {
            self.changed.push(format!("its id is {id}"));
        }
        self.set("id", id);
    }

    /// The zone of its times, unless the trigger names one.
    fn set_zone(&mut self, zone: Option<&str>) {
        let trigger = self.schedule.get_mut("schedule").and_then(Value::as_object_mut);
        if let (Some(zone), Some(trigger)) = (zone, trigger)
            && !trigger.contains_key("timezone")
        {
            trigger.insert("timezone".to_owned(), json!(zone));
        }
    }

    fn left(&mut self, key: &str, why: &str) {
        self.changed.push(format!("'{key}' is left out: {why}"));
    }
}

/// A text as an id: its letters and digits with dashes between; what has none of them is known by its hash.
fn slug(text: &str) -> String {
    const CHARS: usize = 64;
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let joined: String = plain.split_whitespace().collect::<Vec<_>>().join("-").chars().take(CHARS).collect();
    // Where letters were lost, two texts may have become one.
    let lossy = text.chars().any(|c| c.is_alphanumeric() && !c.is_ascii()) || text.len() > CHARS || joined.is_empty();
    if lossy { format!("{joined}-{}", digest(&[text])).trim_start_matches('-').to_owned() } else { joined }
}

/// Ten hexadecimal digits that stand for texts.
fn digest(texts: &[&str]) -> String {
    format!("{:032x}", stable_hash(texts)).chars().take(10).collect()
}

/// The line of a value.
fn line_of(node: &Node) -> usize {
    node.head().map_or(1, |place| place.line)
}

/// A text of a map; numbers count as the text they are written as.
fn text(node: &Node, key: &str) -> Option<String> {
    match &node.get(key)?.value {
        Written::Text(text) => Some(text.clone()),
        Written::Number(number) => Some(number.to_string()),
        Written::Null | Written::Bool(_) | Written::List(_) | Written::Map(_) => None,
    }
}

/// A whole number of a map.
fn whole(node: &Node, key: &str) -> Option<i64> {
    match &node.get(key)?.value {
        Written::Number(number) => number.as_i64(),
        Written::Null | Written::Bool(_) | Written::Text(_) | Written::List(_) | Written::Map(_) => None,
    }
}

/// A flag of a map.
fn flag(node: &Node, key: &str) -> Option<bool> {
    match &node.get(key)?.value {
        Written::Bool(flag) => Some(*flag),
        Written::Null | Written::Number(_) | Written::Text(_) | Written::List(_) | Written::Map(_) => None,
    }
}

/// The keys of a map.
fn keys(node: &Node) -> impl Iterator<Item = &str> {
    let entries = if let Written::Map(entries) = &node.value { entries.as_slice() } else { &[] };
    entries.iter().map(|entry| entry.key.as_str())
}

/// A file that cannot be read as what it is said to be.
fn unreadable(message: impl Into<String>, hint: &str) -> Vec<Problem> {
    vec![Problem::new("", message).hint(hint)]
}
