//! The named set: tasks by unique names, with Quartz cron.
//!
//! `message` is an instruction for a model run. Invariant: cron is Quartz here, whatever the number of fields.
//! Source: the contract of the older tools; their strings are matched on, byte for byte. Not here: `schedule_list`,
//! which the canonical set shares.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::canonical::{no_trigger, not_found};
use super::declare::{Words, create, is_cron, is_past};
use super::{Desk, Outcome, Refusal, say, structured};
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::ops::Operation;
use crate::surface::ops::reply::Changed;
use crate::surface::ops::request::{self, Selector, Update};

/// Parameters by which parts of a schedule are written here.
const NAMES: &[(&str, &str)] = &[("destination", "injectInto"), ("task", "message"), ("payload", "message")];

/// `schedule_add`.
pub(super) async fn add(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let mut refusal = Refusal::of(&arguments);
    let unread = |name: &str| arguments.problems.iter().any(|problem| problem.path == name);
    match (arguments.has("cron"), arguments.has("at")) {
        (true, true) => {
            let problem = Problem::new("schedule", "'cron' and 'at' are mutually exclusive");
            refusal.say("Error: 'cron' and 'at' are mutually exclusive", problem);
        }
        (false, false) if !unread("cron") && !unread("at") => {
            let problem = Problem::new("schedule", "is missing: neither 'cron' nor 'at' is given");
            refusal.say("Error: either 'cron' or 'at' must be provided", problem);
        }
        _ => {}
    }
    let name = arguments.text("name").unwrap_or_default().to_owned();
    let time = match (arguments.text("cron"), arguments.text("at")) {
        (Some(cron), _) => format!("with cron '{cron}'"),
        (None, at) => format!("at '{}'", at.unwrap_or_default()),
    };
    if let Some(message) = arguments.take_text("message") {
        arguments.set("task", json!(message));
    }
    if arguments.has("cron") {
        arguments.set("dialect", json!("quartz"));
    }
    // Without a chat the result is only recorded, wherever the call came from.
    let chat = arguments.take_text("injectInto").map_or(Value::Null, Value::String);
    arguments.set("destination", chat);
    let taken = |error: &Error| match error.code {
        Code::Conflict => format!("Error: schedule '{name}' already exists"),
        _ => format!("Error: {error}"),
    };
    let words = Words { names: NAMES, problem: &line, error: &taken };
    match create(desk, refusal, arguments.rest(), false, words).await {
        Ok(booked) => Outcome::done(format!("OK: '{name}' scheduled {time}"), structured(&booked))
            .notes(say::booked(&booked.schedule)),
        Err(outcome) => outcome,
    }
}

/// `schedule_remove`.
pub(super) async fn remove(desk: &Desk<'_>, arguments: Arguments) -> Outcome {
    let name = match name(&arguments) {
        Ok(name) => name,
        Err(refusal) => return refusal.outcome(),
    };
    match desk.ask(request::Cancel(selector(&name))).await {
        Ok(reply) if reply.changed => Outcome::done(format!("OK: '{name}' removed"), structured(&reply)),
        // What has ended is no longer there for those who know tasks by name.
        Ok(reply) => gone(&name, &reply.status),
        Err(error) => not_found(&name, &error),
    }
}

/// One that has ended.
fn gone(name: &str, status: &str) -> Outcome {
    not_found(name, &Error::new(Code::NotFound, format!("schedule not found: {name}; it is {status} already")))
}

/// `schedule_edit`.
pub(super) async fn edit(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let mut refusal = Refusal::of(&arguments);
    let given: Vec<&str> = ["cron", "message", "model"].into_iter().filter(|name| arguments.has(name)).collect();
    if given.is_empty() && arguments.problems.is_empty() {
        let text = "at least one of 'cron', 'message' and 'model' must be provided";
        refusal.say(format!("Error: {text}"), Problem::new("", text));
    }
    if !refusal.is_empty() {
        return refusal.outcome();
    }
    let name = arguments.take_text("name").unwrap_or_default();
    let shown = match desk.ask(request::Show(selector(&name))).await {
        Ok(shown) if shown.line.status == "cancelled" => return gone(&name, &shown.line.status),
        Ok(shown) => shown,
        Err(error) => return not_found(&name, &error),
    };
    // A schedule that another tool made may hold a literal text; it stays one.
    if let Some(message) = arguments.take_text("message") {
        let literal = shown.declaration.pointer("/payload/message").is_some();
        arguments.set(if literal { "message" } else { "task" }, json!(message));
    }
    if arguments.has("cron") {
        arguments.set("dialect", json!("quartz"));
    }
    let patch = arguments.rest();
    let request =
        Update { schedule: name.clone(), agent: None, generation: None, patch: patch.clone(), dry_run: false };
    match desk.ask(request).await {
        Ok(reply) => {
            let text = format!("OK: '{name}' updated ({})", given.join(", "));
            Outcome::done(text, structured(&reply)).notes(say::booked(&reply.schedule))
        }
        Err(error) if error.problems.is_empty() => not_found(&name, &error),
        Err(error) => {
            let words = Words { names: NAMES, problem: &line, error: &|error| format!("Error: {error}") };
            words.failed(&error, &patch)
        }
    }
}

/// `schedule_enable`.
pub(super) async fn enable(desk: &Desk<'_>, arguments: Arguments) -> Outcome {
    set(desk, &arguments, request::Resume, "enabled").await
}

/// `schedule_disable`.
pub(super) async fn disable(desk: &Desk<'_>, arguments: Arguments) -> Outcome {
    set(desk, &arguments, request::Pause::from, "disabled").await
}

async fn set<O>(desk: &Desk<'_>, arguments: &Arguments, request: fn(Selector) -> O, word: &str) -> Outcome
where
    O: Operation<Reply = Changed>,
{
    let name = match name(arguments) {
        Ok(name) => name,
        Err(refusal) => return refusal.outcome(),
    };
    match desk.ask(request(selector(&name))).await {
        Ok(reply) if matches!(reply.status.as_str(), "completed" | "cancelled") => {
            no_trigger(&name, &Error::new(Code::Conflict, format!("the schedule is {}", reply.status)))
        }
        Ok(reply) if reply.changed => Outcome::done(format!("OK: '{name}' {word}"), structured(&reply)),
        Ok(reply) => Outcome::done(format!("'{name}' is already {word}"), structured(&reply)),
        Err(error) if error.code == Code::Conflict => no_trigger(&name, &error),
        Err(error) => not_found(&name, &error),
    }
}

fn name(arguments: &Arguments) -> Result<String, Refusal> {
    let refusal = Refusal::of(arguments);
    match arguments.text("name") {
        Some(name) if refusal.is_empty() => Ok(name.to_owned()),
        Some(_) | None => Err(refusal),
    }
}

fn selector(name: &str) -> Selector {
    Selector { schedule: name.to_owned(), agent: None, generation: None }
}

/// The line that clients know for a problem.
fn line(problem: &Problem, written: &str) -> Option<String> {
    match problem.path.as_str() {
        _ if is_cron(problem) => Some(format!("Error: invalid cron expression '{written}'")),
        "at" if !is_past(problem) => Some(format!("Error: invalid ISO-8601 datetime '{written}'")),
        _ => None,
    }
}
