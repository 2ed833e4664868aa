//! The canonical set: `schedule_task` and what goes with it.
//!
//! `schedule_task` and `schedule_list` stand for the older tools of the same names, too, and say their lines.
//! Invariant: one schedule is meant by its id or its name, never by both when they differ.
//! Not here: words (`say`), parameters (`table`).

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::declare::{
    Words, complete_retry, create, create_line, created_line, created_notes, exactly_one, is_cron, reason,
};
use super::reply::Triggered;
use super::{Desk, Outcome, Refusal, say, structured};
use crate::limits;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::ops::request::{self, List, Preview, Runs, Selector, Update};

/// Times that a preview shows when nobody says how many.
const PREVIEW_TIMES: usize = 5;

/// The words of a create by the canonical and the duragent set.
pub(super) const CREATE: Words<'_> = Words {
    names: &[],
    problem: &create_line,
    error: &|error| format!("Failed to create schedule: {}", reason(error)),
};

/// `schedule_task`.
pub(super) async fn task(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let mut refusal = Refusal::of(&arguments);
    exactly_one(&arguments, &mut refusal);
    complete_retry(&mut arguments);
    let dry_run = arguments.take_flag("dry_run");
    // A chat without a gateway is one of the gateway that the call came by.
    let context = desk.caller.identity().and_then(|identity| identity.destination.as_ref());
    if let Some(context) = context.filter(|_| arguments.has("chat_id") && !arguments.has("gateway")) {
        arguments.set("gateway", json!(context.gateway));
    }
    match create(desk, refusal, arguments.rest(), dry_run, CREATE).await {
        Ok(booked) => Outcome::done(created_line(&booked), structured(&booked)).notes(created_notes(&booked)),
        Err(outcome) => outcome,
    }
}

/// `schedule_list`, with or without parameters.
pub(super) async fn list(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let refusal = Refusal::of(&arguments);
    if !refusal.is_empty() {
        return refusal.outcome();
    }
    let request = List {
        status: arguments.take_text("status"),
        limit: count(arguments.take_whole("limit")).or(Some(limits::PAGE_ROWS_MAX)),
        cursor: arguments.take_text("cursor"),
        declarations: true,
        ..List::default()
    };
    match desk.ask(request).await {
        Ok(listed) => {
            let more =
                listed.cursor.as_ref().map(|cursor| format!("There are more: ask again with cursor {cursor}."));
            Outcome::done(say::listed(&listed), structured(&listed)).notes(more.unwrap_or_default())
        }
        Err(error) => failed(&error),
    }
}

/// `schedule_cancel`.
pub(super) async fn cancel(desk: &Desk<'_>, arguments: Arguments) -> Outcome {
    let one = match one(&arguments) {
        Ok(one) => one,
        Err(refusal) => return refusal.outcome(),
    };
    match desk.ask(request::Cancel(one)).await {
        Ok(reply) if reply.status == "cancelled" => {
            let text = format!("Cancelled schedule: {}", reply.id);
            let notes = if reply.changed { "" } else { "It had been cancelled before." };
            Outcome::done(text, structured(&reply)).notes(notes)
        }
        Ok(reply) => {
            let error = Error::new(Code::Conflict, format!("it is {} already: nothing is ahead", reply.status));
            Outcome::refused(vec![format!("Failed to cancel schedule: {error}")], &error)
        }
        Err(error) => Outcome::refused(vec![format!("Failed to cancel schedule: {}", reason(&error))], &error),
    }
}

/// `schedule_update`.
pub(super) async fn update(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let mut refusal = Refusal::of(&arguments);
    let dry_run = arguments.take_flag("dry_run");
    let clear = arguments.take_texts("clear");
    let named = arguments.text("name").map(str::to_owned);
    let schedule = match (arguments.take_text("schedule_id"), named) {
        (Some(id), _) => id,
        (None, Some(_)) => arguments.take_text("name").unwrap_or_default(),
        (None, None) => {
            refusal.missing("schedule_id");
            return refusal.outcome();
        }
    };
    let known = desk.tool.fields();
    let mut fields: Vec<&str> = known.iter().map(|field| field.name).filter(|name| arguments.has(name)).collect();
    for name in &clear {
        match known.iter().find(|field| field.name == name) {
            Some(field) if !arguments.has(field.name) => {
                arguments.set(field.name, Value::Null);
                fields.push(field.name);
            }
            Some(_) | None => {
                let problem = Problem::new("clear", "names no field that could be taken away").value(name);
                refusal.add(problem);
            }
        }
    }
    if fields.is_empty() && refusal.is_empty() {
        let problem = Problem::new("", "nothing is to be changed").hint("say what, by the names of schedule_task");
        refusal.add(problem);
    }
    if !refusal.is_empty() {
        return refusal.outcome();
    }
    let patch = arguments.rest();
    let request = Update { schedule: schedule.clone(), agent: None, generation: None, patch: patch.clone(), dry_run };
    match desk.ask(request).await {
        Ok(reply) => {
            let shown = reply.schedule.name.as_ref().unwrap_or(&reply.schedule.id);
            let text = match dry_run {
                true => format!("Valid change of '{shown}' ({}), not made: this was a dry run", fields.join(", ")),
                false => format!("OK: '{shown}' updated ({})", fields.join(", ")),
            };
            Outcome::done(text, structured(&reply)).notes(say::booked(&reply.schedule))
        }
        Err(error) => {
            let words = Words {
                names: &[],
                problem: &|problem, written| {
                    is_cron(problem).then(|| format!("Error: invalid cron expression '{written}'"))
                },
                error: &|error| unknown(&schedule, error),
            };
            let outcome = words.failed(&error, &patch);
            outcome.with_hint(&error)
        }
    }
}

