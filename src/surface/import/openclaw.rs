//! OpenClaw's `jobs.json`, version 1.
//!
//! A `systemEvent` is a text for the main chat and becomes a message; an `agentTurn` is an instruction and becomes a
//! `task`. Cron with five fields is Unix cron there as here; with six it counts weekdays from 0, which Quartz does not,
//! so only what means the same in both is taken.
//! Units: milliseconds since 1970. Not here: what it did so far (`state`), but for whether a one-shot has run.
//! Source: the file's own type, `CronStoreFile`.

use hashbrown::HashSet;
use serde_json::{Map, Value, json};

use super::{Brought, Item, Omission, Origin, Wishes, flag, keys, line_of, text, unreadable, whole};
use crate::problem::Problem;
use crate::spec::tree::{Node, Value as Written};
use crate::surface::files::read_trees;
use crate::time::{Span, Timestamp};

/// Keys of one entry that are looked at, or say nothing about when and what.
const KNOWN: &[&str] = &[
    "id",
    "name",
    "agentId",
    "enabled",
    "deleteAfterRun",
    "createdAtMs",
    "updatedAtMs",
    "schedule",
    "sessionTarget",
    "wakeMode",
    "payload",
    "delivery",
    "state",
];

/// Reads the text of the file.
pub fn read(file: &str, text: &str, wishes: &Wishes) -> Result<Brought, Vec<Problem>> {
    let trees = read_trees("jobs.json", text)?;
    let root = trees.first().ok_or_else(|| unreadable("is empty", "an OpenClaw file holds version and jobs"))?;
    if whole(root, "version") != Some(1) {
        return Err(unreadable("is not of version 1 of OpenClaw's file", "only version 1 is known"));
    }
    let Some(Written::List(entries)) = root.get("jobs").map(|list| &list.value) else {
        return Err(unreadable("holds no list 'jobs'", "an OpenClaw file holds version and jobs"));
    };
    let mut brought = Brought::default();
    let mut seen: HashSet<String> = HashSet::new();
    for entry in entries {
        let at = Origin { file: file.to_owned(), line: line_of(entry) };
        let Some(id) = super::text(entry, "id") else {
            brought.refused.push(Omission { at, id: None, why: "has no id".to_owned() });
            continue;
        };
        if has_run(entry) {
            let why = "has run".to_owned();
            brought.left_out.push(Omission { at, id: Some(id), why });
            continue;
        }
        let mut item = Item::new(at.clone(), &id, wishes);
        let id = item.id().to_owned();
        match fill(&mut item, entry, wishes) {
            Ok(()) if !seen.insert(id.clone()) => {
                let why = "has the id of an entry above".to_owned();
                brought.refused.push(Omission { at, id: Some(id), why });
            }
            Ok(()) => brought.items.push(item),
            Err(why) => brought.refused.push(Omission { at, id: Some(id), why }),
        }
    }
    Ok(brought)
}

/// A one-shot that has run is over, whatever it says itself.
fn has_run(entry: &Node) -> bool {
    let once = entry.get("schedule").and_then(|schedule| text(schedule, "kind")).as_deref() == Some("at");
    let ok = entry.get("state").and_then(|state| text(state, "lastStatus").or(text(state, "lastRunStatus")));
    once && ok.as_deref() == Some("ok")
}

fn fill(item: &mut Item, entry: &Node, wishes: &Wishes) -> Result<(), String> {
    if let Some(name) = text(entry, "name").filter(|name| !name.trim().is_empty()) {
        item.set("name", name);
    }
    if let Some(agent) = text(entry, "agentId") {
        item.set("agent", agent);
    }
    let trigger = trigger(item, entry)?;
    item.set("schedule", trigger);
    item.set_zone(wishes.timezone.as_deref());
    if flag(entry, "enabled") == Some(false) {
        item.set("paused", true);
    }
    let once = item.schedule["schedule"].get("at").is_some();
    if flag(entry, "deleteAfterRun") == Some(true) && !once {
        item.set("max_runs", 1);
    }
    payload(item, entry)?;
    destination(item, entry, wishes)?;
    match text(entry, "sessionTarget").as_deref() {
        None | Some("main") => {}
        Some("isolated") if item.schedule["payload"].get("task").is_some() => item.set("session", "isolated"),
        Some("isolated") => {}
        Some(other) => return Err(format!("runs in the session '{other}', which is not known here")),
    }
    if text(entry, "wakeMode").as_deref() == Some("next-heartbeat") {
        item.changed.push("it is served at its due and does not wait for a heartbeat".to_owned());
    }
    for key in keys(entry).filter(|key| !KNOWN.contains(key)) {
        item.left(key, "it has no counterpart");
    }
    Ok(())
}

