//! What came of a trial, for people and for programs.
//!
//! Not here: the trial itself (`trial`), drawing of mistakes (`files::report`).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::Cell;
use serde_json::{Value, json};

use super::hook::tell;
use super::render::{Look, finish, pairs, table};
use super::screen::Screen;
use crate::script::{Facts, Scene, ScriptError};
use crate::spec::Payload;
use crate::surface::error::{Error, problem_to_json};
use crate::surface::files::{FileProblems, script_problems};
use crate::surface::trial::{Call, Outcome, Trial, Tried};

/// A trial with what came of it.
pub struct Shown<'a> {
    /// What was tried.
    pub trial: &'a Trial<'a>,
    /// On which run.
    pub facts: &'a Facts,
    /// Where its schedule is from.
    pub origin: &'a str,
    /// What the script kept and noted.
    pub scene: &'a Scene,
    /// What came of it.
    pub tried: &'a Tried,
    /// Why some of the deliveries would not be made.
    pub refused: Vec<String>,
}

impl Shown<'_> {
    /// Prints it; mistakes go to standard error, with the lines they stand in.
    pub fn print(&self, screen: &Screen) -> Result<(), Error> {
        screen.answer(|| Ok(self.json()), |look| self.text(look))?;
        if !screen.json {
            let mut files: Vec<FileProblems> = Vec::new();
            for found in self.tried.calls.iter().filter_map(|call| call.said.as_ref().err()) {
                let found = script_problems(found);
                match files.iter_mut().find(|known| known.file == found.file) {
                    Some(known) => known.problems.extend(found.problems),
                    None => files.push(found),
                }
            }
            files.iter().for_each(|problems| tell(problems, screen));
        }
        Ok(())
    }

    fn text(&self, look: Look) -> String {
        let schedule = self.trial.schedule;
        let mut rows = Vec::new();
        rows.extend(self.trial.hook.map(|hook| ("hook", hook.name().to_owned())));
        rows.push(("schedule", format!("{}, {}", schedule.id, self.origin)));
        let due = schedule.zone.format(self.facts.due);
        let weekday = schedule.zone.weekday_name(self.facts.due);
        let (number, attempt) = (self.facts.number, self.facts.attempt);
        rows.push(("due", format!("{due}, {weekday}; run {number}, attempt {attempt}")));
        let mut text = pairs(&rows);
        if !self.tried.calls.is_empty() {
            let mut calls = table(look, &["ASKED", "ANSWER", "OPERATIONS", "TIME"]);
            for call in &self.tried.calls {
                let failed = |error: Arc<ScriptError>| format!("FAILED: {}", error.message);
                let answer = call.said.clone().unwrap_or_else(failed);
                calls.add_row([
                    Cell::new(call.function),
                    Cell::new(answer),
                    Cell::new(call.operations),
                    Cell::new(took(call.took)),
                ]);
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{}\n", finish(&calls));
        }
        text.push_str(&pairs(&self.ending()));
        text.push_str(&self.deliveries());
        text
    }

    /// What would become of the run, and what would be kept of it.
    fn ending(&self) -> Vec<(&'static str, String)> {
        let (word, why) = outcome(&self.tried.outcome);
        let mut rows = vec![("outcome", why.map_or_else(|| word.to_owned(), |why| format!("{word}: {why}")))];
        rows.extend(self.tried.model.clone().map(|model| ("model", model)));
        let is_echo = matches!(self.trial.schedule.payload, Payload::Task(_)) && self.tried.outcome == Outcome::Sent;
        if is_echo && self.trial.result.is_none() {
            rows.push(("result", "the instruction itself, for no model is asked; --result gives another".to_owned()));
        }
        rows.extend(self.tried.next.map(|at| ("next due", self.trial.schedule.zone.format(at))));
        rows.extend(self.scene.notes().into_iter().map(|note| ("note", note)));
        rows.extend(self.scene.state().map(|state| ("state", state.to_string())));
        rows
    }

    fn deliveries(&self) -> String {
        let mut text = String::new();
        for (to, sent) in &self.tried.deliveries {
            let to = to.as_ref().map_or_else(|| "nobody: it is only recorded".to_owned(), ToString::to_string);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\nto {to}");
            for line in sent.lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        for why in &self.refused {
            let _ = writeln!(text, "\nwarning: it would fail: {why}");
        }
        text
    }

    fn json(&self) -> Value {
        let (outcome, reason) = outcome(&self.tried.outcome);
        let deliveries = self.tried.deliveries.iter();
        json!({
            "hook": self.trial.hook.map(|hook| hook.name().to_owned()),
            "schedule": self.trial.schedule.id.to_string(),
            "due": self.facts.due.to_string(),
            "calls": self.tried.calls.iter().map(call).collect::<Vec<_>>(),
            "outcome": outcome,
            "reason": reason,
            "model": self.tried.model,
            "next": self.tried.next.map(|at| at.to_string()),
            "notes": self.scene.notes(),
            "state": self.scene.state().and_then(|state| serde_json::from_str::<Value>(&state).ok()),
            "deliveries": deliveries
                .map(|(to, text)| json!({"to": to.as_ref().map(ToString::to_string), "text": text}))
                .collect::<Vec<_>>(),
            "warnings": self.refused,
        })
    }
}

/// The word for an outcome, and its reason.
fn outcome(outcome: &Outcome) -> (&'static str, Option<&str>) {
    match outcome {
        Outcome::Sent => ("sent", None),
        Outcome::Silent(reason) => ("silent", Some(reason)),
        Outcome::Skipped(reason) => ("skipped", Some(reason)),
        Outcome::Retried => ("tried again", None),
        Outcome::Failed(reason) => ("failed", Some(reason)),
    }
}

fn call(call: &Call) -> Value {
    let nanos = u64::try_from(call.took.as_nanos()).unwrap_or(u64::MAX);
    let mut shown = json!({"function": call.function, "operations": call.operations, "nanoseconds": nanos});
    match &call.said {
        Ok(said) => shown["answer"] = json!(said),
        Err(error) => {
            shown["error"] = problem_to_json(&error.to_problem());
            shown["error"]["script"] = json!(error.origin());
        }
    }
    shown
}

/// A time in the unit that suits it.
fn took(took: Duration) -> String {
    match took.as_nanos() {
        nanos if nanos < 10_000 => format!("{nanos} ns"),
        nanos if nanos < 10_000_000 => format!("{} µs", nanos / 1000),
        nanos => format!("{} ms", nanos / 1_000_000),
    }
}
