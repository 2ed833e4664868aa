//! From a valid schedule back to what a user may write, and one writing laid over another.
//!
//! Invariant: `validate(from_schedule(s))` is `s` again, so an update is "write it down, lay the change over it,
//! validate" and can never reach a state that a create could not.
//! Not here: `source` and `created_at`, which nobody writes; they come back from `Context::existing`.

use serde_json::{Map, Value as Json};

use crate::calendar::{Dialect, Trigger};
use crate::money::Cost;
use crate::time::Span;

use super::raw::{RawAfter, RawDestination, RawPayload, RawRetry, RawSchedule, RawTrigger};
use super::read::Reading;
use super::validate::words;
use super::{Budget, OnHookError, Payload, Policy, RetryPolicy, RunSession, Schedule, Silence};

/// The writing that validates to this schedule; policies are written only where they are not the default.
#[must_use]
pub fn from_schedule(schedule: &Schedule) -> RawSchedule {
    let policy = &schedule.policy;
    let usual = Policy::default();
    let span = |given: Span, default: Span| (given != default).then(|| given.to_string());
    RawSchedule {
        id: Some(schedule.id.to_string()),
        name: schedule.name.clone(),
        agent: Some(schedule.agent.clone()),
        created_by_session: schedule.created_by_session.clone(),
        destination: schedule.destination.as_ref().map(|to| RawDestination {
            gateway: Some(to.gateway.clone()),
            chat_id: Some(to.chat_id.clone()),
            thread: to.thread.clone(),
            is_one_text: false,
        }),
        schedule: Some(trigger(schedule)),
        after: schedule.trigger.after().map(|after| RawAfter {
            schedule: Some(after.schedule.to_string()),
            outcome: Some(words::ends(after.ends)),
        }),
        payload: Some(match &schedule.payload {
            Payload::Message(text) => RawPayload { message: Some(text.clone()), ..RawPayload::default() },
            Payload::Template(text) => RawPayload { template: Some(text.clone()), ..RawPayload::default() },
            Payload::Task(task) => RawPayload { task: Some(task.instruction.clone()), ..RawPayload::default() },
        }),
        model: match &schedule.payload {
            Payload::Message(_) | Payload::Template(_) => None,
            Payload::Task(task) => task.model.clone(),
        },
        session: match &schedule.payload {
            Payload::Message(_) | Payload::Template(_) => None,
            Payload::Task(task) => words::differing(words::SESSION, task.session, RunSession::default()),
        },
        silence: match &schedule.payload {
            Payload::Message(_) | Payload::Template(_) => None,
            Payload::Task(task) => words::differing(words::SILENCE, task.silence, Silence::default()),
        },
        budget: match &schedule.payload {
            Payload::Message(_) | Payload::Template(_) => None,
            Payload::Task(task) => budget(task.budget),
        },
        hook: schedule.hook.clone(),
        on_hook_error: words::differing(words::ON_HOOK_ERROR, schedule.on_hook_error, OnHookError::default()),
        start_at: schedule.bounds.start_at.map(|at| at.to_string()),
        end_at: schedule.bounds.end_at.map(|at| at.to_string()),
        max_runs: schedule.bounds.max_runs.map(i64::from),
        jitter: span(policy.jitter, usual.jitter),
        misfire_policy: words::differing(words::MISFIRE, policy.misfire, usual.misfire),
        catchup_window: span(policy.catchup_window, usual.catchup_window),
        overlap_policy: words::differing(words::OVERLAP, policy.overlap, usual.overlap),
        retry: retry(&policy.retry),
        delivery: words::differing(words::DELIVERY, policy.delivery, usual.delivery),
        except: schedule.except.as_ref().map(|except| except.texts().to_vec()),
        pause_after_failures: policy.pause_after.map(i64::from),
        expect_every: schedule.expect_every.map(|span| span.to_string()),
        labels: schedule.labels.clone(),
        vars: schedule.vars.clone(),
        client_token: schedule.client_token.clone(),
        process_handle: schedule.process_handle.clone(),
        ..RawSchedule::default()
    }
}

fn trigger(schedule: &Schedule) -> RawTrigger {
    let mut raw = RawTrigger { timezone: Some(schedule.zone.name().to_owned()), ..RawTrigger::default() };
    match &schedule.trigger {
        Trigger::At(at) => raw.at = Some(at.to_string()),
        Trigger::Every { period, anchor } => {
            raw.every = Some(period.to_string());
            raw.anchor = Some(anchor.to_string());
        }
        Trigger::Cron(cron) => {
            raw.cron = Some(cron.text().to_owned());
            let dialect = match cron.dialect() {
                Dialect::Unix => "unix",
                Dialect::Quartz => "quartz",
            };
            raw.dialect = Some(dialect.to_owned());
        }
        Trigger::After(_) => {}
    }
    raw
}

