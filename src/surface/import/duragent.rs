//! A folder of duragent: `schedules/<id>.yaml`, one schedule each, and `schedules/runs/<id>.jsonl`.
//!
//! Both shapes of its triggers and payloads are read as they are (`spec`); times without a zone are UTC there.
//! Not here: walking the folder (`cli`).
//! Source: the schedule files that duragent writes, versions with `every_seconds` and `status`.

use serde_json::{Value, json};

use super::{Brought, Item, Omission, Origin, Wishes, line_of, text};
use crate::problem::Problem;
use crate::spec::tree::{Node, Value as Written};
use crate::surface::files::read_trees;

/// One schedule of the folder.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Name of its file.
    pub name: String,
    /// The file's text.
    pub text: String,
    /// The text of its run log, if there is one.
    pub runs: Option<String>,
}

/// Reads all schedules; a file that is none refuses only itself.
#[must_use]
pub fn read(folder: &[Stored], wishes: &Wishes) -> Brought {
    let mut brought = Brought::default();
    for stored in folder {
        let stem = stored.name.rsplit('/').next().unwrap_or_default().rsplit_once('.').map_or("", |(stem, _)| stem);
        match read_trees(&stored.name, &stored.text) {
            Ok(trees) => match trees.as_slice() {
                [tree] if matches!(tree.value, Written::Map(_)) => one(stored, tree, stem, wishes, &mut brought),
                _ => brought.refused.push(Omission {
                    at: Origin { file: stored.name.clone(), line: 1 },
                    id: Some(stem.to_owned()),
                    why: "does not hold one schedule".to_owned(),
                }),
            },
            Err(problems) => {
                brought.refused.extend(problems.iter().map(|problem| broken(&stored.name, stem, problem)))
            }
        }
    }
    brought
}

fn broken(file: &str, stem: &str, problem: &Problem) -> Omission {
    let line = problem.place.map_or(1, |place| place.line);
    let why = Problem { place: None, ..problem.clone() }.to_string();
    Omission { at: Origin { file: file.to_owned(), line }, id: Some(stem.to_owned()), why }
}

fn one(stored: &Stored, tree: &Node, stem: &str, wishes: &Wishes, brought: &mut Brought) {
    let at = Origin { file: stored.name.clone(), line: line_of(tree) };
    let id = text(tree, "id").unwrap_or_else(|| stem.to_owned());
    let mut item = Item::new(at.clone(), &id, wishes);
    let id = item.id().to_owned();
    for key in super::keys(tree).filter(|key| !matches!(*key, "id" | "created_at" | "status")) {
        let value = tree.get(key).map(Node::to_json).unwrap_or_default();
        item.set(key, if key == "retry" { retry(value) } else { value });
    }
    let recurs = tree.get("schedule").is_some_and(|schedule| schedule.get("at").is_none());
    let status = text(tree, "status");
    let last = stored.runs.as_deref().and_then(last_run);
    let ended = match (status.as_deref(), last.as_deref()) {
        (Some("cancelled"), _) => Some("was cancelled"),
        (Some("completed"), Some("error")) if recurs => {
            item.changed.push("it goes on: there, its last run had failed and it never ran again".to_owned());
            None
        }
        (Some("completed"), _) => Some("is completed"),
        (_, Some("ok")) if !recurs => Some("has run"),
        _ => None,
    };
    if let Some(why) = ended {
        brought.left_out.push(Omission { at, id: Some(id), why: why.to_owned() });
        return;
    }
    if let Some(status) = status.filter(|status| !matches!(status.as_str(), "active" | "completed")) {
        let why = format!("has the unknown status '{status}'");
        brought.refused.push(Omission { at, id: Some(id), why });
        return;
    }
    // A cron pattern may name its zone inside; the reader of both shapes finds it there.
    let names_zone = tree.get("schedule").is_some_and(|schedule| {
        let inner = |key| schedule.get(key).into_iter().chain([schedule]);
        inner("cron").chain(inner("at")).any(|node| node.get("tz").is_some() || node.get("timezone").is_some())
    });
    if !names_zone {
        item.set_zone(Some("UTC"));
    }
    brought.items.push(item);
}

/// Its names for the backoff are other ones.
fn retry(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        for (theirs, ours) in [("initial_delay_ms", "retry_delay_ms"), ("max_delay_ms", "max_retry_delay_ms")] {
            if let Some(value) = map.remove(theirs) {
                map.insert(ours.to_owned(), value);
            }
        }
        // What is left out there has these defaults, which are not ours.
        for (key, usual) in [("max_retries", 3), ("retry_delay_ms", 1000), ("max_retry_delay_ms", 30_000)] {
            map.entry(key).or_insert(json!(usual));
        }
    }
    value
}

/// How the last run of a log ended; a line that cannot be read says nothing.
fn last_run(log: &str) -> Option<String> {
    let line = log.lines().rev().find(|line| !line.trim().is_empty())?;
    let run: Value = serde_json::from_str(line).ok()?;
    Some(run.get("status")?.as_str()?.to_owned())
}
