//! Reads a tree into a [`RawSchedule`], field by field, and collects every problem on the way.
//!
//! Two kinds of path meet here. A *written* path is what the user sees (`[2].schedule.cron.expr`); a *canonical*
//! path names the field of `RawSchedule` (`schedule.cron`). The reader keeps where each canonical path was written,
//! so that what `validate` finds later still points at the source.
//! Invariant: no text stops the reader; what it cannot read it reports and leaves out.
//! Not here: whether the values make sense (`validate`).

mod fields;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use super::raw::RawSchedule;
use super::tree::{Entry, Node, Value};
use crate::limits;
use crate::problem::{Place, Problem, nearest};

/// A schedule as read, with everything that was wrong about its form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What could be read.
    pub raw: RawSchedule,
    /// Canonical paths of what was written as null: an update removes it, a create takes no default for it.
    pub cleared: BTreeSet<String>,
    /// What was wrong.
    pub problems: Vec<Problem>,
    /// Written path of the schedule itself, such as `[2]`; empty where the text holds one only.
    pub base: String,
    /// Where each canonical path was written.
    pub(super) spots: BTreeMap<String, Spot>,
    /// Canonical paths that were written, but not readably: their absence is no problem of its own.
    pub(super) doubtful: BTreeSet<String>,
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    /// Path as written.
    pub written: String,
    /// Place in the text.
    pub place: Option<Place>,
    /// Whether the place holds exactly the bytes of the value.
    pub verbatim: bool,
}

/// Reads one schedule. `base` is the written path of the node, such as `[2]`, or empty.
#[must_use]
pub fn read(node: &Node, base: &str) -> Reading {
    let mut reader = Reader { reading: Reading { base: base.to_owned(), ..Reading::default() } };
    let whole = At { node, written: base.to_owned(), canonical: String::new() };
    reader.spot(&whole, node.head());
    reader.schedule(&whole);
    reader.reading
}

impl From<RawSchedule> for Reading {
    /// A writing that came without a text, so that nothing can be pointed at.
    fn from(raw: RawSchedule) -> Self {
        Self { raw, ..Self::default() }
    }
}

impl Reading {
    /// Where a canonical path was written, or the nearest part around it that was.
    #[must_use]
    pub fn place(&self, canonical: &str) -> Option<Place> {
        self.nearest_spot(canonical).and_then(|spot| spot.place)
    }

    /// The spot of a canonical path, or of the nearest part around it.
    pub(super) fn nearest_spot(&self, canonical: &str) -> Option<&Spot> {
        let mut path = canonical;
        loop {
            if let Some(spot) = self.spots.get(path) {
                return Some(spot);
            }
            if path.is_empty() {
                return None;
            }
            path = path.rfind('.').map_or("", |dot| &path[..dot]);
        }
    }
}

/// A node with its two paths.
#[derive(Clone, Debug)]
struct At<'n> {
    node: &'n Node,
    written: String,
    canonical: String,
}

impl<'n> At<'n> {
    /// The same node under another canonical path.
    fn named(&self, canonical: &str) -> Self {
        Self { canonical: canonical.to_owned(), ..self.clone() }
    }
}

/// One key of a map that the reader knows.
struct Field<'n> {
    key: &'static str,
    at: At<'n>,
}

struct Reader {
    reading: Reading,
}

impl Reader {
    fn report(&mut self, problem: Problem) {
        if self.reading.problems.len() < limits::PROBLEMS_COUNT_MAX {
            self.reading.problems.push(problem);
        }
    }

    /// Reports a value that cannot be read and remembers that its field was meant to be given.
    fn unreadable(&mut self, at: &At<'_>, message: impl Into<String>, hint: Option<&str>) {
        self.reading.doubtful.insert(at.canonical.clone());
        let mut problem = Problem::new(at.written.clone(), message);
        problem.value = at.node.shown();
        problem.hint = hint.map(str::to_owned);
        problem.place = at.node.head();
        self.report(problem);
    }

    fn spot(&mut self, at: &At<'_>, place: Option<Place>) {
        let spot = Spot { written: at.written.clone(), place, verbatim: at.node.verbatim };
        self.reading.spots.insert(at.canonical.clone(), spot);
    }