/// An amount has sixteen digits at the most, which a number of JSON holds; one that JSON would write with an exponent is
/// written as a text.
fn budget(budget: Budget) -> Option<Json> {
    let mut written = Map::new();
    if let Some(most) = budget.max_tokens_per_run {
        written.insert("max_tokens_per_run".to_owned(), most.into());
    }
    if let Some(most) = budget.max_cost_per_day {
        let number = Json::from(most.as_micros() as f64 / 1e6);
        let amount = if Cost::parse(&number.to_string()) == Ok(most) { number } else { most.to_string().into() };
        written.insert("max_cost_per_day".to_owned(), amount);
    }
    (!written.is_empty()).then_some(Json::Object(written))
}

fn retry(policy: &RetryPolicy) -> Option<RawRetry> {
    (*policy != RetryPolicy::default()).then(|| RawRetry {
        max_attempts: Some(i64::from(policy.max_attempts)),
        max_age: Some(policy.max_age.to_string()),
        backoff_min: Some(policy.backoff_min.to_string()),
        backoff_max: Some(policy.backoff_max.to_string()),
    })
}

/// Lays a change over a writing: what the change gives replaces, what it clears (an explicit null) is removed, and
/// the rest stays. A new trigger replaces the old one but keeps its zone unless it brings one; a new payload
/// replaces the old one; labels and variables are replaced as a whole, a budget limit by limit. Trigger, payload and chat cannot be removed
/// piece by piece, so a null for one of their kinds means "not given", as models write it.
///
/// Whether the schedule is paused is not written in a schedule: ask `raw.paused` of the patch.
#[must_use]
pub fn merge(base: RawSchedule, patch: Reading) -> Reading {
    let Reading { raw: change, cleared, .. } = &patch;
    let mut merged = base;
    for path in cleared {
        clear(&mut merged, path);
    }
    macro_rules! lay {
        ($($field:ident),* $(,)?) => {
            $(if change.$field.is_some() { merged.$field.clone_from(&change.$field); })*
        };
    }
    lay!(id, name, agent, created_by_session, model, hook, start_at, end_at, max_runs, jitter, misfire_policy);
    lay!(catchup_window, overlap_policy, delivery, session, silence, paused, except);
    lay!(pause_after_failures);
    lay!(expect_every, on_hook_error, client_token, process_handle);
    if let Some(payload) = change.payload.as_ref().filter(|payload| !payload.given().is_empty()) {
        merged.payload = Some(payload.clone());
        // A model belongs to its task, and so do its silence and its budget: another kind of payload has none.
        if payload.task.is_none() {
            merged.model.clone_from(&change.model);
            merged.silence.clone_from(&change.silence);
            merged.budget = None;
        }
    }
    if let Some(change) = &change.budget {
        lay_budget(&mut merged.budget, change);
    }
    if !change.labels.is_empty() {
        merged.labels.clone_from(&change.labels);
    }
    if !change.vars.is_empty() {
        merged.vars.clone_from(&change.vars);
    }
    if let Some(change) = &change.destination {
        lay_destination(merged.destination.get_or_insert_default(), change);
    }
    if let Some(change) = &change.after {
        // What starts it takes the place of a trigger; the zone stays.
        lay_after(merged.after.get_or_insert_default(), change);
        with(&mut merged.schedule, |trigger| {
            *trigger = RawTrigger { timezone: trigger.timezone.take(), ..RawTrigger::default() };
        });
    } else if change.schedule.as_ref().is_some_and(|trigger| !trigger.given().is_empty()) {
        merged.after = None;
    }
    if let Some(change) = &change.schedule {
        lay_trigger(merged.schedule.get_or_insert_default(), change);
    }
    if let Some(change) = &change.retry {
        lay_retry(merged.retry.get_or_insert_default(), change);
    }
    Reading { raw: merged, ..patch }
}

/// Each of its limits by itself; a null takes one away.
fn lay_budget(merged: &mut Option<Json>, change: &Json) {
    match (merged, change) {
        (Some(Json::Object(merged)), Json::Object(change)) => merged.extend(change.clone()),
        (merged, change) => *merged = Some(change.clone()),
    }
}

