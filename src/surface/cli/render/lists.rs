//! Tables: schedules, runs, and what `apply` did.
//!
//! A cell shows a time on its schedule's clock, and below it how far off it is.
//! Not here: single schedules (`single`).

use super::times::{both, clock, relative, rough};
use super::{Look, finish, plural, table, word};
use crate::money::Cost;
use crate::spec::tree::shorten;
use crate::surface::ops::reply::{Applied, DeliveryShown, Line, Listed, RunLine, RunsListed};
use crate::time::Span;

/// A list of schedules; `narrowed` when only some were asked for.
#[must_use]
pub fn listed(listed: &Listed, narrowed: bool, look: Look) -> String {
    if listed.schedules.is_empty() && narrowed {
        return "No schedule is like that.\n".to_owned();
    }
    if listed.schedules.is_empty() {
        return "No schedules. Create one: chimewheel add --in 10s --message hello\n".to_owned();
    }
    let agents = listed.schedules.iter().any(|line| line.agent != listed.schedules[0].agent);
    let mut columns = vec!["SCHEDULE", "WHEN", "NEXT", "STATUS", "LAST"];
    if agents {
        columns.insert(1, "AGENT");
    }
    let mut table = table(look, &columns);
    for line in &listed.schedules {
        let mut row = vec![
            comfy_table::Cell::new(title(&line.id, line.name.as_deref())),
            comfy_table::Cell::new(about(line)),
            comfy_table::Cell::new(both(line.next.as_ref(), look.now)),
            word(look, &line.status),
            comfy_table::Cell::new(last(line, look)),
        ];
        if agents {
            row.insert(1, comfy_table::Cell::new(&line.agent));
        }
        table.add_row(row);
    }
    let mut text = finish(&table);
    if listed.cursor.is_some() {
        text.push_str("\nThere are more; raise --limit to see them.\n");
    }
    text
}

/// When it is due, and why it is not.
fn about(line: &Line) -> String {
    match &line.note {
        Some(note) => format!("{}\nnote: {}", line.description, shorten(note)),
        None => line.description.clone(),
    }
}

/// The history of a schedule; `narrowed` when only some outcomes were asked for.
#[must_use]
pub fn runs(listed: &RunsListed, narrowed: bool, look: Look) -> String {
    if listed.runs.is_empty() && narrowed {
        return format!("No run of '{}' ended like that.\n", listed.id);
    }
    if listed.runs.is_empty() {
        return format!("Nothing has become of '{}' yet.\n", listed.id);
    }
    let mut table = table(look, &["DUE", "OUTCOME", "ATTEMPTS", "SETTLED", "DETAIL"]);
    for run in &listed.runs {
        let due = match &run.through {
            Some(through) if run.count > 1 => {
                format!("{}\nto {}\n{} dues", clock(&run.due.local), clock(&through.local), run.count)
            }
            Some(_) | None => both(Some(&run.due), look.now),
        };
        table.add_row([
            comfy_table::Cell::new(due),
            word(look, &run.outcome),
            comfy_table::Cell::new(attempts(run)),
            comfy_table::Cell::new(settled(run, look)),
            comfy_table::Cell::new(detail(run)),
        ]);
    }
    finish(&table)
}

/// What `apply` did, or would do.
#[must_use]
pub fn applied(applied: &Applied, look: Look) -> String {
    let mut text = String::new();
    // What stays as it is only counts.
    let news: Vec<_> = applied.changes.iter().filter(|change| change.action != "unchanged").collect();
    if !news.is_empty() {
        let mut table = table(look, &["ACTION", "SCHEDULE", "FILE", "NEXT", "NOTE"]);
        for change in news {
            table.add_row([
                word(look, &change.action),
                comfy_table::Cell::new(title(&change.id, change.name.as_deref())),
                comfy_table::Cell::new(&change.file),
                comfy_table::Cell::new(both(change.next.as_ref(), look.now)),
                comfy_table::Cell::new(change.note.as_deref().unwrap_or_default()),
            ]);
        }
        text.push_str(&finish(&table));
        text.push('\n');
    }
    let count = |action: &str| applied.changes.iter().filter(|change| change.action == action).count();
    let mut parts = Vec::new();
    for action in ["created", "updated", "unchanged", "cancelled", "refused"] {
        let number = count(action);
        if number > 0 {
            parts.push(format!("{number} {action}"));
        }
    }
    if !applied.problems.is_empty() {
        parts.push(format!("{} problem{}", applied.problems.len(), plural(applied.problems.len())));
    }
    let parts = if parts.is_empty() { "nothing declared".to_owned() } else { parts.join(", ") };
    text.push_str(if applied.dry_run { "Would be: " } else { "Applied: " });
    text.push_str(&parts);
    text.push_str(".\n");
    text
}

