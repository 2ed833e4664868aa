//! What became of declarations that were brought over: taken, changed, refused, left out and cancelled.
//!
//! Invariant: each is told with the file and the line that it comes from. Not here: bringing them over (`bring`,
//! `heartbeat`).

use std::fmt::Write as _;

use hashbrown::HashMap;
use serde_json::{Value, json};

use super::screen::Screen;
use crate::problem::Problem;
use crate::surface::error::{Code, Error, problem_from_json};
use crate::surface::import::{Brought, Item, Omission};
use crate::surface::ops::reply::{Application, Applied};

/// What is told of an import.
pub struct Told {
    source: String,
    dry_run: bool,
    /// Declarations with what became of them.
    taken: Vec<(Item, Application)>,
    refused: Vec<Omission>,
    left_out: Vec<Omission>,
    cancelled: Vec<Application>,
    notes: Vec<String>,
    /// Whether something was refused for what is there already.
    conflicts: bool,
}

impl Told {
    /// Lays what became of declarations beside them.
    pub fn of(source: &str, brought: Brought, reply: Applied) -> Self {
        let Brought { items, refused, left_out, notes } = brought;
        let mut told = Self {
            source: source.to_owned(),
            dry_run: reply.dry_run,
            taken: Vec::new(),
            refused,
            left_out,
            cancelled: reply.changes.iter().filter(|change| change.action == "cancelled").cloned().collect(),
            notes,
            conflicts: false,
        };
        let mut problems: HashMap<&str, Vec<String>> = HashMap::new();
        for told in &reply.problems {
            let shown =
                problem_from_json(&told.problem).map(|problem| Problem { place: None, ..problem }.to_string());
            problems.entry(&told.file).or_default().extend(shown);
        }
        let changes = reply.changes.iter().filter(|change| change.action != "cancelled");
        let changes: HashMap<&str, &Application> = changes.map(|change| (change.file.as_str(), change)).collect();
        for item in items {
            let name = format!("{source}/{}.json", item.id());
            let refuse = |why: String| Omission { at: item.at.clone(), id: Some(item.id().to_owned()), why };
            match (problems.get(name.as_str()), changes.get(name.as_str())) {
                (Some(problems), _) => told.refused.push(refuse(problems.join("; "))),
                (None, Some(change)) if change.action == "refused" => {
                    told.conflicts = true;
                    told.refused.push(refuse(change.note.clone().unwrap_or_default()));
                }
                (None, Some(change)) => told.taken.push((item, (*change).clone())),
                (None, None) => told.refused.push(refuse("nothing is known of it".to_owned())),
            }
        }
        told.refused.sort_by(|one, other| (&one.at.file, one.at.line).cmp(&(&other.at.file, other.at.line)));
        told
    }

    /// Prints it; the exit code.
    pub fn print(&self, screen: &Screen) -> Result<u8, Error> {
        screen.answer(|| Ok(self.to_json()), |_| self.to_text())?;
        Ok(match (self.refused.is_empty(), self.conflicts) {
            (true, _) => 0,
            (false, true) => Code::Conflict.exit(),
            (false, false) => Code::BadInput.exit(),
        })
    }

    /// How many schedules were taken.
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    /// Says in the log what is not as it was.
    pub fn log(&self) {
        for (Item { at, changed, doubts, .. }, change) in &self.taken {
            let (file, line, note) = (&*at.file, at.line, change.note.as_deref());
            doubts.iter().for_each(|doubt| tracing::warn!(file, line, schedule = change.id, "{doubt}"));
            if change.action == "unchanged" {
                tracing::debug!(file, line, schedule = change.id, "unchanged");
                continue;
            }
            tracing::info!(file, line, schedule = change.id, note, "{}", change.action);
            changed.iter().for_each(|changed| tracing::info!(file, line, schedule = change.id, "{changed}"));
        }
        for Omission { at, id, why } in &self.refused {
            tracing::warn!(file = at.file, line = at.line, schedule = id, "refused: {why}");
        }
        for Omission { at, why, .. } in &self.left_out {
            tracing::debug!(file = at.file, line = at.line, "left out: {why}");
        }
        for change in &self.cancelled {
            tracing::info!(schedule = change.id, "cancelled: it is declared no more");
        }
    }

    fn to_json(&self) -> Value {
        let omitted = |omissions: &[Omission]| -> Vec<Value> {
            let one =
                |told: &Omission| json!({"file": told.at.file, "line": told.at.line, "id": told.id, "why": told.why});
            omissions.iter().map(one).collect()
        };
        let taken: Vec<Value> = self
            .taken
            .iter()
            .map(|(item, change)| {
                json!({
                    "id": change.id, "name": change.name, "action": change.action, "file": item.at.file,
                    "line": item.at.line, "description": change.description, "next": change.next,
                    "changed": item.changed, "doubts": item.doubts, "note": change.note,
                })
            })
            .collect();
        let cancelled: Vec<&str> = self.cancelled.iter().map(|change| change.id.as_str()).collect();
        json!({
            "source": self.source, "dry_run": self.dry_run, "schedules": taken, "refused": omitted(&self.refused),
            "left_out": omitted(&self.left_out), "cancelled": cancelled, "notes": self.notes,
        })
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |parts: std::fmt::Arguments<'_>| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{parts}");
        };
        for (item, change) in &self.taken {
            let when = change.description.as_deref().unwrap_or_default();
            line(format_args!("{}:{}: {} {}: {when}", item.at.file, item.at.line, change.action, change.id));
            // What it brought is told when it brings it.
            if change.action != "unchanged" {
                item.changed.iter().for_each(|changed| line(format_args!("    changed: {changed}")));
            }
            item.doubts.iter().for_each(|doubt| line(format_args!("    warning: {doubt}")));
            if let Some(note) = &change.note {
                line(format_args!("    note: {note}"));
            }
        }
        for (word, omissions) in [("refused", &self.refused), ("left out", &self.left_out)] {
            for Omission { at, id, why } in omissions {
                let id = id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
                line(format_args!("{}:{}: {word}{id}: {why}", at.file, at.line));
            }
        }
        self.cancelled
            .iter()
            .for_each(|change| line(format_args!("cancelled {}: it is declared no more", change.id)));
        self.notes.iter().for_each(|note| line(format_args!("note: {note}")));
        let count = |action: &str| self.taken.iter().filter(|(_, change)| change.action == action).count();
        let would = if self.dry_run { "Would be: " } else { "" };
        line(format_args!(
            "{would}{} created, {} updated, {} unchanged, {} cancelled, {} refused, {} left out.",
            count("created"),
            count("updated"),
            count("unchanged"),
            self.cancelled.len(),
            self.refused.len(),
            self.left_out.len(),
        ));
        text
    }
}
