//! The words of tools: texts that a model reads, and that clients of older tools match on.
//!
//! Invariant: a text of the user's keeps to its line; a line break in it cannot forge a block of a list.
//! Not here: structured replies (`reply`).

use std::fmt::Write as _;

use serde_json::Value;

use crate::calendar::Zone;
use crate::surface::ops::reply::{Created, FireTime, Line, Listed, Previewed, RunLine, RunsListed};

/// What a create or an update tells besides its first line: the sentence, the next times and what to know.
pub(super) fn booked(schedule: &Created) -> String {
    let Created { id, description, dialect, timezone, next, paused, warnings, .. } = schedule;
    let mut text = format!("Id: {id}\nWhen: {description}");
    if let Some(dialect) = dialect {
        text.push_str(if dialect == "quartz" { " (Quartz cron)" } else { " (Unix cron)" });
    }
    if next.is_empty() {
        text.push_str("\nNext: never");
    } else {
        text.push_str("\nNext:");
        next.iter().for_each(|time| time_line(&mut text, &time.utc.0.to_string(), &time.local, timezone));
    }
    if *paused {
        text.push_str("\nIt is paused: nothing fires until it is resumed.");
    }
    for warning in warnings {
        // Writing to a String cannot fail.
        let _ = write!(text, "\nNote: {warning}");
    }
    text
}

/// The times of a trigger.
pub(super) fn previewed(previewed: &Previewed) -> String {
    let mut text = previewed.description.clone();
    if previewed.next.is_empty() {
        text.push_str("\nNo due is ahead.");
    }
    for (utc, local) in previewed.next.iter().zip(&previewed.local) {
        time_line(&mut text, &utc.0.to_string(), local, &previewed.timezone);
    }
    text
}

fn time_line(text: &mut String, utc: &str, local: &str, zone: &str) {
    // Writing to a String cannot fail.
    let _ = match utc == local {
        true => write!(text, "\n- {utc}"),
        false => write!(text, "\n- {utc} = {local} {zone}"),
    };
}

/// The list that both the canonical and the named set show: one block a schedule, sorted by name.
pub(super) fn listed(listed: &Listed) -> String {
    if listed.schedules.is_empty() {
        return "No scheduled tasks.".to_owned();
    }
    let declarations = listed.declarations.iter().map(Some).chain(std::iter::repeat(None));
    let mut blocks: Vec<(&str, String)> = listed
        .schedules
        .iter()
        .zip(declarations)
        .map(|(line, declared)| (title(line), block(line, declared)))
        .collect();
    blocks.sort();
    blocks.into_iter().map(|(_, block)| block).collect::<Vec<_>>().join("\n")
}

fn title(line: &Line) -> &str {
    line.name.as_deref().unwrap_or(&line.id)
}

fn block(line: &Line, declared: Option<&Value>) -> String {
    let paused = if line.status == "paused" { " [PAUSED]" } else { "" };
    let mut text = format!("- {}{paused}", kept(title(line)));
    let mut add = |label: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {label}: {}", kept(&value));
        }
    };
    let at = |pointer: &str| {
        let value = declared.and_then(|declared| declared.pointer(pointer));
        value.and_then(Value::as_str).map(str::to_owned)
    };
    add("Cron", at("/schedule/cron"));
    add("At", at("/schedule/at").and_then(|text| once(&text, line)));
    add("Every", at("/schedule/every"));
    add("Message", ["message", "template", "task"].iter().find_map(|kind| at(&format!("/payload/{kind}"))));
    add("Model", at("/model"));
    add("InjectInto", at("/destination/gateway").zip(at("/destination/chat_id")).map(|(g, c)| format!("{g}_{c}")));
    add("Next", line.next.as_ref().map(|time| dated(time, &line.timezone)));
    add("Prev", line.last.as_ref().map(|time| dated(time, &line.timezone)));
    text
}

fn once(text: &str, line: &Line) -> Option<String> {
    let at = crate::time::Timestamp::parse_rfc3339(text)?;
    Some(zone(&line.timezone).format_dated(at))
}

fn dated(time: &FireTime, name: &str) -> String {
    zone(name).format_dated(time.utc.0)
}

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap_or(Zone::UTC)
}

/// A text on one line.
fn kept(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.join("\n    ")
}

/// What became of a schedule's dues.
pub(super) fn runs(listed: &RunsListed) -> String {
    let name = listed.name.as_deref().unwrap_or(&listed.id);
    if listed.runs.is_empty() {
        return format!("'{name}' has not run yet.");
    }
    let mut text = format!("Runs of '{name}', newest first:");
    for run in &listed.runs {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n- {}", one_run(run));
    }
    text
}

fn one_run(run: &RunLine) -> String {
    let mut text = match &run.through {
        Some(through) => format!("due {} to {} ({} dues)", run.due.utc.0, through.utc.0, run.count),
        None => format!("due {}", run.due.utc.0),
    };
    if run.number > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, ", started {}", run.claimed_at.0);
    }
    // Writing to a String cannot fail.
    let _ = write!(text, ", {}", run.outcome);
    if let Some(detail) = &run.detail {
        let _ = write!(text, " ({})", kept(detail));
    }
    if run.attempts > 1 {
        let _ = write!(text, ", {} attempts", run.attempts);
    }
    if run.cause != "due" {
        let _ = write!(text, ", {}", run.cause);
    }
    for delivery in &run.deliveries {
        let _ = write!(text, "; to {}: {}", kept(delivery.to.as_deref().unwrap_or("nowhere")), delivery.outcome);
    }
    if let Some(notes) = run.execution.as_ref().and_then(|execution| execution.notes.as_ref()) {
        let _ = write!(text, "; noted: {}", kept(notes));
    }
    text
}

/// What follows the message of an error: what was meant instead.
pub(super) fn hint(message: &str) -> Option<String> {
    message.split_once("; ").map(|(_, hint)| hint.to_owned())
}
