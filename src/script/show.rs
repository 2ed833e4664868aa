//! Values of scripts as text, in plain words, and compared.
//!
//! Invariant: nothing here goes deeper than [`limits::SCRIPT_DATA_LEVELS_MAX`], since a script can put lists inside one
//! another until a thread's stack is used up. Not here: fields (`view`).

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, Map, Position};

use super::answer::Answer;
use super::guard::{Outcome, charge, fail};
use super::json;
use super::moment::{Length, Moment, Parts};
use super::view::View;
use crate::limits;

/// A value as interpolation and `+` show it; `()` is nothing.
pub(super) fn shown(value: &Dynamic) -> Outcome<ImmutableString> {
    if let Some(text) = plain(value) {
        return Ok(text);
    }
    if value.is::<View>() || value.is::<Parts>() {
        return Err(format!("{} is not a text; name one of its fields", kind(value)).into());
    }
    let text = json::to_text(value, limits::SCRIPT_TEXT_BYTES_MAX)
        .map_err(|why| format!("{} cannot be shown as text: it {why}", kind(value)))?;
    charge(text.len())?;
    Ok(text.into())
}

/// A value that is not made of others, as text.
pub(super) fn plain(value: &Dynamic) -> Option<ImmutableString> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Some(text.clone());
    }
    if let Some(moment) = value.read_lock::<Moment>() {
        return Some(moment.to_string().into());
    }
    if let Some(length) = value.read_lock::<Length>() {
        return Some(length.to_string().into());
    }
    if let Some(answer) = value.read_lock::<Answer>() {
        return Some(answer.text());
    }
    if value.is_unit() {
        return Some(ImmutableString::new());
    }
    if value.is_array() || value.is_map() || value.is_fnptr() || value.is::<View>() || value.is::<Parts>() {
        return None;
    }
    Some(value.to_string().into())
}

/// What a value is, with its article, in plain words.
pub(super) fn kind(value: &Dynamic) -> &'static str {
    value.read_lock::<View>().map_or_else(|| type_kind(value.type_name()), |view| view.name())
}

/// What a type is, with its article, in plain words.
pub(super) fn type_kind(name: &str) -> &'static str {
    let name = name.trim().trim_start_matches("&mut ").trim_start_matches('&');
    match name.rsplit("::").next().unwrap_or(name) {
        "()" | "unit" => "nothing, ()",
        "bool" => "true or false",
        "i64" | "f64" | "INT" | "FLOAT" | "int" | "float" => "a number",
        "str" | "String" | "string" | "ImmutableString" => "a text",
        "char" => "a character",
        "array" | "Array" | "Vec<Dynamic>" => "a list",
        "map" | "Map" => "a map",
        "Fn" | "FnPtr" => "a function",
        "time" | "Moment" => "a time",
        "duration" | "Length" => "a duration",
        "result" | "Answer" => "the result",
        "parts" | "Parts" => "local",
        "view" | "View" => "a part of ctx",
        _ if name.starts_with("str |") => "a text",
        _ if name.contains("ange<") => "a range",
        _ => "a value",
    }
}

/// Whether two values are the same: lists and maps by their elements, numbers by their size, the result by its text.
pub(super) fn same(a: &Dynamic, b: &Dynamic) -> Outcome<bool> {
    same_at(a, b, 0)
}

fn same_at(a: &Dynamic, b: &Dynamic, level: usize) -> Outcome<bool> {
    if level > limits::SCRIPT_DATA_LEVELS_MAX {
        return Err("lists and maps inside one another are too deep to be compared".into());
    }
    charge(limits::SCRIPT_OPERATION_BYTES_MAX)?;
    if let (Some(a), Some(b)) = (a.read_lock::<Array>(), b.read_lock::<Array>()) {
        return same_lists(&a, &b, level);
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Map>(), b.read_lock::<Map>()) {
        return same_maps(&a, &b, level);
    }
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return Ok(a == b);
    }
    if let Some(same) = alike::<View>(a, b).or_else(|| alike::<Parts>(a, b)).or_else(|| alike::<Moment>(a, b)) {
        return Ok(same);
    }
    let is_text = |value: &Dynamic| value.is_string() || value.is::<Answer>();
    if a.type_id() != b.type_id() && !(is_text(a) && is_text(b)) {
        return Ok(false);
    }
    Ok(matches!((plain(a), plain(b)), (Some(a), Some(b)) if a == b))
}

/// Whether two values of one type are the same; nothing where they are of others.
fn alike<T: PartialEq + Clone + Send + Sync + 'static>(a: &Dynamic, b: &Dynamic) -> Option<bool> {
    Some(*a.read_lock::<T>()? == *b.read_lock::<T>()?)
}