/// A schedule's id, and its name where it has one.
fn title(id: &str, name: Option<&str>) -> String {
    match name {
        Some(name) if name != id => format!("{id}\n{name}"),
        Some(_) | None => id.to_owned(),
    }
}

fn last(line: &Line, look: Look) -> String {
    let Some(last) = &line.last else { return "-".to_owned() };
    let outcome = line.outcome.as_deref().unwrap_or("due");
    let mut text = format!("{outcome}\n{}", relative(last.utc.0, look.now));
    if line.failures > 1 {
        text.push_str(&format!("\n{} failures in a row", line.failures));
    }
    text
}

fn settled(run: &RunLine, look: Look) -> String {
    match (run.settled_at, run.retry_at) {
        (Some(at), _) if run.attempts == 0 => relative(at.0, look.now),
        (Some(at), _) => {
            let late = at.0.since(run.through.as_ref().unwrap_or(&run.due).utc.0);
            format!("{}\n{} ms after the due", relative(at.0, look.now), late.as_millis())
        }
        (None, Some(at)) => format!("again {}", relative(at.0, look.now)),
        (None, None) => "-".to_owned(),
    }
}

/// Of the delivery, and below that those of the runner.
fn attempts(run: &RunLine) -> String {
    let sent = if run.attempts == 0 { "-".to_owned() } else { run.attempts.to_string() };
    match &run.execution {
        Some(execution) if execution.attempts > 0 => {
            format!("{sent}\n{} run{}", execution.attempts, plural(execution.attempts.into()))
        }
        Some(_) | None => sent,
    }
}

fn detail(run: &RunLine) -> String {
    let mut text = run.detail.clone().unwrap_or_default();
    if let Some(execution) = &run.execution
        && let Some(model) = &execution.model
    {
        let gap = if text.is_empty() { "" } else { "; " };
        let cost =
            execution.cost_micros.map(|micros| format!(" for {}", Cost::from_micros(micros))).unwrap_or_default();
        text = format!("{model} in {}{cost}{gap}{text}", Span::from_millis(execution.took_ms));
    }
    if run.dropped {
        text = format!("dropped; {text}");
    }
    if let Some(again) = &run.retried {
        let gap = if text.is_empty() { "" } else { "; " };
        text = format!("tried again {} time{}{gap}{text}", again.times, plural(again.times.into()));
    }
    if run.cause != "due" {
        let gap = if text.is_empty() { "" } else { "; " };
        let late = run.late_ms.filter(|late| run.cause == "catch-up" && *late >= 1000);
        let late = late.map(|late| format!(", {} late", rough(Span::from_millis(late)))).unwrap_or_default();
        text = format!("{}{late}{gap}{text}", run.cause);
    }
    for delivery in &run.deliveries {
        text.push_str(&delivered(delivery));
    }
    if let Some(notes) = run.execution.as_ref().and_then(|execution| execution.notes.as_ref()) {
        text.push_str(&format!("\nnoted: {notes}"));
    }
    text
}

fn delivered(delivery: &DeliveryShown) -> String {
    let to = delivery.to.as_deref().unwrap_or("nowhere");
    let detail = delivery.detail.as_ref().map(|detail| format!(", {detail}")).unwrap_or_default();
    format!("\nto {to}: {}{detail}", delivery.outcome)
}
