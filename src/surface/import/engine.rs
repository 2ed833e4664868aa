//! `engine.json`: which model answers what, key by key, as lines of `chimewheel.toml`.
//!
//! Nothing in it is a schedule, so nothing is applied. What the lines mean, and whether they are right, is asked of the one
//! who reads the config. Not here: writing the config, which is its owner's; laying the file under it (`cli`).

use core::fmt::Write as _;

use serde_json::Value;

use super::unreadable;
use crate::config::{Config, Surroundings};
use crate::problem::Problem;
use crate::spec::tree::Node;
use crate::surface::files::read_trees;

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
}

/// Keys with the setting that means the same.
const SAME: [(&str, &str); 3] = [
    ("routing.default", "routing.default"),
    ("routing.fallback", "routing.fallback"),
    ("routing.tasks.subagent", "routing.tasks.subagent"),
];

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
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(&path, value, found);
            }
        }
        leaf => found.push((path.to_owned(), leaf.clone())),
    }
}

fn judged(path: String, value: Value, around: Surroundings<'_>) -> Key {
    let unset = value.is_null() || value.as_str().is_some_and(str::is_empty);
    let setting = SAME.iter().find(|(theirs, _)| *theirs == path).map(|(_, ours)| *ours);
    let note = match (setting, unset) {
        (_, true) => Some("unset: nothing to take".to_owned()),
        (None, _) if path.starts_with("heartbeat.") => {
            Some("needs the heartbeat, which this version does not have".to_owned())
        }
        (None, _) => Some("has no counterpart".to_owned()),
        (Some(_), false) => None,
    };
    let Some(setting) = setting.filter(|_| note.is_none()) else { return Key { path, value, line: None, note } };
    let line = format!("{setting} = {value}");
    if let Err(problems) = Config::read(&line, around) {
        return Key { path, value, line: None, note: problems.first().map(|problem| problem.message.clone()) };
    }
    Key { path, value, line: Some(line), note: None }
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