fn same_lists(a: &[Dynamic], b: &[Dynamic], level: usize) -> Outcome<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        if !same_at(a, b, level + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_maps(a: &Map, b: &Map, level: usize) -> Outcome<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for ((a_key, a), (b_key, b)) in a.iter().zip(b) {
        if a_key != b_key || !same_at(a, b, level + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn number(value: &Dynamic) -> Option<f64> {
    value.as_float().or_else(|_| value.as_int().map(|number| number as f64)).ok()
}

/// Bytes that a value takes, about: its texts, and some for each element, those that functions have captured included.
/// An error is a map that is over its limit, or a value that [`check_levels`] refuses.
pub(super) fn weight(value: &Dynamic) -> Outcome<usize> {
    Walk { values_left: limits::SCRIPT_VALUES_COUNT_MAX }.weight(value, 0)
}

/// Looks whether a value is too deep, or too large, to be copied and dropped: Rhai does both by recursion.
pub(super) fn check_levels(value: &Dynamic) -> Outcome<()> {
    if value.is_array() || value.is_map() || value.is_fnptr() { weight(value).map(drop) } else { Ok(()) }
}

/// One way through a value. What functions have captured is shared, so that there may be many ways to it.
struct Walk {
    values_left: usize,
}

impl Walk {
    fn weight(&mut self, value: &Dynamic, level: usize) -> Outcome<usize> {
        const ELEMENT: usize = 32;
        // What is locked is being changed by the very operation that asks.
        if value.is_locked() {
            return Ok(0);
        }
        if level > limits::SCRIPT_DATA_LEVELS_MAX {
            let levels = limits::SCRIPT_DATA_LEVELS_MAX;
            return Err(ended(format!("more than {levels} lists, maps and functions are inside one another")));
        }
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or_else(|| ended(format!("a variable holds more than {} values", limits::SCRIPT_VALUES_COUNT_MAX)))?;
        let mut bytes = ELEMENT;
        if let Some(items) = value.read_lock::<Array>() {
            for item in items.iter() {
                bytes += self.weight(item, level + 1)?;
            }
        } else if let Some(map) = value.read_lock::<Map>() {
            if map.len() > limits::SCRIPT_MAP_COUNT_MAX {
                return Err(EvalAltResult::ErrorDataTooLarge("Size of object map".to_owned(), Position::NONE).into());
            }
            for (key, item) in map.iter() {
                bytes += key.len() + ELEMENT + self.weight(item, level + 1)?;
            }
        } else if let Some(function) = value.read_lock::<FnPtr>() {
            for captured in function.curry() {
                bytes += self.weight(captured, level + 1)?;
            }
        } else if let Some(text) = value.read_lock::<ImmutableString>() {
            bytes += text.len();
        }
        Ok(bytes)
    }
}

/// A mistake that no `try` catches.
fn ended(why: String) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(why.into(), Position::NONE).into()
}

/// A text that is over its limit.
pub(super) fn too_long() -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge("Length of string".to_owned(), Position::NONE).into()
}

/// Tells the engine how values are shown, joined to texts and compared.
pub(super) fn register(engine: &mut Engine) {
    // Where this is asked for by an interpolation, Rhai passes over a mistake.
    let surely = |value: Dynamic| {
        shown(&value).unwrap_or_else(|error| {
            fail(&error);
            ImmutableString::new()
        })
    };
    for name in ["to_string", "to_debug", "print", "debug"] {
        engine.register_fn(name, move |list: Array| surely(list.into()));
        engine.register_fn(name, move |map: Map| surely(map.into()));
        engine.register_fn(name, |value: Moment| value.to_string());
        engine.register_fn(name, |value: Length| value.to_string());
        engine.register_fn(name, |value: Answer| value.text());
        engine.register_fn(name, move |value: View| surely(Dynamic::from(value)));
        engine.register_fn(name, move |value: Parts| surely(Dynamic::from(value)));
    }
    engine.register_fn("+", |text: &str, value: Dynamic| joined(text, &shown(&value)?));
    engine.register_fn("+", |value: Dynamic, text: &str| joined(&shown(&value)?, text));
    engine.register_fn("+=", |text: &mut ImmutableString, value: Dynamic| -> Outcome<()> {
        *text = joined(text, &shown(&value)?)?;
        Ok(())
    });
    engine.register_fn("==", |a: &mut Array, b: Array| same_lists(a, &b, 0));
    engine.register_fn("!=", |a: &mut Array, b: Array| same_lists(a, &b, 0).map(|same| !same));
    engine.register_fn("==", |a: &mut Map, b: Map| same_maps(a, &b, 0));
    engine.register_fn("!=", |a: &mut Map, b: Map| same_maps(a, &b, 0).map(|same| !same));
}

/// Two texts as one.
pub(super) fn joined(a: &str, b: &str) -> Outcome<ImmutableString> {
    charge(a.len() + b.len())?;
    if a.len() + b.len() > limits::SCRIPT_TEXT_BYTES_MAX {
        return Err(too_long());
    }
    Ok(format!("{a}{b}").into())
}
