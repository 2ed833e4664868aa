//! Schedules, rows and runs in the form of replies.
//!
//! Pure. Invariant: every enum of the engine has its word here, once. Units: `Timestamp`.
//! Not here: reading them (`read`).

use serde_json::Value;

use crate::calendar::Trigger;
use crate::engine::change::{Cause, Outcome, OutcomeKind, Phase, Retried, Run, SkipReason, Spread, State, Status};
use crate::engine::fires_at;
use crate::id::ScheduleKey;
use crate::limits;
use crate::problem::Problem;
use crate::spec::{Draft, RawSchedule, Schedule, from_schedule};
use crate::store::RunCursor;
use crate::surface::error::Error;
use crate::surface::ops::preview::dialect_word;
use crate::surface::ops::reply::{
    Changed, Created, DeliveryShown, ExecutionShown, FireTime, Instant, Line, RetriedShown, RunLine, RunTold, Shown,
    Started,
};
use crate::time::{Span, Timestamp};

/// Times that a reply shows.
const UPCOMING: usize = 3;

/// The word for a status.
pub(super) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Paused | Status::Failing => "paused",
        Status::Completed => "completed",
        Status::Cancelled => "cancelled",
    }
}

/// Reads the word for a status.
pub(super) fn read_status(word: &str) -> Result<Status, Error> {
    let all = [Status::Active, Status::Paused, Status::Completed, Status::Cancelled];
    all.into_iter().find(|status| status_word(*status) == word).ok_or_else(|| {
        let problem = Problem::new("status", "is not a status").value(word);
        Error::bad_input(problem.hint(all.map(status_word).join(", ")))
    })
}

/// The word for an outcome.
pub(super) const fn outcome_word(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Delivered => "delivered",
        OutcomeKind::Silent => "silent",
        OutcomeKind::Skipped => "skipped",
        OutcomeKind::Failed => "failed",
        OutcomeKind::Cancelled => "cancelled",
        OutcomeKind::Unknown => "unknown",
    }
}

/// Reads the word for an outcome.
pub(super) fn read_outcome(word: &str) -> Result<OutcomeKind, Error> {
    let all = [
        OutcomeKind::Delivered,
        OutcomeKind::Silent,
        OutcomeKind::Skipped,
        OutcomeKind::Failed,
        OutcomeKind::Cancelled,
        OutcomeKind::Unknown,
    ];
    all.into_iter().find(|outcome| outcome_word(*outcome) == word).ok_or_else(|| {
        let problem = Problem::new("outcome", "is not an outcome").value(word);
        Error::bad_input(problem.hint(all.map(outcome_word).join(", ")))
    })
}

const fn skip_word(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Misfire => "missed while nothing ran",
        SkipReason::CatchupWindow => "older than the catch-up window",
        SkipReason::Paused => "paused",
        SkipReason::Past => "past when it was declared",
        SkipReason::Except => "excluded",
        SkipReason::Overlap => "an earlier run was not over",
    }
}

/// The dues of a schedule from `first` on, which may be one that its hook wished for; or strictly after `now` where
/// nothing is due yet.
pub(super) fn dues(schedule: &Schedule, first: Option<Timestamp>, now: Timestamp, count: usize) -> Vec<Timestamp> {
    let start = schedule.bounds.start_at.map_or(now, |start| start.minus(Span::from_millis(1)).max(now));
    let first = match (first, &schedule.trigger) {
        (Some(due), _) => Some(due),
        (None, Trigger::At(at)) => Some(*at),
        (None, Trigger::Every { .. } | Trigger::Cron(_) | Trigger::After(_)) => schedule.next_after(start),
    };
    let Some(first) = first else { return Vec::new() };
    let grid = schedule.trigger.from_due(first);
    let next = |after: Timestamp| grid.next_free(schedule.except.as_ref(), after);
    let in_bounds =
        |due: &Timestamp| *due < Timestamp::HORIZON && schedule.bounds.end_at.is_none_or(|end| *due <= end);
    // What is open already may be excluded.
    let free = next(first.minus(Span::from_millis(1)));
    std::iter::successors(free, |due| next(*due)).take_while(in_bounds).take(count).collect()
}

