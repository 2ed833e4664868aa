//! One schedule, one answer: what was created, changed, shown, and how the engine is.
//!
//! The first line says what happened; what follows says when.
//! Not here: tables (`lists`).

use super::Look;
use super::times::relative;
use crate::surface::ops::reply::{
    Added, Changed, Created, FireTime, GatedShown, Previewed, SessionCounts, Shown, Started, StatusShown, Updated,
};

/// What was created, or would be.
#[must_use]
pub fn added(added: &Added, look: Look) -> String {
    let mut text = String::new();
    for created in &added.schedules {
        let kind = if created.recurring { "recurring" } else { "one-shot" };
        let done = match (added.dry_run, created.existing) {
            (true, _) => "Would create",
            (false, true) => "Already there,",
            (false, false) => "Created",
        };
        text.push_str(&format!("{done} {kind} schedule: {}\n", created.id));
        text.push_str(&about(created, look));
    }
    text
}

/// What was changed, or would be.
#[must_use]
pub fn updated(updated: &Updated, look: Look) -> String {
    let name = updated.schedule.name.as_deref().unwrap_or(&updated.schedule.id);
    let first = match (updated.fields.is_empty(), updated.dry_run) {
        (true, _) => format!("'{name}' is like that already\n"),
        (false, true) => format!("Would update '{name}' ({})\n", updated.fields.join(", ")),
        (false, false) => format!("OK: '{name}' updated ({})\n", updated.fields.join(", ")),
    };
    first + about(&updated.schedule, look).as_str()
}

/// A status that was set.
#[must_use]
pub fn changed(changed: &Changed, look: Look) -> String {
    let verb = match (changed.status.as_str(), changed.changed) {
        ("cancelled", true) => "Cancelled schedule",
        ("paused", true) => "Paused schedule",
        ("active", true) => "Resumed schedule",
        (other, _) => return format!("'{}' is {other} already\n{}", changed.id, note(changed)),
    };
    let next = changed.next.as_ref().map(|next| format!("  next {}\n", time(next, look))).unwrap_or_default();
    format!("{verb}: {}\n{}{next}", changed.id, note(changed))
}

/// Why it is paused.
fn note(changed: &Changed) -> String {
    changed.note.as_ref().map(|note| format!("  note: {note}\n")).unwrap_or_default()
}

/// A run that was asked for.
#[must_use]
pub fn started(started: &Started) -> String {
    let name = started.name.as_deref().unwrap_or(&started.id);
    format!("OK: '{name}' triggered\n  see: chimewheel runs {} --limit 1\n", started.id)
}

