//! `HEARTBEAT.md`: named schedules under headings, or one prompt for the whole file.
//!
//! A section `## Name` with bullets `- Cron:`, `- Message:`, `- Model:` and `- InjectInto:` is a schedule; its cron is
//! Quartz, its message an instruction for a model run. A bullet goes on in the indented lines below it.
//! Invariant: a section is closed by the next heading; nothing leaks from one into another.
//! Not here: the heartbeat itself, which runs a prompt (this version has none).

use hashbrown::HashMap;
use serde_json::json;

use super::{Brought, Item, Omission, Origin, Wishes, slug};

const KEYS: [&str; 4] = ["cron", "message", "model", "injectinto"];

/// A section under way.
struct Section<'t> {
    line: usize,
    name: &'t str,
    /// Key in lower case without underscores, key as written, value.
    bullets: Vec<(String, String, String)>,
}

/// Reads the text of the file.
#[must_use]
pub fn read(file: &str, text: &str, wishes: &Wishes) -> Brought {
    let mut brought = Brought::default();
    let sections = sections(text);
    let known = |section: &Section<'_>| section.bullets.iter().any(|(key, ..)| KEYS.contains(&key.as_str()));
    if !sections.iter().any(known) {
        if text.trim().is_empty() {
            brought.notes.push(format!("{file} is empty, which costs no run"));
        } else {
            let why = "is one prompt for a heartbeat, which this version does not have: it needs model runs; write each \
                       check as a section '## Name' with '- Cron:' and '- Message:'";
            brought.refused.push(Omission { at: at(file, 1), id: None, why: why.to_owned() });
        }
        return brought;
    }
    for section in &sections {
        if known(section) {
            schedule(file, section, wishes, &mut brought);
        } else {
            let why = format!("the section '{}' names no schedule", section.name);
            brought.left_out.push(Omission { at: at(file, section.line), id: None, why });
        }
    }
    doubles(&mut brought);
    brought
}

fn at(file: &str, line: usize) -> Origin {
    Origin { file: file.to_owned(), line }
}

/// The sections with the bullets in them; a fenced block belongs to whatever bullet it stands below.
fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for (line, written) in (1..).zip(text.lines()) {
        if let Some(name) = written.strip_prefix("## ") {
            sections.push(Section { line, name: name.trim().trim_end_matches('#').trim(), bullets: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        if let Some(name) = written.strip_prefix("# ") {
            // A heading above: what follows belongs to no schedule.
            sections.push(Section { line, name: name.trim(), bullets: Vec::new() });
        } else if let Some((key, value)) = bullet(written) {
            let plain = key.to_lowercase().replace(['_', ' '], "");
            section.bullets.push((plain, key, value));
        } else if let (true, Some((.., value))) = (written.starts_with([' ', '\t']), section.bullets.last_mut()) {
            let more = written.trim();
            let gap = if value.is_empty() || more.is_empty() { "" } else { "\n" };
            value.push_str(&format!("{gap}{more}"));
        }
    }
    sections
}

/// `- Key: value`, also with the key or the value marked up.
fn bullet(line: &str) -> Option<(String, String)> {
    let (key, value) = line.strip_prefix(['-', '*'])?.strip_prefix(' ')?.split_once(':')?;
    let value = value.trim().trim_start_matches("**").trim();
    let value = value.strip_prefix('`').and_then(|value| value.strip_suffix('`')).unwrap_or(value);
    let key = key.trim().trim_matches('*').trim();
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ' '));
    plain.then(|| (key.to_owned(), value.to_owned()))
}

fn schedule(file: &str, section: &Section<'_>, wishes: &Wishes, brought: &mut Brought) {
    let at = at(file, section.line);
    let id = slug(section.name);
    let refuse = |why: String| Omission { at: at.clone(), id: Some(id.clone()), why };
    let twice = KEYS.iter().find(|known| section.bullets.iter().filter(|(key, ..)| key == *known).count() > 1);
    if let Some(key) = twice {
        return brought.refused.push(refuse(format!("says '{key}' twice")));
    }
    let get = |wanted: &str| {
        let found = section.bullets.iter().find(|(key, ..)| key == wanted);
        found.map(|(.., value)| value.trim()).filter(|value| !value.is_empty())
    };
    let missing: Vec<&str> = [("cron", "'- Cron:'"), ("message", "'- Message:'")]
        .iter()
        .filter(|(key, _)| get(key).is_none())
        .map(|(_, shown)| *shown)
        .collect();
    if !missing.is_empty() {
        return brought.refused.push(refuse(format!("is incomplete: it has no {}", missing.join(" and no "))));
    }
    let mut item = Item::new(at.clone(), &id, wishes);
    item.set("name", section.name);
    item.set("schedule", json!({"cron": get("cron"), "dialect": "quartz"}));
    item.set_zone(wishes.timezone.as_deref());
    item.set("payload", json!({"task": get("message")}));
    if let Some(model) = get("model") {
        item.set("model", model);
    }
    // Without a chat its result is only recorded, there as here.
    item.set("destination", get("injectinto").filter(|to| *to != "null").map_or(json!(null), |to| json!(to)));
    for (key, shown, _) in &section.bullets {
        if !KEYS.contains(&key.as_str()) {
            item.left(shown, "it means nothing in this file");
        }
    }
    brought.items.push(item);
}

/// Two sections of one name would be one schedule: the later is refused.
fn doubles(brought: &mut Brought) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let refused = &mut brought.refused;
    brought.items.retain(|item| {
        let first = *seen.entry(item.id().to_owned()).or_insert(item.at.line);
        if first != item.at.line {
            let why = format!("has the name of the section in line {first}");
            refused.push(Omission { at: item.at.clone(), id: Some(item.id().to_owned()), why });
        }
        first == item.at.line
    });
}
