//! A window of deliveries on its way through its gateway, one after the other; without threads, so that a simulation
//! walks the same road as the program.
//!
//! Texts are read from the store when they are sent, so a backlog costs no memory, and a schedule cancelled or
//! replaced meanwhile is not sent; nor is one whose due lies ahead again, because the clock was set back. The first
//! delivery that must be tried again ends its window: what stands behind it is answered `NotTried`, so order is kept.
//! Invariant: every item of a window is answered exactly once. Not here: gateways and patience (`dispatch`), retries
//! and order (`engine`).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::engine::change::Status;
use crate::engine::{Answer, Content, Input, Window};
use crate::gateway::{Delivery, Receipt, SendError};
use crate::id::{self, OccurrenceId};
use crate::planted::{self, Bug};
use crate::spec::{Payload, Schedule, Talk};
use crate::store::{Reader, StoreError};
use crate::time::Timestamp;

/// What is left of a window, from the delivery that is being tried on.
#[derive(Debug)]
pub struct Round {
    gateway: Arc<str>,
    content: Content,
    items: VecDeque<(OccurrenceId, u16)>,
    halted: bool,
}

/// What a window needs next.
#[derive(Debug)]
pub enum Step {
    /// Hand this to the gateway, then tell [`Round::answered`].
    Try(Box<Delivery>),
    /// Tell the engine; the gateway was not asked.
    Tell(Input),
}

impl Round {
    /// A window of which nothing has been tried.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self { gateway: window.gateway, content: window.content, items: window.items.into(), halted: false }
    }

    /// Name of the gateway.
    #[must_use]
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// What comes next; `None` when every delivery is answered. `stopping`: nothing more is tried.
    pub fn step(&mut self, reader: &Reader, now: Timestamp, stopping: bool) -> Option<Step> {
        let &(occurrence, attempt) = self.items.front()?;
        // The clock may have been set back, or have slewed, since this was handed out: then it waits for its due again.
        self.halted = self.halted || now < occurrence.due && !planted::is(Bug::SlewSendsEarly);
        if self.halted || stopping {
            return self.answer(Answer::NotTried).map(Step::Tell);
        }
        match compose(reader, now, self.content, occurrence, attempt) {
            Ok(delivery) => Some(Step::Try(Box::new(delivery))),
            Err(answer) => self.answer(answer).map(Step::Tell),
        }
    }

    /// The gateway's answer to the delivery that was being tried, for the engine.
    pub fn answered(&mut self, answer: Result<Receipt, SendError>) -> Option<Input> {
        self.answer(match answer {
            Ok(receipt) => Answer::Delivered { message_id: receipt.message_id },
            Err(SendError::Retry { error, after }) => Answer::Retry { error, after },
            Err(SendError::Limited { error, after, scope }) => Answer::Limited { error, after, scope },
            Err(SendError::Unreachable { error } | SendError::Barred { error }) => Answer::Shut { error },
            Err(SendError::Permanent { error }) => Answer::Permanent { error },
            Err(SendError::Ambiguous { error }) => Answer::Ambiguous { error },
        })
    }

    fn answer(&mut self, answer: Answer) -> Option<Input> {
        self.halted = self.halted || answer.halts();
        let (occurrence, _) = self.items.pop_front()?;
        Some(Input::Answered { occurrence, answer })
    }
}

/// The delivery as it is to be sent, or why it is not.
fn compose(
    reader: &Reader,
    now: Timestamp,
    content: Content,
    occurrence: OccurrenceId,
    attempt: u16,
) -> Result<Delivery, Answer> {
    let unread = |error: StoreError| Answer::Retry { error: error.to_string(), after: None };
    let key = occurrence.schedule;
    let (Some((declared, schedule)), Some(state)) =
        (reader.schedule(key).map_err(unread)?, reader.state(key).map_err(unread)?)
    else {
        return Err(Answer::Permanent { error: "its schedule is not in the store".into() });
    };
    let is_cancelled = state.status == Status::Cancelled && !planted::is(Bug::CancelMissesOpen);
    if is_cancelled || declared > occurrence.generation {
        return Err(Answer::Superseded);
    }
    let mut destination = schedule.destination.clone();
    let text = match (content, &schedule.payload) {
        (Content::Payload, Payload::Message(text)) if !schedule.is_run() => text.clone(),
        (Content::Payload, _) => {
            // A long literal one may have been claimed by a version that made no run of it.
            let composed = reader.text(occurrence).map_err(unread)?;
            let Some(text) = composed.or_else(|| schedule.literal().map(str::to_owned)) else {
                return Err(Answer::Permanent { error: "the text composed for it is not in the store".into() });
            };
            let run = reader.run(occurrence).map_err(unread)?;
            destination = run.and_then(|run| run.execution).and_then(|execution| execution.to).or(destination);
            text
        }
        (Content::Notice, _) => match reader.text(occurrence).map_err(unread)? {
            // What its hook has to say.
            Some(text) => text,
            None => {
                // Where its owner has said why it is paused, that is no error.
                let error = if state.status == Status::Failing { reader.note(key).map_err(unread)? } else { None };
                notice(&schedule, state.failures, error.as_deref())
            }
        },
    };
    let Some(destination) = destination else { return Err(Answer::Superseded) };
    let heard = match schedule.talk {
        Some(Talk::Heard(number)) => match reader.heard(number).map_err(unread)? {
            Some(heard) => Some(Box::new((number, heard))),
            None => return Err(Answer::Permanent { error: "the message that came in is not kept any more".into() }),
        },
        Some(Talk::Answer | Talk::Aside) | None => None,
    };
    let named = if planted::is(Bug::KeyFromSendTime) { now } else { occurrence.due };
    let part = if planted::is(Bug::KeyWithAttempt) { attempt } else { 0 };
    let target = if planted::is(Bug::KeySharedByDeliveries) { 0 } else { occurrence.delivery };
    Ok(Delivery {
        key: id::delivery_key(&schedule.id, occurrence.generation, named, target, part),
        schedule: schedule.id.to_string(),
        name: schedule.name.clone(),
        agent: schedule.agent.clone(),
        due: occurrence.due,
        sent_at: now,
        attempt,
        destination,
        text,
        is_said: schedule.talk != Some(Talk::Aside),
        heard,
    })
}

/// Tells a schedule's owner that it paused itself.
fn notice(schedule: &Schedule, failures: u16, error: Option<&str>) -> String {
    let id = &schedule.id;
    let title = schedule.name.as_ref().map_or_else(|| format!("'{id}'"), |name| format!("'{name}' ({id})"));
    let error = error.map(|error| format!(" The last error: {error}.")).unwrap_or_default();
    format!(
        "Schedule {title} has paused itself after {failures} failures in a row.{error} Nothing of it fires until it is \
         resumed: chimewheel resume {id}"
    )
}