/// The next dues of a schedule that is stored.
pub(super) fn upcoming(schedule: &Schedule, state: &State, now: Timestamp, count: usize) -> Vec<Timestamp> {
    let left = schedule.bounds.max_runs.map_or(count, |most| count.min(most.saturating_sub(state.runs) as usize));
    match state.status {
        Status::Completed | Status::Cancelled => Vec::new(),
        Status::Active => match state.next_due {
            Some(due) => dues(schedule, Some(due), now, left),
            None => Vec::new(),
        },
        // Paused time is not made up for: what is due by now will be skipped.
        Status::Paused | Status::Failing => dues(schedule, state.next_due.filter(|due| *due > now), now, left),
    }
}

/// When each of these dues fires, for a schedule with jitter.
pub(super) fn fires(schedule: &Schedule, key: ScheduleKey, dues: &[Timestamp]) -> Vec<Instant> {
    if schedule.policy.jitter == Span::ZERO {
        return Vec::new();
    }
    dues.iter().map(|due| Instant(fires_at(schedule, key, *due))).collect()
}

fn fire_times(schedule: &Schedule, dues: Vec<Timestamp>) -> Vec<FireTime> {
    dues.into_iter().map(|due| FireTime::new(due, schedule.zone)).collect()
}

/// A schedule that was created, or changed.
pub(super) fn created(schedule: &Schedule, state: &State, now: Timestamp, warnings: Vec<String>) -> Created {
    let next = fire_times(schedule, upcoming(schedule, state, now, UPCOMING));
    Created {
        id: schedule.id.to_string(),
        name: schedule.name.clone(),
        recurring: schedule.trigger.is_recurring(),
        existing: false,
        paused: state.status.is_paused(),
        description: schedule.describe(),
        dialect: dialect_word(&schedule.trigger).map(str::to_owned),
        timezone: schedule.zone.name().to_owned(),
        next,
        generation: state.generation,
        warnings,
    }
}

/// A schedule that would be created, or changed.
pub(super) fn drafted(draft: &Draft, now: Timestamp, warnings: Vec<String>) -> Created {
    let schedule = &draft.schedule;
    let count = schedule.bounds.max_runs.map_or(UPCOMING, |most| UPCOMING.min(most as usize));
    let next = if draft.past { Vec::new() } else { dues(schedule, None, now, count) };
    Created {
        id: schedule.id.to_string(),
        name: schedule.name.clone(),
        recurring: schedule.trigger.is_recurring(),
        existing: false,
        paused: draft.paused,
        description: schedule.describe(),
        dialect: dialect_word(&schedule.trigger).map(str::to_owned),
        timezone: schedule.zone.name().to_owned(),
        next: fire_times(schedule, next),
        generation: 0,
        warnings,
    }
}

/// A schedule in a list.
pub(super) fn line(schedule: &Schedule, state: &State, note: Option<String>, now: Timestamp) -> Line {
    Line {
        id: schedule.id.to_string(),
        name: schedule.name.clone(),
        agent: schedule.agent.clone(),
        created_at: Instant(schedule.created_at),
        status: status_word(state.status).to_owned(),
        description: schedule.describe(),
        timezone: schedule.zone.name().to_owned(),
        destination: schedule.destination.as_ref().map(ToString::to_string),
        next: fire_times(schedule, upcoming(schedule, state, now, 1)).pop(),
        last: state.last_due.map(|due| FireTime::new(due, schedule.zone)),
        outcome: state.last_outcome.map(|outcome| outcome_word(outcome).to_owned()),
        runs: state.runs,
        max_runs: schedule.bounds.max_runs,
        failures: state.failures,
        paused_itself: state.status == Status::Failing,
        note: note_told(state, note),
    }
}

/// Why a schedule is paused, or fires no more though it is not. What the store keeps of one that paused itself is the last error.
fn note_told(state: &State, note: Option<String>) -> Option<String> {
    match state.status {
        Status::Active | Status::Paused => note,
        Status::Failing => {
            let because = note.map(|error| format!("; the last error: {error}")).unwrap_or_default();
            Some(format!("it paused itself after too many failures in a row{because}"))
        }
        Status::Completed | Status::Cancelled => None,
    }
}

