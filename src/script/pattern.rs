//! Regular expressions of scripts: bounded in what they take to compile, kept compiled, and interrupted when time is over.
//!
//! Invariant: whatever the pattern, one search is linear in the text; between two searches the deadline is asked.
//! Not here: back-references and look-around, which could not keep that; the crate `regex` refuses them.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Captures, Regex, RegexBuilder};
use rhai::{Array, Dynamic, Engine};

use super::answer::Answer;
use super::guard::{Outcome, charge, check_time};
use super::show::too_long;
use super::text::on_text;
use crate::limits;

/// Patterns that were compiled, by their text; shared, since they say nothing about who uses them.
static COMPILED: LazyLock<Mutex<HashMap<Box<str>, Regex>>> = LazyLock::new(Mutex::default);

/// The compiled pattern.
fn compiled(pattern: &str) -> Outcome<Regex> {
    let known = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = known().get(pattern) {
        return Ok(regex.clone());
    }
    if pattern.len() > limits::PATTERN_BYTES_MAX {
        let (bytes, bytes_max) = (pattern.len(), limits::PATTERN_BYTES_MAX);
        return Err(format!("the regular expression has {bytes} bytes; {bytes_max} are allowed").into());
    }
    charge(limits::PATTERN_SIZE_BYTES_MAX)?;
    let regex = RegexBuilder::new(pattern)
        .size_limit(limits::PATTERN_SIZE_BYTES_MAX)
        .dfa_size_limit(limits::PATTERN_SIZE_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("the regular expression '{pattern}' is too large once compiled")
            }
            error => {
                let said = error.to_string();
                let why = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("the regular expression '{pattern}' cannot be read: {why}")
            }
        })?;
    let mut known = known();
    if known.len() >= limits::PATTERNS_COUNT_MAX {
        known.clear();
    }
    known.insert(pattern.into(), regex.clone());
    Ok(regex)
}

/// Tells the engine of the functions that take one.
pub(super) fn register(engine: &mut Engine) {
    on_text!(engine, "matches", |text, pattern: &str| Ok(compiled(pattern)?.is_match(text)));
    on_text!(engine, "captures", |text, pattern: &str| {
        Ok(compiled(pattern)?.captures(text).map_or(Dynamic::UNIT, |found| Dynamic::from_array(groups(&found))))
    });
    on_text!(engine, "replace", |text, pattern: &str, with: &str| replaced(text, &compiled(pattern)?, with));
}

/// What was found: the whole, then each group, `()` where one took no part.
fn groups(found: &Captures<'_>) -> Array {
    found.iter().map(|group| group.map_or(Dynamic::UNIT, |group| group.as_str().into())).collect()
}

fn replaced(text: &str, regex: &Regex, with: &str) -> Outcome<String> {
    let mut made = String::with_capacity(text.len());
    let mut done = 0;
    for found in regex.captures_iter(text) {
        check_time()?;
        // Group 0 is the whole match, which there always is.
        let whole = found.get(0).expect("a match");
        made.push_str(&text[done..whole.start()]);
        found.expand(with, &mut made);
        done = whole.end();
        charge(with.len() + limits::SCRIPT_OPERATION_BYTES_MAX)?;
        if made.len() > limits::SCRIPT_TEXT_BYTES_MAX {
            return Err(too_long());
        }
    }
    made.push_str(&text[done..]);
    if made.len() > limits::SCRIPT_TEXT_BYTES_MAX { Err(too_long()) } else { Ok(made) }
}