/// One schedule in full.
#[must_use]
pub fn shown(shown: &Shown, look: Look) -> String {
    let line = &shown.line;
    let mut rows = vec![("schedule", line.id.clone())];
    rows.extend(line.name.clone().map(|name| ("name", name)));
    rows.push(("agent", line.agent.clone()));
    rows.push(("status", line.status.clone()));
    let dialect = shown.dialect.as_ref().map(|dialect| format!("  [{dialect} cron]")).unwrap_or_default();
    rows.push(("when", format!("{}{dialect}", line.description)));
    rows.push(("time zone", line.timezone.clone()));
    let place = line.destination.clone().unwrap_or_else(|| "none: results are only recorded".to_owned());
    rows.push(("destination", place));
    let bound = line.max_runs.map(|most| format!(" of {most}")).unwrap_or_default();
    rows.push(("runs", format!("{}{bound}", line.runs)));
    if let Some(last) = &line.last {
        rows.push(("last", format!("{}, {}", line.outcome.as_deref().unwrap_or("due"), time(last, look))));
    }
    if line.failures > 0 {
        rows.push(("failures", format!("{} in a row", line.failures)));
    }
    rows.extend(line.note.clone().map(|note| ("note", note)));
    let created_at = shown.line.created_at.0;
    rows.push(("created", format!("{created_at}  ({})", relative(created_at, look.now))));
    rows.extend(shown.source.clone().map(|file| ("declared in", file)));
    let mut text = pairs(&rows);
    for (place, at) in shown.upcoming.iter().enumerate() {
        let label = if place == 0 { "next" } else { "" };
        text.push_str(&format!("{label:<13}{}\n", time(at, look)));
    }
    let yaml = serde_yaml::to_string(&shown.declaration).unwrap_or_default();
    text.push_str("\ndeclaration\n");
    for line in yaml.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// Times alone, one a line; of a schedule with jitter also when each of them fires.
#[must_use]
pub fn previewed(previewed: &Previewed) -> String {
    let fires = previewed.fires.iter().map(|at| format!("  fires {}", at.0));
    let fires = fires.chain(std::iter::repeat(String::new()));
    previewed.next.iter().zip(fires).map(|(at, fires)| format!("{}{fires}\n", at.0)).collect()
}

/// How the engine is.
#[must_use]
pub fn status(status: &StatusShown, look: Look) -> String {
    let counts = &status.schedules;
    let mode = if status.mode == "daemon" {
        format!("daemon, process {}", status.pid)
    } else {
        "no daemon runs; schedules fire only while `chimewheel serve` does".to_owned()
    };
    let mut rows = vec![("chimewheel", format!("{} ({mode})", status.version)), ("data", status.data.clone())];
    rows.extend(status.listen.clone().map(|listen| ("listens on", listen)));
    if let Some(since) = status.started_at {
        rows.push(("started", format!("{}  ({})", since.0, relative(since.0, look.now))));
    }
    let known = format!("{} in the store", counts.known);
    if status.mode == "daemon" {
        rows.push(("schedules", format!("{} armed, {} not ended, {known}", counts.armed, counts.held)));
        let next = status.next.map(|next| format!("{}  ({})", next.0, relative(next.0, look.now)));
        rows.push(("next due", next.unwrap_or_else(|| "nothing".to_owned())));
        let stood =
            if status.stalls == 0 { String::new() } else { format!("  (stood still {} times)", status.stalls) };
        rows.push(("health", format!("{}{stood}", status.health)));
        rows.push(("behind", format!("{} ms", status.lag_ms)));
        let sent = format!("{} with a gateway, {} to be tried again", status.in_flight, status.retrying);
        if status.overdue > 0 {
            rows.push(("catching up", format!("{} schedules that missed a due", status.overdue)));
        }
        rows.push(("deliveries", format!("{} open, {sent}", status.open)));
        rows.extend(status.gated.iter().map(|gated| ("held back", held_back(gated, look))));
    } else {
        rows.push(("schedules", known));
    }
    if status.sessions.kept > 0 {
        let SessionCounts { active, kept } = status.sessions;
        rows.push(("sessions", format!("{active} active, {kept} in the store")));
    }
    let longest = format!("the longest took {} ms", status.slowest_commit_ms);
    rows.push(("store", format!("{} KiB, {} commits, {longest}", status.store_bytes / 1024, status.commits)));
    rows.push(("zone data", status.zone_data.clone()));
    let mut text = pairs(&rows);
    for notice in &status.notices {
        text.push_str(&format!("note: {notice}\n"));
    }
    text
}

/// Why a gateway does not send, and until when.
fn held_back(gated: &GatedShown, look: Look) -> String {
    let GatedShown { gateway, until, error, chats } = gated;
    let mut text = gateway.clone();
    match (until, error) {
        (Some(until), Some(error)) => {
            text.push_str(&format!(": nothing can be sent, tried again {}: {error}", relative(until.0, look.now)));
        }
        (None, Some(error)) => text.push_str(&format!(": nothing can be sent, and is being tried: {error}")),
        (Some(until), None) => text.push_str(&format!(": asked to wait, goes on {}", relative(until.0, look.now))),
        (None, None) => {}
    }
    match chats {
        0 => {}
        1 => text.push_str(": one chat waits for its limit"),
        chats => text.push_str(&format!(": {chats} chats wait for their limits")),
    }
    text
}

/// Sentence, next times and warnings of a schedule.
fn about(created: &Created, look: Look) -> String {
    let dialect = created.dialect.as_ref().map(|dialect| format!("  [{dialect} cron]")).unwrap_or_default();
    let mut text = format!("  {}{dialect}\n", created.description);
    for (place, at) in created.next.iter().enumerate() {
        let label = if place == 0 { "next" } else { "" };
        text.push_str(&format!("  {label:<5}{}\n", time(at, look)));
    }
    if created.next.is_empty() {
        text.push_str("  has no due ahead\n");
    }
    if created.paused {
        text.push_str(&format!("  paused: nothing fires until `chimewheel resume {}`\n", created.id));
    }
    for warning in &created.warnings {
        text.push_str(&format!("  warning: {warning}\n"));
    }
    text
}

/// `2026-01-30T08:00:00Z  2026-01-30T09:00:00+01:00  in 2h 5m`; the local time only where it differs.
fn time(at: &FireTime, look: Look) -> String {
    let utc = at.utc.0.to_string();
    let local = if at.local == utc { String::new() } else { format!("  {}", at.local) };
    let fires = at.fires.map(|at| format!(", fires {}", at.0)).unwrap_or_default();
    format!("{utc}{local}  ({}){fires}", relative(at.utc.0, look.now))
}

pub(in crate::surface::cli) fn pairs(rows: &[(&str, String)]) -> String {
    rows.iter().map(|(label, value)| format!("{label:<13}{value}\n")).collect()
}