/// A schedule in full.
pub(super) fn shown(
    key: ScheduleKey,
    schedule: &Schedule,
    state: &State,
    note: Option<String>,
    now: Timestamp,
) -> Result<Shown, Error> {
    Ok(Shown {
        line: line(schedule, state, note, now),
        generation: state.generation,
        dialect: dialect_word(&schedule.trigger).map(str::to_owned),
        upcoming: {
            let dues = upcoming(schedule, state, now, UPCOMING);
            let fires = fires(schedule, key, &dues);
            let mut times = fire_times(schedule, dues);
            times.iter_mut().zip(fires).for_each(|(time, fires)| time.fires = Some(fires));
            times
        },
        source: schedule.source.as_ref().map(|source| source.file.clone()),
        declaration: declaration(schedule, state)?,
    })
}

/// A schedule as a file would declare it.
pub(super) fn written(schedule: &Schedule, state: &State) -> RawSchedule {
    RawSchedule { paused: state.status.is_paused().then_some(true), ..from_schedule(schedule) }
}

/// The same as JSON.
pub(super) fn declaration(schedule: &Schedule, state: &State) -> Result<Value, Error> {
    let unwritten = |error: serde_json::Error| {
        Error::new(crate::surface::error::Code::Failed, "the declaration cannot be written").detail(error)
    };
    serde_json::to_value(written(schedule, state)).map_err(unwritten)
}

/// A schedule whose status was set.
pub(super) fn changed(
    schedule: &Schedule,
    state: &State,
    changed: bool,
    note: Option<String>,
    now: Timestamp,
) -> Changed {
    let due = if state.status == Status::Active { upcoming(schedule, state, now, 1).pop() } else { None };
    Changed {
        id: schedule.id.to_string(),
        name: schedule.name.clone(),
        status: status_word(state.status).to_owned(),
        changed,
        note: note_told(state, note),
        next: due.map(|due| FireTime::new(due, schedule.zone)),
    }
}

/// A run that was asked for.
pub(super) fn started(schedule: &Schedule, due: Timestamp) -> Started {
    Started { id: schedule.id.to_string(), name: schedule.name.clone(), due: Instant(due) }
}

/// One occurrence, with its deliveries where it has several.
pub(super) fn run(schedule: &Schedule, run: &Run, text: Option<String>, deliveries: Vec<DeliveryShown>) -> RunLine {
    let told = phase_told(&run.phase);
    let cause = match run.cause {
        Cause::Due => "due",
        Cause::CatchUp => "catch-up",
        Cause::Manual => "manual",
        Cause::Notice => "notice",
    };
    RunLine {
        due: FireTime::new(run.occurrence.due, schedule.zone),
        through: run.range.map(|range| FireTime::new(range.through, schedule.zone)),
        count: run.range.map_or(1, |range| range.count),
        cause: cause.to_owned(),
        outcome: told.outcome.to_owned(),
        detail: told.detail,
        attempts: run.attempt,
        retried: run.retried.map(|Retried { at, times }| RetriedShown { times, at: Instant(at) }),
        dropped: matches!(run.phase, Phase::Settled { outcome: Outcome::Dropped { .. }, .. }),
        execution: run.execution.as_ref().map(|execution| ExecutionShown {
            attempts: execution.attempts,
            took_ms: execution.took.as_millis(),
            model: execution.model.clone(),
            tokens_in: execution.tokens.map(|tokens| tokens.input),
            tokens_out: execution.tokens.map(|tokens| tokens.output),
            cost_micros: Some(execution.spent.cost.as_micros()).filter(|micros| *micros > 0),
            text,
            notes: execution.notes.as_deref().map(str::to_owned),
            to: execution.to.as_ref().map(ToString::to_string),
        }),
        deliveries,
        number: run.number,
        late_ms: (run.number > 0).then(|| run.claimed_at.since(run.occurrence.due).as_millis()),
        claimed_at: Instant(run.claimed_at),
        settled_at: told.settled_at.map(Instant),
        retry_at: told.retry_at.map(Instant),
    }
}

/// One of several deliveries of an occurrence.
pub(super) fn delivery(schedule: &Schedule, delivery: &Run, text: Option<String>) -> DeliveryShown {
    let told = phase_told(&delivery.phase);
    let to = delivery.execution.as_ref().and_then(|execution| execution.to.as_ref());
    DeliveryShown {
        to: to.or(schedule.destination.as_ref()).map(ToString::to_string),
        outcome: told.outcome.to_owned(),
        detail: told.detail,
        attempts: delivery.attempt,
        text,
        settled_at: told.settled_at.map(Instant),
        retry_at: told.retry_at.map(Instant),
    }
}

