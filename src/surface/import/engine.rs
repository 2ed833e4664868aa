//! `engine.json`: which model answers what, the heartbeat, and how long a run may take, key by key, as lines of
//! `chimewheel.toml`.
//!
//! Nothing in it is a schedule, so nothing is applied. What the lines mean, and whether they are right, is asked of the one
//! who reads the config. A key that is not known here has no line; one that is known and wrong has a problem.
//! Not here: writing the config, which is its owner's; laying the file under it (`cli`).

use core::fmt::Write as _;

use serde_json::Value;

use super::unreadable;
use crate::config::{Config, Surroundings};
use crate::problem::Problem;
use crate::spec::tree::Node;
use crate::surface::files::read_trees;
use crate::time::Span;

/// One key of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its path, such as `routing.default`.
    pub path: String,
    /// Its value.
    pub value: Value,
    /// The line of `chimewheel.toml` that says the same, if there is one.
    pub line: Option<String>,
    /// Why it is not acted on, if it is not.
    pub note: Option<String>,
    /// What is wrong with it, if it is known and wrong.
    pub problem: Option<Problem>,
}

/// Keys with the setting that means the same, and how their values are written there.
const SAME: [(&str, &str, Writing); 8] = [
    ("routing.default", "routing.default", plain),
    ("routing.fallback", "routing.fallback", plain),
    ("routing.tasks.subagent", "routing.tasks.subagent", plain),
    ("heartbeat.interval", "heartbeat.interval", plain),
    ("heartbeat.model", "heartbeat.model", plain),
    ("heartbeat.injectInto", "heartbeat.inject_into", plain),
    (HOURS, "heartbeat.active_hours", table),
    ("processing.subagentTimeoutMs", "routing.tasks.timeout", span),
];

/// A key whose value counts as a whole.
const HOURS: &str = "heartbeat.activeHours";

/// Writes a value as TOML; `None`: it says nothing.
type Writing = fn(&Value) -> Result<Option<String>, Problem>;

/// Reads the text of the file.
pub fn read(text: &str, around: Surroundings<'_>) -> Result<Vec<Key>, Vec<Problem>> {
    let trees = read_trees("engine.json", text)?;
    let root = trees.first().map(Node::to_json);
    let Some(Value::Object(root)) = root else {
        return Err(unreadable("is not a JSON object", "engine.json holds routing, heartbeat and processing"));
    };
    let mut found = Vec::new();
    leaves("", &Value::Object(root), &mut found);
    Ok(found.into_iter().map(|(path, value)| judged(path, value, around)).collect())
}

/// Every value with its path; lists are values.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if path != HOURS => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(&path, value, found);
            }
        }
        leaf => found.push((path.to_owned(), leaf.clone())),
    }
}

fn judged(path: String, value: Value, around: Surroundings<'_>) -> Key {
    let key = Key { path, value, line: None, note: None, problem: None };
    let unset = || Some("unset: nothing to take".to_owned());
    if is_unset(&key.value) {
        return Key { note: unset(), ..key };
    }
    let Some((_, setting, write)) = SAME.iter().find(|(theirs, ..)| *theirs == key.path) else {
        return Key { note: Some("has no counterpart".to_owned()), ..key };
    };
    let line = match write(&key.value) {
        Ok(Some(written)) => format!("{setting} = {written}"),
        Ok(None) => return Key { note: unset(), ..key },
        Err(problem) => return wrong(key, problem),
    };
    match Config::read(&line, around) {
        Ok(_) => Key { line: Some(line), ..key },
        Err(problems) => {
            // Where it stands in a line that nobody wrote is of no use.
            let found = problems.into_iter().next().unwrap_or_else(|| Problem::new("", "is not understood"));
            wrong(key, Problem { path: String::new(), place: None, ..found })
        }
    }
}

fn wrong(key: Key, problem: Problem) -> Key {
    let note = Some(Problem { path: String::new(), value: None, ..problem.clone() }.to_string());
    let value = problem.value.clone().unwrap_or_else(|| key.value.to_string());
    let hint = problem.hint.clone().unwrap_or_else(|| "`chimewheel guide models` tells what it may be".to_owned());
    let problem = Problem { path: key.path.clone(), ..problem.value(value).hint(hint) };
    Key { note, problem: Some(problem), ..key }
}

fn is_unset(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The texts, numbers and lists of JSON are written alike in TOML.
fn plain(value: &Value) -> Result<Option<String>, Problem> {
    Ok(Some(value.to_string()))
}

/// A map of plain values, in one line.
fn table(value: &Value) -> Result<Option<String>, Problem> {
    let hint = "write {\"start\": \"08:00\", \"end\": \"22:00\"}, with a timezone where it is not the config's";
    let Value::Object(map) = value else { return Err(Problem::new("", "is not a map").hint(hint)) };
    let known = |key: &str| ["start", "end", "timezone"].contains(&key);
    if let Some(key) = map.keys().find(|key| !known(key)) {
        return Err(Problem::new("", format!("'{key}' is not a known key")).hint(hint));
    }
    let said = map.iter().filter(|(_, value)| !is_unset(value));
    let parts: Vec<String> = said.map(|(key, value)| format!("{key} = {value}")).collect();
    Ok((!parts.is_empty()).then(|| format!("{{{}}}", parts.join(", "))))
}

/// Milliseconds, as a span; none of them is no bound.
fn span(value: &Value) -> Result<Option<String>, Problem> {
    match value.as_u64() {
        Some(0) => Ok(None),
        Some(ms) => Ok(Some(format!("\"{}\"", Span::from_millis(ms)))),
        None => {
            Err(Problem::new("", "a whole number of milliseconds is expected").hint("such as 120000; 0 is unset"))
        }
    }
}

/// The lines of `chimewheel.toml` that say what the file says.
#[must_use]
pub fn to_toml(keys: &[Key]) -> String {
    keys.iter().filter_map(|key| key.line.as_ref()).fold(String::new(), |mut text, line| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
        text
    })
}