    /// The known entries of a map; everything else about it becomes a problem. `None` when it is no map.
    fn fields<'n>(&mut self, at: &At<'n>, known: &[&'static str], example: &str) -> Option<Vec<Field<'n>>> {
        let Value::Map(entries) = &at.node.value else {
            self.unreadable(at, format!("must be a map, not {}", at.node.kind()), Some(example));
            return None;
        };
        let mut fields: Vec<Field<'n>> = Vec::new();
        let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in entries {
            let key = entry.key.as_str();
            let written = join(&at.written, key);
            if let Some(first) = seen.insert(key, entry) {
                self.twice(written, key, first.key_place, entry.key_place);
                seen.insert(key, first);
            } else if let Some(&key) = known.iter().find(|known| **known == key) {
                let canonical = join(&at.canonical, key);
                fields.push(Field { key, at: At { node: &entry.value, written, canonical } });
            } else {
                self.unknown(at, entry, known);
            }
        }
        Some(fields)
    }

    fn twice(&mut self, written: String, key: &str, first: Option<Place>, second: Option<Place>) {
        let mut problem = Problem::new(written, format!("key '{}' is written twice", shown_key(key)));
        problem.hint = first.map(|place| format!("the first one is in line {}", place.line));
        problem.place = second;
        self.report(problem);
    }

    fn unknown(&mut self, at: &At<'_>, entry: &Entry, known: &[&'static str]) {
        // Looking for what was meant is the costly part: not for what would be dropped.
        if self.reading.problems.len() >= limits::PROBLEMS_COUNT_MAX {
            return;
        }
        let meant = nearest(&entry.key, known.iter().copied());
        let mut problem =
            Problem::new(join(&at.written, &entry.key), format!("unknown key '{}'", shown_key(&entry.key)));
        problem.hint = Some(match meant {
            Some(meant) => format!("did you mean '{meant}'?"),
            None if entry.key == "<<" => "merge keys are not supported; write the fields out".to_owned(),
            None if at.canonical.is_empty() => "the keys are listed by: chimewheel guide schedules".to_owned(),
            None if fields::is_own(&entry.key) => {
                format!("'{}' stands beside '{}', not in it", entry.key, at.written)
            }
            None => format!("known here: {}", known.join(", ")),
        });
        problem.place = entry.key_place;
        if let Some(meant) = meant {
            self.reading.doubtful.insert(fields::canonical(&at.canonical, meant));
        }
        self.report(problem);
    }

    /// Notes where a field was written; whether it is null, and so cleared.
    fn cleared(&mut self, at: &At<'_>) -> bool {
        self.spot(at, at.node.head());
        let null = at.node.value == Value::Null;
        if null {
            self.reading.cleared.insert(at.canonical.clone());
        }
        null
    }

    /// A text; whole numbers count as the text they are written as, for ids.
    fn text(&mut self, at: &At<'_>) -> Option<String> {
        if self.cleared(at) {
            return None;
        }
        match &at.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            Value::Number(_) | Value::Bool(_) => {
                self.unreadable(at, format!("must be text, not {}", at.node.kind()), Some("put it in quotes"));
                None
            }
            _ => {
                self.unreadable(at, format!("must be text, not {}", at.node.kind()), None);
                None
            }
        }
    }

    /// A text where the empty one means unset.
    fn text_or_unset(&mut self, at: &At<'_>) -> Option<String> {
        self.text(at).filter(|text| !text.is_empty())
    }

    /// A list of texts; a single text is a list of one.
    fn texts(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let Value::List(items) = &at.node.value else { return self.text(at).map(|text| vec![text]) };
        self.spot(at, at.node.head());
        let mut texts = Vec::new();
        for (place, node) in items.iter().enumerate() {
            let written = format!("{}[{place}]", at.written);
            let item = At { node, written, canonical: format!("{}.{place}", at.canonical) };
            match &node.value {
                Value::Text(_) => texts.extend(self.text(&item)),
                _ => self.unreadable(&item, format!("must be text, not {}", node.kind()), Some("put it in quotes")),
            }
        }
        Some(texts)
    }

    /// A whole number, also as a text of digits.
    fn whole(&mut self, at: &At<'_>) -> Option<i64> {
        if self.cleared(at) {
            return None;
        }
        let number = match &at.node.value {
            Value::Number(number) => number.as_i64(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            let kind = match &at.node.value {
                Value::Number(_) | Value::Text(_) => String::new(),
                _ => format!(", not {}", at.node.kind()),
            };
            self.unreadable(at, format!("must be a whole number{kind}"), None);
        }
        number
    }

    fn flag(&mut self, at: &At<'_>) -> Option<bool> {
        if self.cleared(at) {
            return None;
        }
        match at.node.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.unreadable(at, format!("must be true or false, not {}", at.node.kind()), None);
                None
            }
        }
    }

    /// Fills a slot that several ways of writing lead to; a second, different value is a problem.
    fn set<T: PartialEq>(&mut self, slot: &mut Option<T>, value: Option<T>, at: &At<'_>) {
        match (slot.as_ref(), value) {
            (Some(first), Some(second)) if *first != second => {
                let what = at.canonical.rsplit('.').next().unwrap_or_default().to_owned();
                self.unreadable(at, format!("'{what}' is given in two ways that disagree"), Some("keep one of them"));
            }
            (None, Some(value)) => *slot = Some(value),
            _ => {}
        }
    }
}

/// A path one key further down.
fn join(path: &str, key: &str) -> String {
    let key = shown_key(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A key as a message can carry it.
fn shown_key(key: &str) -> String {
    super::tree::shorten(key)
}