fn lay_destination(merged: &mut RawDestination, change: &RawDestination) {
    // A thread belongs to its chat: another chat without a thread means the chat itself.
    if change.gateway.is_some() || change.chat_id.is_some() {
        merged.thread = None;
        merged.is_one_text = change.is_one_text;
    }
    overlay(&mut merged.gateway, &change.gateway);
    overlay(&mut merged.chat_id, &change.chat_id);
    overlay(&mut merged.thread, &change.thread);
}

fn lay_trigger(merged: &mut RawTrigger, change: &RawTrigger) {
    if !change.given().is_empty() {
        *merged = RawTrigger { timezone: merged.timezone.take(), ..RawTrigger::default() };
    }
    overlay(&mut merged.at, &change.at);
    overlay(&mut merged.r#in, &change.r#in);
    overlay(&mut merged.every, &change.every);
    overlay(&mut merged.cron, &change.cron);
    overlay(&mut merged.when, &change.when);
    overlay(&mut merged.timezone, &change.timezone);
    overlay(&mut merged.dialect, &change.dialect);
    overlay(&mut merged.anchor, &change.anchor);
}

fn lay_after(merged: &mut RawAfter, change: &RawAfter) {
    overlay(&mut merged.schedule, &change.schedule);
    if change.outcome.is_some() {
        merged.outcome.clone_from(&change.outcome);
    }
}

fn lay_retry(merged: &mut RawRetry, change: &RawRetry) {
    if change.max_attempts.is_some() {
        merged.max_attempts = change.max_attempts;
    }
    overlay(&mut merged.max_age, &change.max_age);
    overlay(&mut merged.backoff_min, &change.backoff_min);
    overlay(&mut merged.backoff_max, &change.backoff_max);
}

fn overlay(merged: &mut Option<String>, change: &Option<String>) {
    if change.is_some() {
        merged.clone_from(change);
    }
}

/// Removes what a canonical path names; a path that names nothing removes nothing.
fn clear(raw: &mut RawSchedule, path: &str) {
    match path {
        "id" => raw.id = None,
        "name" => raw.name = None,
        "agent" => raw.agent = None,
        "created_by_session" => raw.created_by_session = None,
        "destination" => raw.destination = None,
        "destination.thread" => {
            if let Some(to) = &mut raw.destination {
                to.thread = None;
            }
        }
        "schedule" => raw.schedule = None,
        "schedule.timezone" => with(&mut raw.schedule, |trigger| trigger.timezone = None),
        "schedule.dialect" => with(&mut raw.schedule, |trigger| trigger.dialect = None),
        "schedule.anchor" => with(&mut raw.schedule, |trigger| trigger.anchor = None),
        "payload" => raw.payload = None,
        "model" => raw.model = None,
        "session" => raw.session = None,
        "silence" => raw.silence = None,
        "budget" => raw.budget = None,
        "hook" => raw.hook = None,
        "on_hook_error" => raw.on_hook_error = None,
        "start_at" => raw.start_at = None,
        "end_at" => raw.end_at = None,
        "max_runs" => raw.max_runs = None,
        "jitter" => raw.jitter = None,
        "misfire_policy" => raw.misfire_policy = None,
        "catchup_window" => raw.catchup_window = None,
        "overlap_policy" => raw.overlap_policy = None,
        "retry" => raw.retry = None,
        "retry.max_attempts" => with(&mut raw.retry, |retry| retry.max_attempts = None),
        "retry.max_age" => with(&mut raw.retry, |retry| retry.max_age = None),
        "retry.backoff_min" => with(&mut raw.retry, |retry| retry.backoff_min = None),
        "retry.backoff_max" => with(&mut raw.retry, |retry| retry.backoff_max = None),
        "delivery" => raw.delivery = None,
        "except" => raw.except = None,
        "after" => raw.after = None,
        "after.outcome" => with(&mut raw.after, |after| after.outcome = None),
        "expect_every" => raw.expect_every = None,
        "pause_after_failures" => raw.pause_after_failures = None,
        "labels" => raw.labels.clear(),
        "vars" => raw.vars.clear(),
        "paused" => raw.paused = None,
        "client_token" => raw.client_token = None,
        "process_handle" => raw.process_handle = None,
        _ => {}
    }
}

fn with<T>(part: &mut Option<T>, change: impl FnOnce(&mut T)) {
    if let Some(part) = part {
        change(part);
    }
}