fn trigger(item: &mut Item, entry: &Node) -> Result<Map<String, Value>, String> {
    let schedule = entry.get("schedule").ok_or("has no schedule")?;
    let mut trigger = Map::new();
    let mut set = |key: &str, value: String| trigger.insert(key.to_owned(), Value::String(value));
    let instant = |ms: i64| Timestamp::from_millis(ms).to_string();
    let span =
        |ms: i64| u64::try_from(ms).map(|ms| Span::from_millis(ms).to_string()).map_err(|_| "has a negative span");
    match text(schedule, "kind").as_deref() {
        Some("at") => {
            let ms = whole(schedule, "atMs").or_else(|| whole(schedule, "at"));
            let at = ms.map(instant).or_else(|| text(schedule, "at")).ok_or("is due once, but says no 'at'")?;
            set("at", at);
        }
        Some("every") => {
            set("every", span(whole(schedule, "everyMs").ok_or("is due every so often, but says no 'everyMs'")?)?);
            // Without an anchor its own clock began with its creation.
            if let Some(anchor) = whole(schedule, "anchorMs").or_else(|| whole(entry, "createdAtMs")) {
                set("anchor", instant(anchor));
            }
        }
        Some("cron") => {
            let expr = text(schedule, "expr").ok_or("is due by cron, but says no 'expr'")?;
            let (pattern, dialect) = pattern(&expr)?;
            set("cron", pattern);
            set("dialect", dialect.to_owned());
            match text(schedule, "tz") {
                Some(zone) => {
                    set("timezone", zone);
                }
                None => item
                    .changed
                    .push("it names no zone: its times are read in --timezone, else the config's".to_owned()),
            }
        }
        Some(other) => return Err(format!("is due by '{other}', which is not known here")),
        None => return Err("does not say what kind its schedule is".to_owned()),
    }
    if let Some(ms) = whole(schedule, "staggerMs").filter(|ms| *ms > 0) {
        item.set("jitter", span(ms)?);
        item.changed.push("'staggerMs' is jitter here: each due is put off by its own amount up to that".to_owned());
    }
    Ok(trigger)
}

/// The pattern in a dialect that means the same by it.
fn pattern(expr: &str) -> Result<(String, &'static str), String> {
    let fields: Vec<&str> = expr.split_whitespace().collect();
    let [second, rest @ ..] = fields.as_slice() else { return Err("has an empty cron expression".to_owned()) };
    match (fields.len(), *second) {
        (6, "0") => Ok((rest.join(" "), "unix")),
        (6, _) if rest[4] == "*" => Ok((format!("{second} {} ?", rest[..4].join(" ")), "quartz")),
        (6, _) if rest[2] == "*" && !rest[4].contains(|c: char| c.is_ascii_digit()) => {
            Ok((format!("{second} {} {} ? {} {}", rest[0], rest[1], rest[3], rest[4]), "quartz"))
        }
        (6, _) => {
            Err(format!("has seconds and days of the week ('{expr}'), which Quartz counts otherwise; write it anew"))
        }
        _ => Ok((expr.to_owned(), "unix")),
    }
}

fn payload(item: &mut Item, entry: &Node) -> Result<(), String> {
    let payload = entry.get("payload").ok_or("has no payload")?;
    let said = |key: &str| text(payload, key).filter(|text| !text.trim().is_empty());
    match text(payload, "kind").as_deref() {
        Some("systemEvent") => {
            let text = said("text").ok_or("has an empty text")?;
            item.set("payload", json!({"message": text}));
            item.changed.push("its text goes to the chat as it is; there, the agent saw it first".to_owned());
        }
        Some("agentTurn") => {
            let task = said("message").ok_or("has an empty message")?;
            item.set("payload", json!({"task": task}));
            if let Some(model) = said("model") {
                item.set("model", model);
            }
        }
        Some(other) => return Err(format!("does '{other}', which is not known here")),
        None => return Err("does not say what kind its payload is".to_owned()),
    }
    let known = ["kind", "text", "message", "model", "deliver", "channel", "to", "threadId"];
    for key in keys(payload).filter(|key| !known.contains(key)) {
        item.left(&format!("payload.{key}"), "it has no counterpart");
    }
    Ok(())
}

/// Where its text goes: `delivery`, or the same inside the payload in older files.
fn destination(item: &mut Item, entry: &Node, wishes: &Wishes) -> Result<(), String> {
    let payload = entry.get("payload");
    let delivery = entry.get("delivery");
    let mode = delivery.and_then(|delivery| text(delivery, "mode"));
    if mode.as_deref() == Some("none") || payload.and_then(|payload| flag(payload, "deliver")) == Some(false) {
        item.set("destination", json!(null));
        return Ok(());
    }
    if mode.as_deref() == Some("webhook") {
        return Err("posts to a webhook; name a gateway of that kind in a schedule of your own".to_owned());
    }
    let from = delivery.or(payload);
    let get = |key: &str| from.and_then(|from| text(from, key)).filter(|text| !text.is_empty());
    match (get("channel").filter(|channel| channel != "last"), get("to"), &wishes.to) {
        (Some(gateway), Some(chat), _) => {
            let mut to = json!({"gateway": gateway, "chat_id": chat});
            if let Some(thread) = get("threadId") {
                to["thread"] = json!(thread);
            }
            item.set("destination", to);
        }
        (_, _, Some(to)) => {
            item.set("destination", to.as_str());
            item.changed.push(format!("it goes to {to}, as --to says: it names no chat itself"));
        }
        (_, _, None) => {
            return Err("goes to the chat that was used last, which is not known here; name one by --to".to_owned());
        }
    }
    let known = ["mode", "channel", "to", "threadId"];
    let other: Vec<&str> =
        delivery.map(|delivery| keys(delivery).filter(|key| !known.contains(key)).collect()).unwrap_or_default();
    for key in other {
        item.left(&format!("delivery.{key}"), "it has no counterpart");
    }
    Ok(())
}
