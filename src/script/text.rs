//! The library's functions on texts, JSON among them.
//!
//! Invariants: none changes its argument; each pays for what it goes through before it does, and no text, list or map it
//! makes is larger than a script may have. Units: characters for counts and places, bytes for limits.
//! Not here: regular expressions (`pattern`).

use std::any::TypeId;
use std::ops::{Range, RangeInclusive};

use rhai::{Array, Dynamic, Engine, ImmutableString, Map, Module};

use super::answer::Answer;
use super::guard::{Outcome, charge};
use super::show::{self, too_long};
use super::{json, pattern};
use crate::limits;

/// A text of at most so many characters, with `…` in place of what was cut off.
pub(super) fn truncated(text: &str, chars_max: usize) -> String {
    if text.char_indices().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    if chars_max > 0 {
        cut.truncate(cut.trim_end().len());
        cut.push('…');
    }
    cut
}

/// A text of at most so many bytes, with `…` in place of what was cut off.
pub(super) fn clipped(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = (0..=bytes_max.saturating_sub('…'.len_utf8())).rev().find(|at| text.is_char_boundary(*at));
    format!("{}…", &text[..end.unwrap_or(0)])
}

/// Registers a function on texts for the result too.
macro_rules! on_text {
    ($engine:ident, $name:literal, |$text:ident $(, $arg:ident: $type:ty)*| $body:expr) => {
        $engine.register_fn($name, |$text: &str $(, $arg: $type)*| -> Outcome<_> { charge($text.len())?; $body });
        $engine.register_fn($name, |answer: Answer $(, $arg: $type)*| -> Outcome<_> {
            let text = answer.text();
            let $text = text.as_str();
            charge($text.len())?;
            $body
        });
    };
}
pub(super) use on_text;

/// Tells the engine of them.
pub(super) fn register(engine: &mut Engine) {
    on_text!(engine, "truncate", |text, count: i64| Ok(truncated(text, usize::try_from(count).unwrap_or(0))));
    on_text!(engine, "lines", |text| list(text.lines()));
    on_text!(engine, "words", |text| list(text.split_whitespace()));
    on_text!(engine, "split", |text, at: &str| if at.is_empty() {
        Err("split needs something to split at; for its characters, write `for c in text`".into())
    } else {
        list(text.split(at))
    });
    on_text!(engine, "trim", |text| Ok(text.trim().to_owned()));
    on_text!(engine, "to_lower", |text| Ok(text.to_lowercase()));
    on_text!(engine, "to_upper", |text| Ok(text.to_uppercase()));
    on_text!(engine, "capitalize", |text| Ok(capitalized(text)));
    on_text!(engine, "contains", |text, part: &str| Ok(text.contains(part)));
    on_text!(engine, "contains", |text, part: char| Ok(text.contains(part)));
    on_text!(engine, "starts_with", |text, part: &str| Ok(text.starts_with(part)));
    on_text!(engine, "ends_with", |text, part: &str| Ok(text.ends_with(part)));
    on_text!(engine, "len", |text| Ok(text.chars().count() as i64));
    on_text!(engine, "is_empty", |text| Ok(text.is_empty()));
    on_text!(engine, "index_of", |text, part: &str| Ok(text
        .find(part)
        .map_or(-1, |at| text[..at].chars().count() as i64)));
    on_text!(engine, "sub_string", |text, start: i64, count: i64| Ok(part(text, start, count)));
    on_text!(engine, "sub_string", |text, start: i64| Ok(part(text, start, i64::MAX)));
    on_text!(engine, "parse_json", |text| json::from_text(text)
        .map_err(|why| format!("this is not JSON: {why}").into()));
    engine.register_get("len", |text: &mut ImmutableString| text.chars().count() as i64);
    engine.register_get("is_empty", |text: &mut ImmutableString| text.is_empty());
    engine.register_fn("to_json", |value: Dynamic| to_json(&value));
    // Nearer than that of Rhai's package of maps.
    engine.register_fn("to_json", |map: Map| to_json(&map.into()));
    engine.register_fn("join", |items: Array, between: &str| joined(&items, between));
    engine.register_fn("join", |items: Array| joined(&items, ", "));
    register_chars(engine);
    pattern::register(engine);
}

/// The characters of a text one by one: Rhai's own way copies all of them into four times the memory.
#[derive(Clone)]
struct Chars {
    text: ImmutableString,
    at: usize,
}

impl Iterator for Chars {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let next = self.text[self.at..].chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }
}

fn register_chars(engine: &mut Engine) {
    let all = |text: &str| -> Outcome<Chars> {
        charge(text.len())?;
        Ok(Chars { text: text.into(), at: 0 })
    };
    engine.register_iterator::<Chars>();
    engine.register_fn("chars", all);
    engine.register_get("chars", move |text: &mut ImmutableString| all(text));
    engine.register_fn("chars", move |text: &str, start: i64| all(&part(text, start, i64::MAX)));
    engine.register_fn("chars", move |text: &str, start: i64, count: i64| all(&part(text, start, count)));
    engine.register_fn("chars", move |text: &str, range: Range<i64>| {
        let start = range.start.max(0);
        all(&part(text, start, range.end.saturating_sub(start)))
    });
    engine.register_fn("chars", move |text: &str, range: RangeInclusive<i64>| {
        let start = (*range.start()).max(0);
        all(&part(text, start, range.end().saturating_sub(start).saturating_add(1)))
    });
    let mut texts = Module::new();
    texts.set_iter(TypeId::of::<ImmutableString>(), |value| {
        Box::new(Chars { text: value.cast::<ImmutableString>(), at: 0 }.map(Dynamic::from))
    });
    engine.register_global_module(texts.into());
}

/// Texts as a list of a script.
pub(super) fn list<'a>(texts: impl Iterator<Item = &'a str>) -> Outcome<Array> {
    let mut items = Array::new();
    for text in texts {
        if items.len() == limits::SCRIPT_LIST_COUNT_MAX {
            return Err(too_many());
        }
        items.push(text.into());
    }
    Ok(items)
}

/// A list that is over its limit.
pub(super) fn too_many() -> Box<rhai::EvalAltResult> {
    rhai::EvalAltResult::ErrorDataTooLarge("Size of array".to_owned(), rhai::Position::NONE).into()
}

fn to_json(value: &Dynamic) -> Outcome<ImmutableString> {
    let text = json::to_text(value, limits::SCRIPT_TEXT_BYTES_MAX)
        .map_err(|why| format!("{} cannot be JSON: it {why}", show::kind(value)))?;
    charge(text.len())?;
    Ok(text.into())
}

fn joined(items: &[Dynamic], between: &str) -> Outcome<ImmutableString> {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        let item = show::shown(item)?;
        charge(item.len() + between.len())?;
        text.push_str(&item);
        if text.len() > limits::SCRIPT_TEXT_BYTES_MAX {
            return Err(too_long());
        }
    }
    Ok(text.into())
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Some characters from a place on, which counts from the end where it is negative.
fn part(text: &str, start: i64, count: i64) -> String {
    let skipped = if start < 0 {
        text.chars().count().saturating_sub(usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        usize::try_from(start).unwrap_or(usize::MAX)
    };
    text.chars().skip(skipped).take(usize::try_from(count).unwrap_or(0)).collect()
}
