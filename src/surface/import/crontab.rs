//! A crontab: five fields or an alias, and a command.
//!
//! A command is not a message, and nothing here runs one unasked. Whoever imports says what a line becomes: a message
//! with the command's text, or a `task` for a model of theirs, such as one of a `command` provider.
//! A line means what it means to cron: Unix fields, the zone of the last `CRON_TZ=` above it, and a time that was
//! missed is not made up for.
//! Source: crontab(5) of Debian.

use hashbrown::HashMap;
use serde_json::json;

use super::{Brought, Item, Omission, Origin, Wishes, digest};

/// What the lines become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Become {
    /// The person did not say.
    Nothing,
    /// A message with the command's text.
    Message,
    /// A task for this model.
    Task(String),
}

/// Reads the text of a crontab; in a system's one a user's name stands before the command.
#[must_use]
pub fn read(file: &str, text: &str, system: bool, becoming: &Become, wishes: &Wishes) -> Brought {
    let mut brought = Brought::default();
    let mut zone = wishes.timezone.clone();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (line, written) in (1..).zip(text.lines()) {
        let at = Origin { file: file.to_owned(), line };
        let written = written.trim();
        if written.is_empty() || written.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = variable(written) {
            match name {
                "CRON_TZ" => zone = Some(value.to_owned()),
                "TZ" if wishes.timezone.is_none() => {
                    brought.notes.push(format!(
                        "{file}:{line}: TZ is for the commands; say --timezone if it is for the times, too"
                    ));
                }
                _ => brought.notes.push(format!("{file}:{line}: {name} is for the commands, which are not run here")),
            }
            continue;
        }
        match entry(written, system, becoming) {
            Ok((cron, command, changed)) => {
                let id =
                    format!("cron-{}", digest(&[cron.as_str(), command.as_str(), zone.as_deref().unwrap_or("")]));
                if let Some(first) = seen.get(&id) {
                    let why = format!("says the same as line {first}");
                    brought.refused.push(Omission { at, id: None, why });
                    continue;
                }
                seen.insert(id.clone(), line);
                brought.items.push(item(at, &id, &cron, &command, zone.as_deref(), becoming, wishes, changed));
            }
            Err(why) => brought.refused.push(Omission { at, id: None, why }),
        }
    }
    if zone.is_none() && !brought.items.is_empty() {
        brought.notes.push(format!("{file} names no CRON_TZ: its times are read in the config's timezone, else UTC"));
    }
    brought
}

#[expect(clippy::too_many_arguments, reason = "each is one part of a line or one wish about it")]
fn item(
    at: Origin,
    id: &str,
    cron: &str,
    command: &str,
    zone: Option<&str>,
    becoming: &Become,
    wishes: &Wishes,
    changed: Vec<String>,
) -> Item {
    let mut item = Item::new(at, id, wishes);
    item.changed.extend(changed);
    item.set("schedule", json!({"cron": cron, "dialect": "unix"}));
    item.set_zone(zone);
    // cron does not make up for what passed while it was down.
    item.set("misfire_policy", "skip");
    match becoming {
        Become::Task(model) => {
            item.set("payload", json!({"task": command}));
            item.set("model", model.as_str());
        }
        Become::Message | Become::Nothing => {
            item.set("payload", json!({"message": command}));
            item.changed.push("the command is not run, its text is sent".to_owned());
        }
    }
    match &wishes.to {
        Some(to) => item.set("destination", to.as_str()),
        None => {
            item.set("destination", json!(null));
            item.changed.push("nothing is sent, only recorded: no --to names a chat".to_owned());
        }
    }
    item
}

/// `NAME=value`, also quoted.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let value = value.trim();
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    plain.then(|| (name, quoted.unwrap_or(value)))
}

/// The pattern, the command, and what is different about it.
fn entry(line: &str, system: bool, becoming: &Become) -> Result<(String, String, Vec<String>), String> {
    let is_alias = line.starts_with('@');
    let count = if is_alias { 1 } else { 5 };
    let (fields, rest) = cut(line, count).ok_or("is neither a schedule nor a variable")?;
    let cron = fields.join(" ");
    if cron.eq_ignore_ascii_case("@reboot") {
        return Err("@reboot is not a time".to_owned());
    }
    let mut changed = Vec::new();
    let command = if system {
        let (user, command) = cut(rest, 1).ok_or("has no command behind the user's name")?;
        changed.push(format!("the user '{}' is left out", user[0]));
        command
    } else {
        rest
    };
    if command.is_empty() {
        return Err("has no command".to_owned());
    }
    if *becoming == Become::Nothing {
        let way_out =
            "say --as message to send its text, or --as task --model PROVIDER/MODEL to have a provider run it";
        return Err(format!("is a command, which is not run here; {way_out}"));
    }
    let plain = command.replace("\\%", "\u{0}");
    if plain.contains('%') {
        return Err("feeds its command with lines behind a %, which a schedule cannot".to_owned());
    }
    Ok((cron, plain.replace('\u{0}', "%"), changed))
}

/// The first fields of a line, and what follows them.
fn cut(line: &str, count: usize) -> Option<(Vec<&str>, &str)> {
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..count {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        let (field, behind) = rest.split_at(end);
        if field.is_empty() {
            return None;
        }
        fields.push(field);
        rest = behind.trim_start();
    }
    Some((fields, rest))
}