/// How far something is, in words.
struct PhaseTold {
    outcome: &'static str,
    detail: Option<String>,
    settled_at: Option<Timestamp>,
    retry_at: Option<Timestamp>,
}

fn phase_told(phase: &Phase) -> PhaseTold {
    let (outcome, detail, settled_at, retry_at) = match phase {
        Phase::Buffered => ("buffered", Some("waits for the end of an earlier run".to_owned()), None, None),
        Phase::Waiting => ("waiting", Some("waits for its turn to be run".to_owned()), None, None),
        Phase::Running { .. } => ("running", None, None, None),
        Phase::Rerun { at, error } => ("rerun", Some(error.clone()), None, Some(*at)),
        Phase::Spread(spread) => ("sending", Some(spread_told(spread)), None, None),
        Phase::Pending => ("pending", None, None, None),
        Phase::Sending { .. } => ("sending", None, None, None),
        Phase::Retry { at, error } => ("retry", Some(error.clone()), None, Some(*at)),
        Phase::Settled { at, outcome } => {
            let detail = match outcome {
                Outcome::Delivered { message_id } => message_id.as_ref().map(|id| format!("message {id}")),
                Outcome::Silent { reason } => Some(reason.clone()),
                Outcome::Skipped(reason) => Some(skip_word(*reason).to_owned()),
                Outcome::Gated { reason } => Some(format!("hook: {reason}")),
                Outcome::OverBudget { reason } => Some(format!("budget: {reason}")),
                Outcome::Failed { error } | Outcome::Dropped { error } | Outcome::Unknown { error } => {
                    Some(error.clone())
                }
                Outcome::Cancelled => None,
                Outcome::Displaced => Some("ended for the next run of its schedule".to_owned()),
            };
            (outcome_word(outcome.kind()), detail, Some(*at), None)
        }
    };
    PhaseTold { outcome, detail, settled_at, retry_at }
}

fn spread_told(spread: &Spread) -> String {
    let Spread { left, errors, .. } = spread;
    let errors = if errors.is_empty() { String::new() } else { format!("; {errors}") };
    format!("{left} of its deliveries are not over{errors}")
}

/// How many rows a caller wants.
pub(super) fn limit(given: Option<usize>, usual: usize) -> Result<usize, Error> {
    match given {
        None => Ok(usual),
        Some(0) => Err(Error::bad_input(Problem::new("limit", "is out of range").value("0").hint("1 or more"))),
        Some(limit) => Ok(limit.min(limits::PAGE_ROWS_MAX)),
    }
}

/// Reads the beginning of a stretch up to now: an instant, or how long ago it was.
pub(super) fn read_since(path: &str, text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let ago = Span::parse(text).map(|span| now.minus(span));
    Timestamp::parse_rfc3339(text).or_else(|| ago.ok()).ok_or_else(|| {
        let problem = Problem::new(path, "is neither an RFC 3339 time nor a span").value(text);
        Error::bad_input(problem.hint("such as 2026-01-30T16:00:00Z, or 7d for the last seven days"))
    })
}

/// The place of a run in its schedule's history, as a page ends there.
pub(super) fn run_cursor(run: &Run) -> String {
    let RunCursor { due, generation } = RunCursor::from(run);
    format!("{}.{generation}", due.as_millis())
}

/// Reads the place of a run.
pub(super) fn read_run_cursor(text: &str) -> Result<RunCursor, Error> {
    let read = || {
        let (due, generation) = text.split_once('.')?;
        Some(RunCursor { due: Timestamp::from_millis(due.parse().ok()?), generation: generation.parse().ok()? })
    };
    read().ok_or_else(|| Error::bad_input(Problem::new("cursor", "is not one of ours").value(text)))
}

/// An occurrence with its schedule.
pub(super) fn run_told(schedule: &Schedule, told: &Run) -> RunTold {
    RunTold {
        schedule: schedule.id.to_string(),
        name: schedule.name.clone(),
        agent: schedule.agent.clone(),
        run: run(schedule, told, None, Vec::new()),
    }
}
