//! Creating and changing schedules: what the tools of all sets share.
//!
//! Arguments stand at the top of a schedule as a person may write it, flat; `spec` judges them, so that problems come
//! back under the names that the model wrote. Invariant: everything that is wrong is told at once.
//! Not here: what may be written (`spec`), each set's own words (`canonical`, `named`, `duragent`).

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::reply::Booked;
use super::{Desk, Outcome, Refusal, say};
use crate::problem::Problem;
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error};
use crate::surface::ops::request::Add;

/// Retries of those who ask for any: their number and the delays in milliseconds.
const RETRY: [(&str, i64); 3] = [("max_retries", 3), ("retry_delay_ms", 1000), ("max_retry_delay_ms", 30_000)];
const TIMINGS: [&str; 7] = ["at", "every_seconds", "cron", "in", "every", "when", "after"];
const PAYLOADS: [&str; 3] = ["message", "task", "template"];

/// Refuses what is not exactly one time and exactly one payload, in the strings of the older tools.
pub(super) fn exactly_one(arguments: &Arguments, refusal: &mut Refusal) {
    // Nothing that was sent could be read.
    if arguments.problems.iter().any(|problem| problem.path.is_empty()) {
        return;
    }
    let given = |names: &[&'static str]| names.iter().copied().filter(|name| arguments.has(name)).collect::<Vec<_>>();
    let unread = |names: &[&str]| arguments.problems.iter().any(|problem| names.contains(&problem.path.as_str()));
    let problem = |path: &str, given: &[&str]| {
        let wrong = if given.is_empty() { "is missing" } else { "is given more than once" };
        let problem = Problem::new(path, wrong);
        if given.is_empty() { problem } else { problem.value(given.join(", ")) }
    };
    match given(&TIMINGS).as_slice() {
        [] if unread(&TIMINGS) => {}
        [] => refusal.say("Error: Must specify one of: at, every_seconds, or cron", problem("schedule", &[])),
        [_] => {}
        many => refusal
            .say("Error: Can only specify one timing option (at, every_seconds, or cron)", problem("schedule", many)),
    }
    match given(&PAYLOADS).as_slice() {
        [] if unread(&PAYLOADS) => {}
        [] => refusal.say("Error: Must specify one of: message or task", problem("payload", &[])),
        [_] => {}
        many => refusal.say("Error: Can only specify one payload option (message or task)", problem("payload", many)),
    }
    if let Some(seconds) = arguments.whole("every_seconds").filter(|seconds| *seconds < 1) {
        let problem = Problem::new("every_seconds", "must be at least 1").value(seconds.to_string());
        refusal.say("Error: every_seconds must be >= 1", problem);
    }
}

/// Whoever asks for any retrying gets the rest of it, too.
pub(super) fn complete_retry(arguments: &mut Arguments) {
    if !RETRY.iter().any(|(name, _)| arguments.has(name)) {
        return;
    }
    for (name, usual) in RETRY {
        if !arguments.has(name) {
            arguments.set(name, json!(usual));
        }
    }
}

/// Creates a schedule. `renamed` says by which parameter a path of the schedule is written; `line` says a mistake in
/// the set's own words.
pub(super) async fn create(
    desk: &Desk<'_>,
    mut refusal: Refusal,
    body: Value,
    dry_run: bool,
    words: Words<'_>,
) -> Result<Booked, Outcome> {
    let judge_only = !refusal.is_empty();
    let add = Add { schedule: Some(body.clone()), dry_run: dry_run || judge_only, file: None };
    match desk.ask(add).await {
        Ok(added) if !judge_only => match added.schedules.into_iter().next() {
            Some(schedule) => Ok(Booked { schedule, dry_run }),
            None => Err(words.failed(&Error::new(Code::Failed, "nothing was created"), &body)),
        },
        Ok(_) => Err(refusal.outcome()),
        Err(error) if !judge_only => Err(words.failed(&error, &body)),
        Err(error) => {
            // What is missing may be there under a name that was refused above.
            let told = |problem: &Problem| {
                let path = problem.path.as_str();
                problem.message.contains("is missing") || matches!(path, "schedule" | "payload" | "every_seconds")
            };
            for problem in error.problems.into_iter().filter(|problem| !told(problem)) {
                let problem = words.renamed(problem);
                refusal.add(problem);
            }
            Err(refusal.outcome())
        }
    }
}

/// How a set says what is wrong.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    /// Paths of a schedule, and the parameters that they are written by.
    pub names: &'a [(&'a str, &'a str)],
    /// The line for a problem, given the value that was written.
    pub problem: &'a (dyn Fn(&Problem, &str) -> Option<String> + Sync),
    /// The line for anything else.
    pub error: &'a (dyn Fn(&Error) -> String + Sync),
}

impl Words<'_> {
    /// The problem under the name of the parameter.
    pub(super) fn renamed(&self, problem: Problem) -> Problem {
        let found = self.names.iter().find(|(path, _)| {
            problem.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        match found {
            Some((_, name)) => Problem { path: (*name).to_owned(), ..problem },
            None => problem,
        }
    }

    /// The outcome of an operation that was refused.
    pub(super) fn failed(&self, error: &Error, body: &Value) -> Outcome {
        let problems: Vec<Problem> = error.problems.iter().cloned().map(|problem| self.renamed(problem)).collect();
        if problems.is_empty() {
            return Outcome::refused(vec![(self.error)(error)], error);
        }
        let mut known = Vec::new();
        let mut others = Vec::new();
        for (problem, original) in problems.iter().zip(&error.problems) {
            let written = body.get(&original.path).and_then(Value::as_str).map(shorten).unwrap_or_default();
            match (self.problem)(problem, &written) {
                Some(line) => {
                    // What the known line leaves out.
                    if !line.contains(&problem.to_string()) {
                        others.push(problem.to_string());
                    }
                    known.push(line);
                }
                None => others.push(format!("Error: {problem}")),
            }
        }
        known.extend(others);
        let error = Error { message: error.message.clone(), ..Error::problems(problems) };
        Outcome::refused(known, &error)
    }
}

/// Whether a problem is about a cron expression.
pub(super) fn is_cron(problem: &Problem) -> bool {
    problem.path == "cron"
}

/// Whether a problem says that the time has passed.
pub(super) fn is_past(problem: &Problem) -> bool {
    problem.message == "timestamp is in the past"
}

/// What a failed create or cancel of the older sets gives as its reason.
pub(super) fn reason(error: &Error) -> String {
    match error.code {
        Code::Failed => format!("storage error: {error}"),
        _ => error.to_string(),
    }
}

/// The line `Failed to create schedule: <reason>` of a problem.
pub(super) fn create_line(problem: &Problem, _: &str) -> Option<String> {
    let reason = if is_cron(problem) {
        format!("invalid cron expression: {}", problem.message)
    } else if is_past(problem) {
        problem.message.clone()
    } else {
        return Some(format!("Failed to create schedule: {problem}"));
    };
    Some(format!("Failed to create schedule: {reason}"))
}

/// The first line of a create that was done.
pub(super) fn created_line(booked: &Booked) -> String {
    let kind = if booked.schedule.recurring { "recurring" } else { "one-shot" };
    match booked.dry_run {
        true => format!("Valid {kind} schedule, not created: this was a dry run"),
        false => format!("Created {kind} schedule: {}", booked.schedule.id),
    }
}

/// What follows that line.
pub(super) fn created_notes(booked: &Booked) -> String {
    let notes = say::booked(&booked.schedule);
    match booked.schedule.existing {
        true => format!("It was there already, by the same client_token; nothing was created.\n{notes}"),
        false => notes,
    }
}
