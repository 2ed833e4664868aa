//! The duragent set: `schedule` with its actions, and the older names of each.
//!
//! Gateway, chat and session come from the calling context. Source: the contract of the older tools; their strings are
//! matched on. Not here: `schedule_task` where the canonical set is on, which then stands for both.

use super::arguments::Arguments;
use super::canonical::CREATE;
use super::declare::{complete_retry, create as declare, created_line, created_notes, exactly_one, reason};
use super::reply::Active;
use super::{Desk, Outcome, Refusal, say, structured};
use crate::calendar::Zone;
use crate::limits;
use crate::problem::Problem;
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error};
use crate::surface::ops::reply::{Line, Listed};
use crate::surface::ops::request::{self, List, Selector};
use crate::time::{Span, Timestamp};
use serde_json::Value;

/// `schedule`.
pub(super) async fn schedule(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let Some(action) = arguments.take_text("action") else { return Refusal::of(&arguments).outcome() };
    match action.trim().to_ascii_lowercase().as_str() {
        "create" => {
            // Some models fill in every parameter; an id means nothing before there is one.
            arguments.take_text("schedule_id");
            create(desk, arguments).await
        }
        "list" => list(desk, arguments.only_problems()).await,
        "cancel" => cancel(desk, arguments).await,
        _ => {
            let action = shorten(&action);
            let mut refusal = Refusal::default();
            let problem = Problem::new("action", "is not an action").value(&action).hint("create, list, cancel");
            refusal.say(format!("Unknown action: '{action}'. Use: create, list, cancel"), problem);
            refusal.outcome()
        }
    }
}

/// `schedule_task`.
pub(super) async fn create(desk: &Desk<'_>, mut arguments: Arguments) -> Outcome {
    let mut refusal = Refusal::of(&arguments);
    exactly_one(&arguments, &mut refusal);
    complete_retry(&mut arguments);
    match declare(desk, refusal, arguments.rest(), false, CREATE).await {
        Ok(booked) => Outcome::done(created_line(&booked), structured(&booked)).notes(created_notes(&booked)),
        Err(outcome) => outcome,
    }
}

/// `list_schedules`.
pub(super) async fn list(desk: &Desk<'_>, arguments: Arguments) -> Outcome {
    let refusal = Refusal::of(&arguments);
    if !refusal.is_empty() {
        return refusal.outcome();
    }
    let request = List { declarations: true, limit: Some(limits::PAGE_ROWS_MAX), ..List::default() };
    let listed: Listed = match desk.ask(request).await {
        Ok(listed) => listed,
        Err(error) => return Outcome::refused(vec![format!("Error: {}", reason(&error))], &error),
    };
    if listed.schedules.is_empty() {
        return Outcome::done("No active schedules.", structured(&listed));
    }
    let rows: Vec<Active> = listed.schedules.iter().zip(&listed.declarations).map(active).collect();
    // Plain data with text keys; writing it cannot fail.
    let text = serde_json::to_string_pretty(&rows).unwrap_or_default();
    let more = listed.cursor.as_ref().map(|_| format!("Only the first {} are shown.", rows.len()));
    Outcome::done(format!("Active schedules:\n{text}"), structured(&listed)).notes(more.unwrap_or_default())
}

/// `cancel_schedule`.
pub(super) async fn cancel(desk: &Desk<'_>, arguments: Arguments) -> Outcome {
    let mut refusal = Refusal::of(&arguments);
    let Some(id) = arguments.text("schedule_id") else {
        if refusal.is_empty() {
            refusal.missing("schedule_id");
        }
        return refusal.outcome();
    };
    if !refusal.is_empty() {
        return refusal.outcome();
    }
    let failed = |error: &Error| {
        let (why, hint) = match error.code {
            Code::NotFound => (format!("schedule not found: {id}"), say::hint(&error.message)),
            _ => (reason(error), None),
        };
        Outcome::refused(
            [Some(format!("Failed to cancel schedule: {why}")), hint].into_iter().flatten().collect(),
            error,
        )
    };
    match desk.ask(request::Cancel(Selector { schedule: id.to_owned(), agent: None, generation: None })).await {
        Ok(reply) if reply.changed => Outcome::done(format!("Cancelled schedule: {}", reply.id), structured(&reply)),
        // What has ended is no longer active, so it is not there to be cancelled.
        Ok(reply) => {
            failed(&Error::new(Code::NotFound, format!("schedule not found: {id}; it is {} already", reply.status)))
        }
        Err(error) => failed(&error),
    }
}

fn active((line, declared): (&Line, &Value)) -> Active {
    let at = |pointer: &str| declared.pointer(pointer).and_then(Value::as_str);
    let payload = ["message", "template", "task"].into_iter().find(|kind| at(&format!("/payload/{kind}")).is_some());
    let timing = match (at("/schedule/at"), at("/schedule/every"), at("/schedule/cron")) {
        (Some(text), _, _) => once(text),
        (None, Some(text), _) => rhythm(text),
        (None, None, cron) => format!("cron: {}", cron.unwrap_or_default()),
    };
    Active {
        id: line.id.clone(),
        timing,
        payload_type: payload.unwrap_or("message").to_owned(),
        created_at: line.created_at.0.to_string(),
        process_handle: at("/process_handle").map(str::to_owned),
    }
}

/// `at 2026-01-30 16:00 UTC`.
fn once(text: &str) -> String {
    let Some(at) = Timestamp::parse_rfc3339(text) else { return format!("at {text}") };
    let civil = Zone::UTC.format_civil(at);
    format!("at {} UTC", civil.get(..16).unwrap_or(&civil))
}

/// `every 2 hours`, in the largest unit that says it exactly.
fn rhythm(text: &str) -> String {
    let Ok(seconds) = Span::parse(text).map(|span| span.as_millis() / 1000) else { return format!("every {text}") };
    match seconds {
        _ if seconds % 3600 == 0 => format!("every {} hours", seconds / 3600),
        _ if seconds % 60 == 0 => format!("every {} minutes", seconds / 60),
        _ => format!("every {seconds} seconds"),
    }
}