/// `schedule_runs`.
pub(super) async fn runs(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let limit = count(arguments.take_whole("limit"));
    let one = match one(&arguments) {
        Ok(one) => one,
        Err(refusal) => return refusal.outcome(),
    };
    match desk.ask(Runs { schedule: one.schedule.clone(), limit, ..Runs::default() }).await {
        Ok(reply) => Outcome::done(say::runs(&reply), structured(&reply)),
        Err(error) => not_found(&one.schedule, &error),
    }
}

/// `schedule_preview`.
pub(super) async fn preview(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let refusal = Refusal::of(&arguments);
    if !refusal.is_empty() {
        return refusal.outcome();
    }
    let body = arguments.rest();
    let every = arguments.take_whole("every_seconds").map(|seconds| format!("{seconds}s"));
    if every.is_some() && arguments.has("every") {
        let error = Error::bad_input(Problem::new("every", "stands beside every_seconds").hint("keep one of them"));
        return failed(&error);
    }
    let request = Preview {
        cron: arguments.take_text("cron"),
        every: arguments.take_text("every").or(every),
        anchor: arguments.take_text("anchor"),
        at: arguments.take_text("at"),
        after: arguments.take_text("in"),
        when: arguments.take_text("when"),
        dialect: arguments.take_text("dialect"),
        timezone: arguments.take_text("timezone"),
        n: count(arguments.take_whole("n")).or(Some(PREVIEW_TIMES)),
        ..Preview::default()
    };
    match desk.ask(request).await {
        Ok(reply) => Outcome::done(say::previewed(&reply), structured(&reply)),
        Err(error) => {
            let words = Words {
                names: &[],
                problem: &|problem, written| {
                    is_cron(problem).then(|| format!("Error: invalid cron expression '{written}'"))
                },
                error: &|error| format!("Error: {error}"),
            };
            words.failed(&error, &body)
        }
    }
}

/// `schedule_run_now`.
pub(super) async fn run_now(desk: &Desk<'_>, arguments: Arguments) -> Outcome {
    let one = match one(&arguments) {
        Ok(one) => one,
        Err(refusal) => return refusal.outcome(),
    };
    match desk.ask(request::RunNow(one.clone())).await {
        Ok(started) => {
            let text = format!("OK: '{}' triggered", started.name.as_ref().unwrap_or(&started.id));
            let triggered = Triggered { run: format!("{}@{}", started.id, started.due.0), started };
            Outcome::done(text, structured(&triggered)).notes(format!("Run: {}", triggered.run))
        }
        Err(error) if error.code == Code::Conflict => no_trigger(&one.schedule, &error),
        Err(error) => not_found(&one.schedule, &error),
    }
}

/// The one schedule that is meant.
fn one(arguments: &Arguments) -> Result<Selector, Refusal> {
    let mut refusal = Refusal::of(arguments);
    let (id, name) = (arguments.text("schedule_id"), arguments.text("name"));
    if let (Some(id), Some(name)) = (id, name)
        && id != name
    {
        let problem = Problem::new("name", "stands beside schedule_id").value(name).hint("keep one of them");
        refusal.add(problem);
    }
    match id.or(name) {
        Some(schedule) if refusal.is_empty() => {
            Ok(Selector { schedule: schedule.to_owned(), agent: None, generation: None })
        }
        Some(_) => Err(refusal),
        None => {
            if !arguments.problems.iter().any(|problem| matches!(problem.path.as_str(), "schedule_id" | "name")) {
                refusal.missing("schedule_id");
            }
            Err(refusal)
        }
    }
}

fn count(given: Option<i64>) -> Option<usize> {
    given.map(|count| usize::try_from(count).unwrap_or(0))
}

/// An error in the words that all sets share.
fn failed(error: &Error) -> Outcome {
    let lines = match error.problems.as_slice() {
        [] => vec![format!("Error: {error}")],
        problems => problems.iter().map(|problem| format!("Error: {problem}")).collect(),
    };
    Outcome::refused(lines, error)
}

/// The line for what went wrong with one schedule.
fn unknown(schedule: &str, error: &Error) -> String {
    match error.code {
        Code::NotFound => format!("Error: schedule '{schedule}' not found"),
        _ => format!("Error: {error}"),
    }
}

/// What went wrong with one schedule.
pub(super) fn not_found(schedule: &str, error: &Error) -> Outcome {
    if error.problems.is_empty() {
        Outcome::refused(vec![unknown(schedule, error)], error).with_hint(error)
    } else {
        failed(error)
    }
}

/// A schedule that has ended and cannot be triggered, held or let go on.
pub(super) fn no_trigger(schedule: &str, error: &Error) -> Outcome {
    Outcome::refused(vec![format!("Error: schedule '{schedule}' has no active trigger"), error.to_string()], error)
}

impl Outcome {
    /// Adds what was meant instead, where an error says so.
    pub(super) fn with_hint(self, error: &Error) -> Self {
        match say::hint(&error.message).filter(|_| error.code == Code::NotFound && self.notes.is_empty()) {
            Some(hint) => self.notes(hint),
            None => self,
        }
    }
}
